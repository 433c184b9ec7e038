package apitoken_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/fault"
)

var (
	now  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	held = []string{"admin", "orders:read", "orders:write"}
)

func TestNew(t *testing.T) {
	tests := []struct {
		name    string
		given   string
		scopes  []string
		held    []string
		expires time.Time
		want    apitoken.Token
		wrong   []string
	}{
		{
			name: "all there is", given: " CI\u00a0", scopes: []string{"orders:write", "admin", "orders:write"}, held: held, expires: now.Add(time.Hour),
			want: apitoken.Token{Name: "CI", Scopes: []string{"admin", "orders:write"}, ExpiresAt: now.Add(time.Hour)},
		},
		{name: "no scopes, for ever", given: "CI", held: held, want: apitoken.Token{Name: "CI"}},
		{name: "no scopes of nobody's", given: "CI", want: apitoken.Token{Name: "CI"}},
		{
			name: "the longest name and life", given: strings.Repeat("n", 100), held: held, expires: now.Add(apitoken.MaxLife),
			want: apitoken.Token{Name: strings.Repeat("n", 100), ExpiresAt: now.Add(apitoken.MaxLife)},
		},
		{name: "the shortest life", given: "CI", held: held, expires: now.Add(1), want: apitoken.Token{Name: "CI", ExpiresAt: now.Add(1)}},
		{name: "everything wrong", given: "", scopes: []string{"x"}, expires: now, wrong: []string{"name form", "scopes not_held", "expires_at range"}},
		{name: "only space", given: " \t\n", wrong: []string{"name form"}},
		{name: "too long a name", given: strings.Repeat("n", 101), wrong: []string{"name form"}},
		{name: "a line feed", given: "C\nI", wrong: []string{"name form"}},
		{name: "an escape", given: "C\x1b[2JI", wrong: []string{"name form"}},
		{name: "a control character of the second range", given: "C\u009bI", wrong: []string{"name form"}},
		{name: "text from right to left", given: "C\u202eI", wrong: []string{"name form"}},
		{name: "no UTF-8", given: "C\xffI", wrong: []string{"name form"}},
		{name: "a scope of more", given: "CI", held: []string{"orders:read"}, scopes: []string{"orders:read", "orders:write"}, wrong: []string{"scopes not_held"}},
		{name: "part of a permission", given: "CI", held: held, scopes: []string{"orders"}, wrong: []string{"scopes not_held"}},
		{name: "another case", given: "CI", held: held, scopes: []string{"Admin"}, wrong: []string{"scopes not_held"}},
		{name: "all of them", given: "CI", held: held, scopes: []string{"*"}, wrong: []string{"scopes not_held"}},
		{name: "the empty scope", given: "CI", held: held, scopes: []string{""}, wrong: []string{"scopes not_held"}},
		{name: "two scopes in one", given: "CI", held: held, scopes: []string{"admin orders:read"}, wrong: []string{"scopes not_held"}},
		{name: "expires now", given: "CI", expires: now, wrong: []string{"expires_at range"}},
		{name: "has expired", given: "CI", expires: now.Add(-1), wrong: []string{"expires_at range"}},
		{name: "too long a life", given: "CI", expires: now.Add(apitoken.MaxLife + 1), wrong: []string{"expires_at range"}},
		{name: "the end of time", given: "CI", expires: time.Unix(1<<60, 0), wrong: []string{"expires_at range"}},
		{name: "its beginning", given: "CI", expires: time.Unix(-1<<60, 0), wrong: []string{"expires_at range"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			given := append([]string(nil), test.scopes...)
			got, err := apitoken.New("id", "ada", "acme", test.given, given, test.held, test.expires, now)
			var wrong []string
			if err != nil {
				var f *fault.Error
				if !errors.As(err, &f) || f.Kind != fault.Invalid {
					t.Fatal(err)
				}
				for _, field := range f.Fields {
					wrong = append(wrong, field.Name+" "+field.Code)
				}
			} else {
				test.want.ID, test.want.UserID, test.want.Tenant, test.want.CreatedAt = "id", "ada", "acme", now
			}
			if diff := cmp.Diff(test.wrong, wrong); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(append([]string(nil), test.scopes...), given); diff != "" {
				t.Errorf("it changes what it was given: %s", diff)
			}
		})
	}
}

func TestToken_Permissions(t *testing.T) {
	tests := []struct {
		name         string
		scopes, held []string
		want         []string
	}{
		{"all of them", []string{"a", "b"}, []string{"a", "b"}, []string{"a", "b"}},
		{"what the owner was given since", []string{"a"}, []string{"a", "b"}, []string{"a"}},
		{"what the owner lost", []string{"a", "b"}, []string{"b"}, []string{"b"}},
		{"the owner lost all", []string{"a", "b"}, nil, []string{}},
		{"no scopes", nil, []string{"a"}, []string{}},
		{"sorted, whatever the owner's are", []string{"a", "b", "c"}, []string{"c", "a"}, []string{"a", "c"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token := apitoken.Token{Scopes: test.scopes}
			got := token.Permissions(test.held)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			for i := range got { // another principal's list changes with it?
				got[i] = "changed"
			}
			if diff := cmp.Diff(test.want, token.Permissions(test.held)); diff != "" {
				t.Errorf("it is shared: %s", diff)
			}
		})
	}
}

func TestToken_Alive(t *testing.T) {
	for _, test := range []struct {
		name    string
		expires time.Time
		want    bool
	}{
		{"for ever", time.Time{}, true},
		{"a moment longer", now.Add(1), true},
		{"until now", now, false},
		{"a moment ago", now.Add(-1), false},
		{"elsewhere on earth", now.Add(1).In(time.FixedZone("", 7200)), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := apitoken.Token{ExpiresAt: test.expires}
			if got := token.Alive(now); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestToken_Stale(t *testing.T) {
	for _, test := range []struct {
		name string
		used time.Time
		want bool
	}{
		{"never used", time.Time{}, true},
		{"used now", now, false},
		{"a little ago", now.Add(1 - apitoken.TouchEvery), false},
		{"long enough ago", now.Add(-apitoken.TouchEvery), true},
		{"in time to come, by another clock", now.Add(time.Second), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := apitoken.Token{UsedAt: test.used}
			if got := token.Stale(now); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func ExampleToken_Permissions() {
	held := []string{"orders:read", "orders:write"}
	token, err := apitoken.New("0199…", "ada", "acme", "nightly export", []string{"orders:read"}, held, time.Time{}, time.Now())
	fmt.Println(token.Permissions(held), err)
	fmt.Println(token.Permissions([]string{"orders:write"}))
	// Output:
	// [orders:read] <nil>
	// []
}
