-- The keys that sign bundles for edge verifiers, apart from those that sign tokens; and numbers that only rise.

-- +goose Up

CREATE TABLE bundle_keys (
    id           TEXT NOT NULL PRIMARY KEY,
    algorithm    TEXT NOT NULL,
    public       BLOB,
    sealed       BLOB,
    published_at INTEGER NOT NULL,
    signs_from   INTEGER NOT NULL,
    retired_at   INTEGER NOT NULL,
    drop_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE numbers (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL -- the last one that was given out
) STRICT, WITHOUT ROWID;
