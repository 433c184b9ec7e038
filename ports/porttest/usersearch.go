package porttest

import (
	"context"
	"testing"

	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// UserSearch is the contract of ports.UserSearch.
func UserSearch(t *testing.T, open func(t *testing.T) Store) {
	t.Run("filters", func(t *testing.T) { searchFilters(t, open(t)) })
	t.Run("pages", func(t *testing.T) { searchPages(t, open(t)) })
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).UserSearch()
		endedCalls(t, map[string]func(context.Context) error{
			"Search": func(ctx context.Context) error { _, err := s.Search(ctx, ports.UserQuery{}); return err },
		})
	})
}

func searchFilters(t *testing.T, s Store) {
	add := func(n int, name, email string, ban bool, permissions ...string) {
		u := person(n)
		u.Name, u.Permissions = user.NameOf(name, name), permissions
		if email != "" {
			u = withEmail(u, email, email)
		}
		if ban {
			u.Ban = &user.Ban{From: noon, Until: noon.Add(-1)}
		}
		must(t, s.Users().Create(t.Context(), u))
	}
	// not in the order of their ids
	add(5, "100%sure", "", false, "administrator")
	add(1, "alice", "alice@example.org", false, "admin", "read")
	add(3, "al_ice", "under_score@example.org", true)
	add(2, "bob", "bob@alice.example", true, "read")
	add(4, "élan太郎", "", false, "read", "x.admin")
	add(6, "back\\slash", "quo'te@example.org", false)

	tests := []struct {
		name string
		give ports.UserQuery
		want []int
	}{
		{"all", ports.UserQuery{}, []int{1, 2, 3, 4, 5, 6}},
		{"in_name_or_email", ports.UserQuery{Text: "alice"}, []int{1, 2}},
		{"in_the_middle", ports.UserQuery{Text: "lic"}, []int{1, 2}},
		{"percent_is_literal", ports.UserQuery{Text: "%"}, []int{5}},
		{"underscore_is_literal", ports.UserQuery{Text: "_"}, []int{3}},
		{"wildcards_are_literal", ports.UserQuery{Text: "a%e"}, nil},
		{"star_is_literal", ports.UserQuery{Text: "*"}, nil},
		{"backslash_is_literal", ports.UserQuery{Text: "\\"}, []int{6}},
		{"quote_is_literal", ports.UserQuery{Text: "o'te"}, []int{6}},
		{"keys_are_compared_to_the_letter", ports.UserQuery{Text: "ALICE"}, nil},
		{"unicode", ports.UserQuery{Text: "太"}, []int{4}},
		{"accent", ports.UserQuery{Text: "él"}, []int{4}},
		{"nothing_there", ports.UserQuery{Text: "nobody"}, nil},
		{"holds", ports.UserQuery{Holds: "admin"}, []int{1}},
		{"holds_in_any_place", ports.UserQuery{Holds: "read"}, []int{1, 2, 4}},
		{"holds_is_whole", ports.UserQuery{Holds: "adm"}, nil},
		{"holds_is_literal", ports.UserQuery{Holds: "%"}, nil},
		{"banned_even_when_lapsed", ports.UserQuery{Banned: true}, []int{2, 3}},
		{"all_at_once", ports.UserQuery{Text: "alice", Holds: "read", Banned: true, After: id(1), Limit: 5}, []int{2}},
		{"after", ports.UserQuery{After: id(4)}, []int{5, 6}},
		{"after_an_id_that_is_not_there", ports.UserQuery{After: id(4) + "x"}, []int{5, 6}},
		{"after_the_last", ports.UserQuery{After: id(6)}, nil},
		{"limit", ports.UserQuery{Limit: 2}, []int{1, 2}},
		{"limit_counts_matches", ports.UserQuery{Text: "al", Limit: 2}, []int{1, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := s.UserSearch().Search(t.Context(), test.give)
			must(t, err)
			var ids, want []string
			for _, u := range found {
				ids = append(ids, u.ID)
			}
			for _, n := range test.want {
				want = append(want, id(n))
			}
			same(t, "ids", ids, want)
		})
	}
}

func searchPages(t *testing.T, s Store) {
	const all = 1005
	errs := parallel(all, func(i int) error { return s.Users().Create(t.Context(), person(i)) })
	for _, err := range errs {
		must(t, err)
	}
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 1000: 1000, 1001: 1000, 1 << 40: 1000} {
		found, err := s.UserSearch().Search(t.Context(), ports.UserQuery{Limit: limit})
		must(t, err)
		if len(found) != want {
			t.Errorf("a limit of %d returned %d users, want %d", limit, len(found), want)
		}
	}
	after, n := "", 0
	for {
		page, err := s.UserSearch().Search(t.Context(), ports.UserQuery{Text: "person", After: after, Limit: 300})
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			if u.ID != id(n) {
				t.Fatalf("user %d of all pages is %s, want %s", n, u.ID, id(n))
			}
			n++
		}
		after = page[len(page)-1].ID
	}
	same(t, "users on all pages", n, all)
}
