-- Times are Unix milliseconds; the zero time of Go (year 1) is -62135596800000. Hashes are 32 bytes of SHA-256; one that
-- stands for none is NULL, so that uniqueness asks only about real ones.

-- +goose Up

-- Marks the file as Hexward's ("hxwd"), so that no other program's database is ever migrated by mistake.
PRAGMA application_id = 0x68787764;

CREATE TABLE users (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant          TEXT NOT NULL,
    name            TEXT NOT NULL,
    name_key        TEXT NOT NULL UNIQUE,
    email           TEXT NOT NULL,
    email_key       TEXT UNIQUE,
    email_confirmed INTEGER NOT NULL CHECK (email_confirmed IN (0, 1)),
    password_hash   TEXT NOT NULL,
    permissions     TEXT NOT NULL, -- a JSON array, or nothing; the same stands in user_permissions, to be searched
    ban_reason      TEXT,
    ban_from        INTEGER,       -- NULL when there is no ban
    ban_until       INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX users_banned ON users (id) WHERE ban_from IS NOT NULL;

CREATE TABLE user_permissions (
    permission TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (permission, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_permissions_user ON user_permissions (user_id);

CREATE TABLE sessions (
    id           TEXT NOT NULL PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tenant       TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    former       BLOB,
    former_to    INTEGER NOT NULL,
    signed_in_at INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    idle         INTEGER NOT NULL, -- milliseconds
    ends_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL, -- the earlier of seen_at + idle and ends_at
    rotate       INTEGER NOT NULL CHECK (rotate IN (0, 1)),
    method       TEXT NOT NULL,
    sealed       BLOB,
    family       BLOB,
    refresh      BLOB,
    rotation     INTEGER NOT NULL,
    fresh_at     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX sessions_former ON sessions (former);
CREATE UNIQUE INDEX sessions_family ON sessions (family);
CREATE INDEX sessions_user ON sessions (user_id, signed_in_at);
CREATE INDEX sessions_signed_in_at ON sessions (signed_in_at);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE mail_tokens (
    hash       BLOB NOT NULL,
    purpose    TEXT NOT NULL,
    subject    TEXT NOT NULL,
    email      TEXT NOT NULL,
    data       BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (hash, purpose),
    UNIQUE (subject, purpose)
) STRICT;

CREATE INDEX mail_tokens_expires_at ON mail_tokens (expires_at);

CREATE TABLE attempts (
    key    TEXT NOT NULL PRIMARY KEY,
    times  BLOB NOT NULL,    -- Unix milliseconds, eight bytes each, big endian
    latest INTEGER NOT NULL  -- the greatest of them
) STRICT;

CREATE INDEX attempts_latest ON attempts (latest);

CREATE TABLE revocation_marks (
    kind          INTEGER NOT NULL,
    value         TEXT NOT NULL,
    issued_before INTEGER NOT NULL, -- Unix milliseconds
    kept_until    INTEGER NOT NULL, -- Unix seconds
    PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX revocation_marks_kept_until ON revocation_marks (kept_until);

CREATE TABLE audit_events (
    sequence INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    at       INTEGER NOT NULL,
    action   TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    actor    TEXT NOT NULL,
    subject  TEXT NOT NULL,
    tenant   TEXT NOT NULL,
    session  TEXT NOT NULL,
    address  TEXT NOT NULL,
    agent    TEXT NOT NULL,
    request  TEXT NOT NULL,
    detail   TEXT NOT NULL -- a JSON object, or nothing
) STRICT;

CREATE INDEX audit_events_action ON audit_events (action, sequence);
CREATE INDEX audit_events_subject ON audit_events (subject, sequence);
CREATE INDEX audit_events_actor ON audit_events (actor, sequence);

CREATE TABLE signing_keys (
    id           TEXT NOT NULL PRIMARY KEY,
    algorithm    TEXT NOT NULL,
    public       BLOB,
    sealed       BLOB,
    published_at INTEGER NOT NULL,
    signs_from   INTEGER NOT NULL,
    retired_at   INTEGER NOT NULL,
    drop_at      INTEGER NOT NULL
) STRICT;
