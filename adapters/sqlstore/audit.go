package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

type audit Store

var _ ports.Audit = (*audit)(nil)

// Record implements ports.Audit.
func (s *audit) Record(ctx context.Context, events ...ports.Event) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, e := range events {
			detail, err := jsonText(e.Detail, len(e.Detail))
			if err != nil {
				return err
			}
			broken, err := db.attempt(ctx, tx, `
				INSERT INTO audit_events (id, at, action, outcome, actor, subject, tenant, session, address, agent, request, detail)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				e.ID, ms(e.At), e.Action, e.Outcome, e.Actor, e.Subject, e.Tenant, e.Session, e.Address, e.Agent, e.Request, detail)
			if err != nil {
				return err
			}
			if broken != NoViolation {
				return ports.ErrIDTaken
			}
		}
		return nil
	})
}

// log is the audit log of a scope.
type log struct {
	db    *Store
	scope tenant.Scope
}

var _ ports.Log = (*log)(nil)

// eventHome is the tenant that an event belongs to, as the indexes have it.
const eventHome = `(CASE tenant WHEN '' THEN 'default' ELSE tenant END)`

// Search implements ports.Log. It finds the latest events in an index alone, then reads these. Whom an event is about
// and who did it are looked for one after the other, since no index has both.
func (s *log) Search(ctx context.Context, q ports.EventQuery) ([]ports.Event, error) {
	limit := ports.Limit(q.Limit)
	and, args := within(s.scope, eventHome)
	action := "action"
	if q.Subject != "" {
		action = "action || ''" // an expression that no index has: there are fewer events of anybody than of an action
	}
	switch prefix, found := strings.CutSuffix(q.Action, "."); {
	case found:
		and += " AND " + action + " >= ? AND " + action + " < ?"
		args = append(args, q.Action, prefix+"/") // the character after the dot
	case q.Action != "":
		and += " AND " + action + " = ?"
		args = append(args, q.Action)
	}
	if q.Before != 0 {
		and += " AND sequence < ?"
		args = append(args, q.Before)
	}
	args = append(args, limit)
	find := func(condition string) string {
		return `SELECT sequence FROM (SELECT sequence FROM audit_events WHERE ` + condition + and + ` ORDER BY sequence DESC LIMIT ?)`
	}
	latest := find("1 = 1")
	if q.Subject != "" {
		latest = find("subject = ?") + " UNION " + find("actor = ?")
		args = slices.Concat([]any{q.Subject}, args, []any{q.Subject}, args)
	}
	return scan(ctx, s.db, func() row[ports.Event] { return &eventRow{} }, `
		SELECT sequence, id, at, action, outcome, actor, subject, tenant, session, address, agent, request, detail
		FROM audit_events WHERE sequence IN (`+latest+`) ORDER BY sequence DESC LIMIT ?`, append(args, limit)...)
}

// eventRow is a row of audit_events.
type eventRow struct{ e ports.Event }

func (r *eventRow) columns(into []any) []any {
	e := &r.e
	return append(into,
		&e.Sequence, &e.ID, (*timeColumn)(&e.At), &e.Action, &e.Outcome, &e.Actor, &e.Subject, &e.Tenant, &e.Session,
		&e.Address, &e.Agent, &e.Request, jsonColumn[map[string]string]{&e.Detail})
}

func (r *eventRow) value() ports.Event { return r.e }
