-- The identities of an issuer in their order, for who reads all of them.

-- +goose Up

CREATE INDEX identities_issuer ON identities (issuer, id);
