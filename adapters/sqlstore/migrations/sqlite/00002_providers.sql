-- Signing in through providers. An account or session from before has no profile, no provider and no identity.

-- +goose Up

ALTER TABLE users ADD COLUMN full_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN picture TEXT NOT NULL DEFAULT '';

ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN upstream TEXT NOT NULL DEFAULT '';

CREATE INDEX sessions_upstream ON sessions (upstream, provider) WHERE upstream <> '';

CREATE TABLE identities (
    id         TEXT NOT NULL PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider   TEXT NOT NULL,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    email      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    UNIQUE (subject, issuer) -- the subject first, since there are few issuers
) STRICT;

CREATE INDEX identities_user ON identities (user_id, created_at);
