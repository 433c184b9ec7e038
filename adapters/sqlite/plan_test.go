package sqlite_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/adapters/sqlstore"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// sorted is what a plan says of a statement whose rows do not come in their order.
const sorted = "USE TEMP B-TREE FOR ORDER BY"

// listen returns a store that only reads, and notes its statements, over a new file.
func listen(t *testing.T, statements *[]string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db := sqlite.ReadDB(fresh(t))
	return sqlstore.New(sqlstore.Config{Read: db, Dialect: sqlstore.Dialect{
		Rebind:       func(statement string) string { *statements = append(*statements, statement); return statement },
		Contains:     func(column string) string { return "instr(" + column + ", ?) > 0" },
		Fault:        func(err error) error { return err },
		PointContext: func(ctx context.Context) context.Context { return ctx },
	}}), db
}

// What every request reads, and what strangers make the store read, is found by
// an index however much there is.
func TestReads_use_indexes(t *testing.T) {
	var statements []string
	spy, db := listen(t, &statements)
	ctx := t.Context()
	tests := []struct {
		name string
		read func()
		want []string
	}{
		{"Users.ByID", func() { _, _ = spy.Users().ByID(ctx, "x") }, []string{"u USING INDEX sqlite_autoindex_users_1 (id=?)"}},
		{"Users.ByLogin", func() { _, _ = spy.Users().ByLogin(ctx, "x") }, []string{"u USING INDEX sqlite_autoindex_users_2 (name_key=?)"}},
		{"Sessions.ByHash", func() { _, _, _ = spy.Sessions().ByHash(ctx, session.Hash{1}) }, []string{
			"sessions USING INDEX sessions_former (former=?)", "sessions USING INDEX sqlite_autoindex_sessions_2 (hash=?)",
			"u USING INDEX sqlite_autoindex_users_1 (id=?)",
		}},
		{"Sessions.ByFamily", func() { _, _, _ = spy.Sessions().ByFamily(ctx, session.Hash{1}) }, []string{
			"sessions USING INDEX sessions_family (family=?)", "u USING INDEX sqlite_autoindex_users_1 (id=?)",
		}},
		{"SessionSets.ByUser", func() { _, _ = spy.SessionSets().ByUser(ctx, "x") }, []string{"USE TEMP B-TREE FOR LAST TERM OF ORDER BY", "s USING INDEX sessions_user (user_id=?)"}},
		{"SessionSets.ByUpstream", func() { _, _ = spy.SessionSets().ByUpstream(ctx, "x", "y") }, []string{
			"s USING INDEX sessions_upstream (upstream=? AND provider=?)",
		}},
		{"Identities.BySubject", func() { _, _, _ = spy.Identities().BySubject(ctx, "x", "y") }, []string{
			"identities USING INDEX sqlite_autoindex_identities_2 (subject=? AND issuer=?)", "u USING INDEX sqlite_autoindex_users_1 (id=?)",
		}},
		{"Identities.ByUser", func() { _, _ = spy.Identities().ByUser(ctx, "x") }, []string{"USE TEMP B-TREE FOR LAST TERM OF ORDER BY", "i USING INDEX identities_user (user_id=?)"}},
		{"Machines.ByID", func() { _, _ = spy.Machines().ByID(ctx, "x") }, []string{"c USING INDEX sqlite_autoindex_clients_1 (id=?)"}},
		{"APITokens.ByHash", func() { _, _, _ = spy.APITokens().ByHash(ctx, secret.Hash{1}) }, []string{
			"api_tokens USING INDEX sqlite_autoindex_api_tokens_2 (hash=?)", "u USING INDEX sqlite_autoindex_users_1 (id=?)",
		}},
		{"APITokens.ByUser", func() { _, _ = spy.APITokens().ByUser(ctx, "x") }, []string{"t USING INDEX api_tokens_user (user_id=?)"}},
		{"Identities.ByIssuer", func() { _, _ = spy.Identities().ByIssuer(ctx, "x", "y", 0) }, []string{
			"identities USING INDEX identities_issuer (issuer=? AND id>?)", "u USING INDEX sqlite_autoindex_users_1 (id=?)",
		}},
		{"APITokens.Alive", func() { _, _ = spy.APITokens().Alive(ctx, time.Time{}, "x", 0) }, []string{
			"api_tokens USING INDEX sqlite_autoindex_api_tokens_1 (id>?)", "u USING INDEX sqlite_autoindex_users_1 (id=?)",
		}},
		{"Tenants.ByID", func() { _, _ = spy.Tenants().ByID(ctx, "x") }, []string{"t USING INDEX sqlite_autoindex_tenants_1 (id=?)"}},
		{"Tenants.ByExternal", func() { _, _ = spy.Tenants().ByExternal(ctx, tenant.External{}) }, []string{
			"t USING INDEX sqlite_autoindex_tenants_1 (id=?)", "tenant_externals USING PRIMARY KEY (id=? AND source=?)",
		}},
		{"Tenants.List", func() { _, _ = spy.Tenants().List(ctx, "x", 0) }, []string{"t USING INDEX sqlite_autoindex_tenants_1 (id>?)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			statements = nil
			test.read()
			if len(statements) != 1 {
				t.Fatalf("%d statements, want 1", len(statements))
			}
			if diff := cmp.Diff(test.want, plan(t, db, statements[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// plan returns how the tables of a statement are read, sorted: those that are searched without a word, those that are read
// from the first row to the last with "SCAN", and where rows are sorted.
func plan(t *testing.T, db *sql.DB, statement string) (steps []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var made []string // what the statement makes up on its way
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		if name, is := strings.CutPrefix(detail, "CO-ROUTINE "); is {
			made = append(made, "SCAN "+name)
		}
		if search, is := strings.CutPrefix(detail, "SEARCH "); is {
			steps = append(steps, search)
		} else if strings.HasPrefix(detail, "SCAN ") && !slices.Contains(made, detail) || strings.HasPrefix(detail, "USE TEMP ") {
			steps = append(steps, detail)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(steps)
	return steps
}

// What an administrator reads of one tenant is found by an index that begins with it, and comes in its order, so that a
// page costs the same however many rows there are, of this tenant and of others.
func TestReads_of_a_tenant_use_indexes(t *testing.T) {
	var statements []string
	spy, db := listen(t, &statements)
	ctx, scope := t.Context(), tenant.Only("acme")
	people := func(q ports.UserQuery) func() {
		return func() { _, _ = spy.Directory().People(scope).Search(ctx, q) }
	}
	log := func(q ports.EventQuery) func() {
		return func() { _, _ = spy.Directory().Log(scope).Search(ctx, q) }
	}
	const (
		userByID   = "u USING INDEX sqlite_autoindex_users_1 (id=?)"
		eventsByID = "audit_events USING INTEGER PRIMARY KEY (rowid=?)"
	)
	tests := []struct {
		name string
		read func()
		want []string
	}{
		{"users", people(ports.UserQuery{}), []string{"u USING INDEX users_tenant (tenant=?)"}},
		{"users_after", people(ports.UserQuery{After: "x"}), []string{"u USING INDEX users_tenant (tenant=? AND id>?)"}},
		{"users_with_a_text", people(ports.UserQuery{Text: "x", After: "x"}), []string{"u USING INDEX users_tenant (tenant=? AND id>?)"}},
		{"users_who_are_banned", people(ports.UserQuery{Banned: true}), []string{"u USING INDEX users_banned_tenant (tenant=?)"}},
		{"users_who_hold", people(ports.UserQuery{Holds: "x"}), []string{
			"p USING COVERING INDEX user_permissions_tenant (permission=? AND tenant=?)", userByID,
		}},
		{"users_who_hold_and_all_else", people(ports.UserQuery{Holds: "x", Text: "x", Banned: true, After: "x"}), []string{
			"p USING COVERING INDEX user_permissions_tenant (permission=? AND tenant=? AND user_id>?)", userByID,
		}},
		{"a_user", func() { _, _ = spy.Directory().People(scope).ByID(ctx, "x") }, []string{userByID}},
		{"a_user_by_name", func() { _, _ = spy.Directory().People(scope).ByLogin(ctx, "x") }, []string{
			"u USING INDEX sqlite_autoindex_users_2 (name_key=?)",
		}},
		{"a_user_by_address", func() { _, _ = spy.Directory().People(scope).ByLogin(ctx, "x@x") }, []string{
			"u USING INDEX sqlite_autoindex_users_3 (email_key=?)",
		}},
		{"clients", func() { _, _ = spy.Directory().Clients(scope).List(ctx, "x", 0) }, []string{
			"c USING INDEX clients_tenant (tenant=? AND id>?)",
		}},
		{"a_client", func() { _, _ = spy.Directory().Clients(scope).ByID(ctx, "x") }, []string{
			"c USING INDEX sqlite_autoindex_clients_1 (id=?)",
		}},
		{"events", log(ports.EventQuery{}), []string{
			"audit_events USING COVERING INDEX audit_events_tenant (<expr>=?)", eventsByID,
		}},
		{"events_before", log(ports.EventQuery{Before: 1}), []string{
			"audit_events USING COVERING INDEX audit_events_tenant (<expr>=? AND sequence<?)", eventsByID,
		}},
		{"events_of_an_action", log(ports.EventQuery{Action: "x", Before: 1}), []string{
			"audit_events USING COVERING INDEX audit_events_tenant_action (<expr>=? AND action=? AND sequence<?)", eventsByID,
		}},
		{"events_of_actions", log(ports.EventQuery{Action: "x."}), []string{ // their sequences are sorted, not the events
			sorted, "audit_events USING COVERING INDEX audit_events_tenant_action (<expr>=? AND action>? AND action<?)", eventsByID,
		}},
		{"events_of_somebody", log(ports.EventQuery{Subject: "x", Before: 1}), []string{ // two pages are merged
			sorted, sorted,
			"audit_events USING COVERING INDEX audit_events_actor (actor=? AND <expr>=? AND sequence<?)",
			"audit_events USING COVERING INDEX audit_events_subject (subject=? AND <expr>=? AND sequence<?)",
			eventsByID,
		}},
		{"events_of_somebody_and_an_action", log(ports.EventQuery{Subject: "x", Action: "x"}), []string{
			sorted, sorted,
			"audit_events USING INDEX audit_events_actor (actor=? AND <expr>=?)",
			"audit_events USING INDEX audit_events_subject (subject=? AND <expr>=?)",
			eventsByID,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			statements = nil
			test.read()
			if len(statements) != 1 {
				t.Fatalf("%d statements, want 1", len(statements))
			}
			if diff := cmp.Diff(test.want, plan(t, db, statements[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}
