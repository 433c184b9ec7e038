package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"time"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type sessions Store

var (
	_ ports.Sessions    = (*sessions)(nil)
	_ ports.SessionSets = (*sessions)(nil)
)

const sessionColumns = `s.id, s.user_id, s.tenant, s.hash, s.former, s.former_to, s.signed_in_at, s.seen_at, s.idle,
	s.ends_at, s.rotate, s.method, s.sealed, s.family, s.refresh, s.rotation, s.fresh_at`

// Create implements ports.Sessions.
func (s *sessions) Create(ctx context.Context, one session.Session) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		broken, err := db.attempt(ctx, tx, `
			INSERT INTO sessions (user_id, tenant, hash, former, former_to, signed_in_at, seen_at, idle, ends_at, expires_at,
				rotate, method, sealed, family, refresh, rotation, fresh_at, id)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, sessionArgs(&one)...)
		if err != nil {
			return err
		}
		if broken == UniqueViolation {
			if _, err := s.byID(ctx, tx, one.ID); err == nil {
				return ports.ErrIDTaken
			}
		}
		return clash(broken)
	})
}

// ByHash implements ports.Sessions.
//
// The row is found in a subquery, here and in ByFamily, since SQLite (at least
// 3.54) prepares a join with a placeholder in its WHERE clause again at each call,
// which takes four times as long as the read.
func (s *sessions) ByHash(ctx context.Context, h session.Hash) (session.Session, user.User, error) {
	return s.withUser(ctx, `
		SELECT `+sessionColumns+`, `+userColumns+` FROM (
			SELECT * FROM sessions WHERE hash = ? UNION ALL SELECT * FROM sessions WHERE former = ? LIMIT 1
		) s JOIN users u ON u.id = s.user_id`, h[:], hashOrNull(h))
}

// ByFamily implements ports.Sessions.
func (s *sessions) ByFamily(ctx context.Context, family session.Hash) (session.Session, user.User, error) {
	return s.withUser(ctx, `
		SELECT `+sessionColumns+`, `+userColumns+` FROM (
			SELECT * FROM sessions WHERE family = ? LIMIT 1
		) s JOIN users u ON u.id = s.user_id`, hashOrNull(family))
}

// Update implements ports.Sessions.
func (s *sessions) Update(ctx context.Context, id string, change func(*session.Session) error) (session.Session, error) {
	db := (*Store)(s)
	var result session.Session
	err := db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		one, err := s.byID(ctx, tx, id)
		if err != nil {
			return err
		}
		before := one
		before.Sealed = bytes.Clone(one.Sealed)
		if err := change(&one); err != nil {
			return err
		}
		one.ID = id
		result = cleanSession(one)
		if onlyMoved(before, result) {
			_, err := db.exec(ctx, tx, `
				UPDATE sessions SET seen_at = ?, expires_at = ?, rotate = ?, refresh = ?, rotation = ?, fresh_at = ? WHERE id = ?`,
				ms(result.SeenAt), ms(result.Expiry()), result.Rotate, hashOrNull(result.Refresh), result.Rotation, ms(result.FreshAt), id)
			return err
		}
		broken, err := db.attempt(ctx, tx, `
			UPDATE sessions SET user_id = ?, tenant = ?, hash = ?, former = ?, former_to = ?, signed_in_at = ?, seen_at = ?,
				idle = ?, ends_at = ?, expires_at = ?, rotate = ?, method = ?, sealed = ?, family = ?, refresh = ?, rotation = ?,
				fresh_at = ?
			WHERE id = ?`, sessionArgs(&one)...)
		if err != nil {
			return err
		}
		return clash(broken)
	})
	if err != nil {
		return session.Session{}, err
	}
	return result, nil
}

// Delete implements ports.Sessions.
func (s *sessions) Delete(ctx context.Context, id string) (session.Session, error) {
	var removed session.Session
	err := s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		removed, err = s.byID(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = (*Store)(s).exec(ctx, tx, `DELETE FROM sessions WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return session.Session{}, err
	}
	return removed, nil
}

// ByUser implements ports.SessionSets.
func (s *sessions) ByUser(ctx context.Context, userID string) ([]session.Session, error) {
	return scan(ctx, (*Store)(s), newSessionRow, `
		SELECT `+sessionColumns+` FROM sessions s WHERE s.user_id = ? ORDER BY s.signed_in_at DESC, s.id DESC`, userID)
}

// DeleteByUser implements ports.SessionSets.
func (s *sessions) DeleteByUser(ctx context.Context, userID, except string) ([]string, error) {
	var ids []string
	err := s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		ids, err = list(ctx, (*Store)(s), tx, newTextRow, `
			DELETE FROM sessions WHERE user_id = ? AND id <> ? RETURNING id`, userID, except)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// DeleteBefore implements ports.SessionSets.
func (s *sessions) DeleteBefore(ctx context.Context, t time.Time) (int, error) {
	return (*Store)(s).sweep(ctx, `DELETE FROM sessions WHERE signed_in_at <= ?`, ms(t))
}

// DeleteExpired implements ports.SessionSets.
func (s *sessions) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	return (*Store)(s).sweep(ctx, `DELETE FROM sessions WHERE expires_at <= ?`, ms(now))
}

// MarkRotate implements ports.SessionSets.
func (s *sessions) MarkRotate(ctx context.Context, userID string) error {
	_, err := (*Store)(s).sweep(ctx, `UPDATE sessions SET rotate = ? WHERE user_id = ?`, true, userID)
	return err
}

// byID reads a session that the transaction is about to change.
func (s *sessions) byID(ctx context.Context, tx *sql.Tx, id string) (session.Session, error) {
	return one(ctx, (*Store)(s), tx, newSessionRow(), ports.ErrSessionUnknown, `
		SELECT `+sessionColumns+` FROM sessions s WHERE s.id = ?`, id)
}

// withUser returns the session that a statement finds, and its user.
func (s *sessions) withUser(ctx context.Context, statement string, args ...any) (session.Session, user.User, error) {
	both, err := point(ctx, (*Store)(s), &signInRow{}, ports.ErrSessionUnknown, statement, args...)
	return both.session, both.user, err
}

// clash returns the fault for a constraint that a session broke.
func clash(broken Violation) error {
	switch broken {
	case UniqueViolation:
		return ports.ErrHashTaken
	case ForeignKeyViolation:
		return ports.ErrUserUnknown
	default:
		return nil
	}
}

// onlyMoved reports whether nothing changed but what changes with requests and
// refreshes, so that most indexes need not be written.
func onlyMoved(before, after session.Session) bool {
	same := bytes.Equal(before.Sealed, after.Sealed)
	before.Sealed, after.Sealed = nil, nil
	before.SeenAt, before.Rotate, before.Refresh = after.SeenAt, after.Rotate, after.Refresh
	before.Rotation, before.FreshAt = after.Rotation, after.FreshAt
	return same && equalSessions(&before, &after)
}

// equalSessions compares everything but what is sealed.
func equalSessions(a, b *session.Session) bool {
	return a.ID == b.ID && a.UserID == b.UserID && a.Tenant == b.Tenant && a.Hash == b.Hash && a.Former == b.Former &&
		a.FormerTo.Equal(b.FormerTo) && a.SignedInAt.Equal(b.SignedInAt) && a.SeenAt.Equal(b.SeenAt) && a.Idle == b.Idle &&
		a.EndsAt.Equal(b.EndsAt) && a.Rotate == b.Rotate && a.Method == b.Method && a.Family == b.Family &&
		a.Refresh == b.Refresh && a.Rotation == b.Rotation && a.FreshAt.Equal(b.FreshAt)
}

// sessionArgs returns the columns of a session but the id, then the id.
func sessionArgs(in *session.Session) []any {
	s := cleanSession(*in)
	return []any{
		s.UserID, s.Tenant, s.Hash[:], hashOrNull(s.Former), ms(s.FormerTo), ms(s.SignedInAt), ms(s.SeenAt),
		s.Idle.Milliseconds(), ms(s.EndsAt), ms(s.Expiry()), s.Rotate, s.Method, blobOrNull(s.Sealed), hashOrNull(s.Family),
		hashOrNull(s.Refresh), s.Rotation, ms(s.FreshAt), s.ID,
	}
}

// cleanSession returns a session as it will be read, sharing nothing with it.
func cleanSession(s session.Session) session.Session {
	s.FormerTo, s.SignedInAt, s.SeenAt = at(ms(s.FormerTo)), at(ms(s.SignedInAt)), at(ms(s.SeenAt))
	s.EndsAt, s.FreshAt = at(ms(s.EndsAt)), at(ms(s.FreshAt))
	s.Idle = s.Idle.Truncate(time.Millisecond)
	s.Sealed = bytes.Clone(blobOrNull(s.Sealed))
	return s
}

// sessionRow is a row of sessionColumns.
type sessionRow struct {
	s    session.Session
	idle int64
}

func newSessionRow() row[session.Session] { return &sessionRow{} }

func (r *sessionRow) columns(into []any) []any {
	s := &r.s
	return append(into,
		&s.ID, &s.UserID, &s.Tenant, (*hashColumn)(&s.Hash), (*hashColumn)(&s.Former), (*timeColumn)(&s.FormerTo),
		(*timeColumn)(&s.SignedInAt), (*timeColumn)(&s.SeenAt), &r.idle, (*timeColumn)(&s.EndsAt), &s.Rotate, &s.Method,
		&s.Sealed, (*hashColumn)(&s.Family), (*hashColumn)(&s.Refresh), &s.Rotation, (*timeColumn)(&s.FreshAt))
}

func (r *sessionRow) value() session.Session {
	r.s.Idle = time.Duration(r.idle) * time.Millisecond
	return r.s
}

// signIn is a session with its user.
type signIn struct {
	session session.Session
	user    user.User
}

// signInRow is a row of sessionColumns and userColumns.
type signInRow struct {
	session sessionRow
	user    userRow
}

func (r *signInRow) columns(into []any) []any { return r.user.columns(r.session.columns(into)) }
func (r *signInRow) value() signIn            { return signIn{r.session.value(), r.user.value()} }
