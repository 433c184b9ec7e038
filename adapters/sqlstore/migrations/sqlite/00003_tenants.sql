-- Tenants as records, machine clients and API tokens. A tenant that users have already becomes a record, and so does the
-- default one. What administrators list and search of one tenant has an index that begins with it.

-- +goose Up

CREATE TABLE tenants (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    external   TEXT NOT NULL, -- a JSON array, or nothing; the same stands in tenant_externals, to be unique
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tenant_externals (
    id        TEXT NOT NULL, -- what the source calls the tenant; first, since there are few sources
    source    TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    PRIMARY KEY (id, source)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenant_externals_tenant ON tenant_externals (tenant_id);

INSERT INTO tenants (id, name, external, created_at, updated_at)
SELECT tenant, tenant, '', min(created_at), min(created_at) FROM users WHERE tenant <> '' GROUP BY tenant;

INSERT INTO tenants (id, name, external, created_at, updated_at)
VALUES ('default', 'default', '', unixepoch() * 1000, unixepoch() * 1000) ON CONFLICT DO NOTHING;

CREATE TABLE clients (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant      TEXT NOT NULL,
    name        TEXT NOT NULL,
    permissions TEXT NOT NULL, -- a JSON array, or nothing
    secrets     TEXT NOT NULL, -- a JSON array of hashes with their times, or nothing
    keys        BLOB,
    disabled_at INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX clients_tenant ON clients (tenant, id);

CREATE TABLE api_tokens (
    id         TEXT NOT NULL PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tenant     TEXT NOT NULL,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL, -- a JSON array, or nothing
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,       -- NULL for never
    used_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX api_tokens_user ON api_tokens (user_id, created_at, id);
CREATE INDEX api_tokens_expires_at ON api_tokens (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX users_tenant ON users (tenant, id, name_key, email_key); -- the keys for what looks at all of them
CREATE INDEX users_banned_tenant ON users (tenant, id) WHERE ban_from IS NOT NULL;

ALTER TABLE user_permissions ADD COLUMN tenant TEXT NOT NULL DEFAULT ''; -- the user's
UPDATE user_permissions SET tenant = users.tenant FROM users WHERE users.id = user_permissions.user_id;
CREATE INDEX user_permissions_tenant ON user_permissions (permission, tenant, user_id);

-- An event of no tenant belongs to the default one. Each of these indexes has all that it takes to find the latest events.
DROP INDEX audit_events_subject;
DROP INDEX audit_events_actor;
CREATE INDEX audit_events_tenant ON audit_events ((CASE tenant WHEN '' THEN 'default' ELSE tenant END), sequence);
CREATE INDEX audit_events_tenant_action ON audit_events ((CASE tenant WHEN '' THEN 'default' ELSE tenant END), action, sequence);
CREATE INDEX audit_events_subject ON audit_events (subject, (CASE tenant WHEN '' THEN 'default' ELSE tenant END), sequence);
CREATE INDEX audit_events_actor ON audit_events (actor, (CASE tenant WHEN '' THEN 'default' ELSE tenant END), sequence);
