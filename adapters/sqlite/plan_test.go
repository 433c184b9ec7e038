package sqlite_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/adapters/sqlstore"
	"github.com/hexward/hexward/core/session"
)

// What every request reads, and what strangers make the store read, is found by
// an index however much there is.
func TestReads_use_indexes(t *testing.T) {
	store := fresh(t)
	db := sqlite.ReadDB(store)
	var statements []string
	spy := sqlstore.New(sqlstore.Config{Read: db, Dialect: sqlstore.Dialect{
		Rebind:       func(statement string) string { statements = append(statements, statement); return statement },
		Fault:        func(err error) error { return err },
		PointContext: func(ctx context.Context) context.Context { return ctx },
	}})
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
		{"SessionSets.ByUser", func() { _, _ = spy.SessionSets().ByUser(ctx, "x") }, []string{"s USING INDEX sessions_user (user_id=?)"}},
		{"SessionSets.ByUpstream", func() { _, _ = spy.SessionSets().ByUpstream(ctx, "x", "y") }, []string{
			"s USING INDEX sessions_upstream (upstream=? AND provider=?)",
		}},
		{"Identities.BySubject", func() { _, _, _ = spy.Identities().BySubject(ctx, "x", "y") }, []string{
			"identities USING INDEX sqlite_autoindex_identities_2 (subject=? AND issuer=?)", "u USING INDEX sqlite_autoindex_users_1 (id=?)",
		}},
		{"Identities.ByUser", func() { _, _ = spy.Identities().ByUser(ctx, "x") }, []string{"i USING INDEX identities_user (user_id=?)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			statements = nil
			test.read()
			if len(statements) != 1 {
				t.Fatalf("%d statements, want 1", len(statements))
			}
			args := make([]any, strings.Count(statements[0], "?"))
			rows, err := db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+statements[0], args...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = rows.Close() }()
			var searches []string
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				if search, is := strings.CutPrefix(detail, "SEARCH "); is {
					searches = append(searches, search)
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			slices.Sort(searches)
			if diff := cmp.Diff(test.want, searches); diff != "" {
				t.Error(diff)
			}
		})
	}
}
