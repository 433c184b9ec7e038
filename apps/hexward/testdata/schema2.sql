-- A database as a program that knew only schema 2 wrote it: three accounts, alice an administrator, bob of the tenant acme, carol
-- banned; sessions, a signing key under the tests' master key, marks and the audit log. Times are shifted when it is loaded.
BEGIN TRANSACTION;
CREATE TABLE attempts (
    key    TEXT NOT NULL PRIMARY KEY,
    times  BLOB NOT NULL,    -- Unix milliseconds, eight bytes each, big endian
    latest INTEGER NOT NULL  -- the greatest of them
) STRICT;
INSERT INTO "attempts" VALUES('address:127.0.0.1',X'000001A20305B00C000001A20305B06D000001A20305B0CD000001A20305B12C000001A20305B171',1795347034481);
INSERT INTO "attempts" VALUES('mail:7a64adf28737ea90719cbdf0b1a87a5e',X'000001A20305B059',1795347034201);
INSERT INTO "attempts" VALUES('mail:686b5e4cf4f963adf8f51468a48028ef',X'000001A20305B0BF',1795347034303);
INSERT INTO "attempts" VALUES('mail:b39a07821bb2ed23b1d535a66cea5c2c',X'000001A20305B11B',1795347034395);
INSERT INTO "attempts" VALUES('account:01a20305-b0bd-7acb-9e9f-4d3c80121113',X'000001A20305B171',1795347034481);
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
INSERT INTO "audit_events" VALUES(1,'01a20305-b058-789b-889b-d6f6afcd7da0',1795347034200,'register','ok','01a20305-b057-7d7d-93c3-01af97b8cd8a','01a20305-b057-7d7d-93c3-01af97b8cd8a','default','','127.0.0.1','curl/7.88.1','f7ecc0f961ada974224685e3','');
INSERT INTO "audit_events" VALUES(2,'01a20305-b0be-77f5-8e58-21bef3666964',1795347034302,'register','ok','01a20305-b0bd-7acb-9e9f-4d3c80121113','01a20305-b0bd-7acb-9e9f-4d3c80121113','default','','127.0.0.1','curl/7.88.1','0639c7bd7198b38c9ce35f4e','');
INSERT INTO "audit_events" VALUES(3,'01a20305-b11b-75db-a62c-0eab0bca30ef',1795347034395,'register','ok','01a20305-b11a-7e45-bd40-c8e850e80e86','01a20305-b11a-7e45-bd40-c8e850e80e86','default','','127.0.0.1','curl/7.88.1','754bb7a1bf2647d80996e1ab','');
INSERT INTO "audit_events" VALUES(4,'01a20305-b15c-7521-840e-a99d45ad464a',1795347034460,'login','ok','01a20305-b057-7d7d-93c3-01af97b8cd8a','01a20305-b057-7d7d-93c3-01af97b8cd8a','default','01a20305-b15a-72a2-bbc2-43ccc1dda31b','127.0.0.1','curl/7.88.1','84cf5168ac5d0199003d3596','');
INSERT INTO "audit_events" VALUES(5,'01a20305-b1a6-728a-ad73-d72c96dad52a',1795347034534,'login','bad_credentials','','01a20305-b0bd-7acb-9e9f-4d3c80121113','default','','127.0.0.1','curl/7.88.1','4c9cca8b535d240c606363ac','');
INSERT INTO "audit_events" VALUES(6,'01a20305-b1b9-72ab-9ce3-7f7d1a28a9b6',1795347034553,'user.permit','ok','operator','01a20305-b057-7d7d-93c3-01af97b8cd8a','default','','','hexward command','','{"from":"","to":"admin reports"}');
INSERT INTO "audit_events" VALUES(7,'01a20305-b1ce-7d1e-800a-f396a28f5205',1795347034574,'user.ban','ok','operator','01a20305-b11a-7e45-bd40-c8e850e80e86','default','','','hexward command','','{"reason":"spam"}');
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO "goose_db_version" VALUES(1,0,1,'2026-11-22 11:30:34');
INSERT INTO "goose_db_version" VALUES(2,1,1,'2026-11-22 11:30:34');
INSERT INTO "goose_db_version" VALUES(3,2,1,'2026-11-22 11:30:34');
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
INSERT INTO "mail_tokens" VALUES(X'B5CEC27C60A63DD800E98EF469EF79F94CAB76CC6035A19EAD0DB83830FE0B56','setup','setup','',NULL,1795347034109,1795433434109);
INSERT INTO "mail_tokens" VALUES(X'7FE6D45814B04C8C4A0B27C931C1441D98094EDF027B5BBDAF8C87716989459C','confirm','01a20305-b057-7d7d-93c3-01af97b8cd8a','alice@example.org',NULL,1795347034202,1795433434202);
INSERT INTO "mail_tokens" VALUES(X'D702C61ADAE8BF927E3BDEB553C3015D7DB914D5E345D52F180940B576DC3407','confirm','01a20305-b0bd-7acb-9e9f-4d3c80121113','bob@example.org',NULL,1795347034303,1795433434303);
INSERT INTO "mail_tokens" VALUES(X'0B40D3422E3EAD24366145CEC3D341707B0983E846FC02A7FBA2CB4E154059D7','confirm','01a20305-b11a-7e45-bd40-c8e850e80e86','carol@example.org',NULL,1795347034396,1795433434396);
CREATE TABLE revocation_marks (
    kind          INTEGER NOT NULL,
    value         TEXT NOT NULL,
    issued_before INTEGER NOT NULL, -- Unix milliseconds
    kept_until    INTEGER NOT NULL, -- Unix seconds
    PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
INSERT INTO "revocation_marks" VALUES(3,'01a20305-b057-7d7d-93c3-01af97b8cd8a',1795347034552,1795347995);
INSERT INTO "revocation_marks" VALUES(3,'01a20305-b11a-7e45-bd40-c8e850e80e86',1795347034573,1795347995);
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
, provider TEXT NOT NULL DEFAULT '', upstream TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "sessions" VALUES('01a20305-b05b-7929-bd24-bf326e367dbe','01a20305-b057-7d7d-93c3-01af97b8cd8a','default',X'FBD1B6C929FF51CB671724217395B74FEB601688FFF3BF3685095EDEE1663522',NULL,-62135596800000,1795347034203,1795347034203,86400000,1795951834203,1795433434203,1,'password',X'0153911A12606F859ABCAC0F54F49D1592D024ACF0BAC253AA583D01F5AFA19B8E08560815CC99AE080DA69FEC6F1A8D1528C418A03DFE07335BA0AA283B279A9839996D6F1F52DD86B52F141FD671B9784856',X'739CC3BFAA99D1B0CB6F4967E9F9B4C212D3BB1D63129D36FC5990EF12C07327',X'8E4DEAB8AC925AB48E2BF9F0DD65BD8943612FE20D79CA8B66A85413CD8AC394',0,1795347034203,'','');
INSERT INTO "sessions" VALUES('01a20305-b0c0-77ad-93c2-5ccc942343a9','01a20305-b0bd-7acb-9e9f-4d3c80121113','acme',X'CBDB4386AC05276F098240C736F7C7F0C722649699A205E3FAF5208E36FE92B1',NULL,-62135596800000,1795347034304,1795347034304,86400000,1795951834304,1795433434304,0,'password',X'0153911A12CF5ADCB2BA31B8EE860839D553C6AB5C196D9B00AEACA1236C4778C3277CF9EA0EFF5844FC17770F9AC091B8FED6EE3748120B57834D8D4B690B0F60B92770F541A9B0B2919929572402AD755417',X'DCF5D363317693381B7D149C7AD21A32D8E34140DC0A757318794E5FDA51FD4B',X'E51E4A398B0BD8C0156BA3056BF7AB53486B70D32F173DDAA216708B14C6F041',0,1795347034304,'','');
INSERT INTO "sessions" VALUES('01a20305-b15a-72a2-bbc2-43ccc1dda31b','01a20305-b057-7d7d-93c3-01af97b8cd8a','default',X'B54C6CD3AC99351991280EBE00E49F318B6A12F5796D9B54387470618EF20650',NULL,-62135596800000,1795347034458,1795347034458,86400000,1795951834458,1795433434458,1,'password',X'0153911A120878A5490C9230C569BA3ACDB8748F8E829E22B5A9DD50D5684B456CDD1A94F6D2AB64CBAA304719C396AB691C0C9691CE2233487E8C2A4D34ED0EBBB56D4A865E86EF7CC0559603218EFDF11975',X'CE789824ECA6B8AD818C807D1F132BE07A412053FAC15DCCDF3710A5056CA77B',X'590188E12C532E01739ADE84AE31A0D4EB4230E516CAADA183223E3BEAC9BE5E',0,1795347034458,'','');
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
INSERT INTO "signing_keys" VALUES('SSh44iAKiToZNOaHfewW8yB4NGze2vh2GpA5MmKZ11s','EdDSA',X'7B22616C67223A224564445341222C22637276223A2245643235353139222C226B6964223A22535368343469414B69546F5A4E4F614866657757387942344E477A6532766832477041354D6D4B5A313173222C226B7479223A224F4B50222C22757365223A22736967222C2278223A2252376A57714A734E30304B3448765F39594451486F4D6355775F744D4F73704A34585764696E6B66743355227D',X'0153911A12057FCC36143D4FABED13B997FE942C92DCF5555C5E77A27DA1E61745DA95A6540747AC6A9F2A1A14C365E4C6D17B678C75C6B24A10939314A6DE79238ECE32B61C2A0BA792060EDF1E95898C',1795347034099,1795347034099,-62135596800000,-62135596800000);
CREATE TABLE user_permissions (
    permission TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (permission, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "user_permissions" VALUES('admin','01a20305-b057-7d7d-93c3-01af97b8cd8a');
INSERT INTO "user_permissions" VALUES('reports','01a20305-b057-7d7d-93c3-01af97b8cd8a');
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
, full_name TEXT NOT NULL DEFAULT '', picture TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "users" VALUES('01a20305-b057-7d7d-93c3-01af97b8cd8a','default','alice','alice','alice@example.org','alice@example.org',0,'$argon2id$v=19$m=19456,t=2,p=1$Yar+8NhOEb9p/a7apNh/ig$TrzmFcairRQrLY0VkTJVZCuGDEdVPRE/Ghwdm3WmL+4','["admin","reports"]',NULL,NULL,NULL,1795347034199,1795347034551,'','');
INSERT INTO "users" VALUES('01a20305-b0bd-7acb-9e9f-4d3c80121113','acme','bob','bob','bob@example.org','bob@example.org',0,'$argon2id$v=19$m=19456,t=2,p=1$tu9CikvIqRl5r17jE496NQ$1eotcXxnkqOG/C9riiy/bczS/y0W+M6b8KjxW6pssvQ','',NULL,NULL,NULL,1795347034301,1795347034301,'','');
INSERT INTO "users" VALUES('01a20305-b11a-7e45-bd40-c8e850e80e86','default','carol','carol','carol@example.org','carol@example.org',0,'$argon2id$v=19$m=19456,t=2,p=1$0NEklTORnoWNu3UYYFoMSg$imi4d1izst2wmfIloIhI2ZNcaCdlYg0yDg7TnUuGpU4','','spam',1795347034571,-62135596800000,1795347034394,1795347034571,'','');
CREATE INDEX users_banned ON users (id) WHERE ban_from IS NOT NULL;
CREATE INDEX user_permissions_user ON user_permissions (user_id);
CREATE UNIQUE INDEX sessions_former ON sessions (former);
CREATE UNIQUE INDEX sessions_family ON sessions (family);
CREATE INDEX sessions_user ON sessions (user_id, signed_in_at);
CREATE INDEX sessions_signed_in_at ON sessions (signed_in_at);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX mail_tokens_expires_at ON mail_tokens (expires_at);
CREATE INDEX attempts_latest ON attempts (latest);
CREATE INDEX revocation_marks_kept_until ON revocation_marks (kept_until);
CREATE INDEX audit_events_action ON audit_events (action, sequence);
CREATE INDEX audit_events_subject ON audit_events (subject, sequence);
CREATE INDEX audit_events_actor ON audit_events (actor, sequence);
CREATE INDEX sessions_upstream ON sessions (upstream, provider) WHERE upstream <> '';
CREATE INDEX identities_user ON identities (user_id, created_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('goose_db_version',3);
COMMIT;
