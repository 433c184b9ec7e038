package user_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

var same = cmp.AllowUnexported(user.Name{}, user.Email{})

func name(t *testing.T, s string) user.Name {
	t.Helper()
	n, err := user.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func email(t *testing.T, s string) user.Email {
	t.Helper()
	e, err := user.ParseEmail(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func alice(t *testing.T) user.User {
	t.Helper()
	return user.New("id", tenant.Default, name(t, "Alice"), email(t, "Alice@b.example"), "hash", noon)
}

func TestNew(t *testing.T) {
	want := user.User{
		ID: "id", Tenant: "default", Name: name(t, "Alice"), Email: email(t, "Alice@b.example"), PasswordHash: "hash",
		CreatedAt: noon, UpdatedAt: noon,
	}
	got := alice(t)
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Error(diff)
	}
	if got.EmailConfirmed || got.Banned(noon) || len(got.Permissions) > 0 {
		t.Errorf("a new user is confirmed, banned or permitted: %+v", got)
	}
}

func TestUser_Banned(t *testing.T) {
	tests := []struct {
		name  string
		until time.Time
		at    time.Duration
		want  bool
	}{
		{name: "for ever", at: 1e6 * time.Hour, want: true},
		{name: "from the moment on", until: noon.Add(time.Hour), want: true},
		{name: "up to its end", until: noon.Add(time.Hour), at: time.Hour - 1, want: true},
		{name: "at its end", until: noon.Add(time.Hour), at: time.Hour},
		{name: "after its end", until: noon.Add(time.Hour), at: 2 * time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := alice(t)
			if err := u.ShutOut("spam", test.until, noon); err != nil {
				t.Fatal(err)
			}
			if got := u.Banned(noon.Add(test.at)); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestUser_ShutOut(t *testing.T) {
	later := noon.Add(time.Minute)
	tests := []struct {
		name, reason  string
		until         time.Time
		member, fault string
	}{
		{name: "with an end", reason: "spam", until: later.Add(time.Hour)},
		{name: "for ever"},
		{name: "longest reason", reason: strings.Repeat("x", 500)},
		{name: "reason too long", reason: strings.Repeat("x", 501), member: "reason", fault: "too_long"},
		{name: "ends now", until: later, member: "until", fault: "past"},
		{name: "ended before", until: noon, member: "until", fault: "past"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, want := alice(t), alice(t)
			err := got.ShutOut(test.reason, test.until, later)
			if test.fault != "" {
				wantField(t, err, test.member, test.fault)
			} else {
				want.Ban, want.UpdatedAt = &user.Ban{Reason: test.reason, From: later, Until: test.until}, later
				if err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(want, got, same); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUser_LetIn(t *testing.T) {
	u := alice(t)
	if err := u.ShutOut("spam", time.Time{}, noon); err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Minute)
	u.LetIn(later)
	if u.Banned(later) || u.Ban != nil || !u.UpdatedAt.Equal(later) {
		t.Errorf("got %+v", u)
	}
}

func TestUser_Rename(t *testing.T) {
	later := noon.Add(time.Minute)
	tests := []struct{ name, to, code string }{
		{name: "another name", to: "Bob"},
		{name: "another spelling", to: "ALICE"},
		{name: "the same", to: "Alice", code: "unchanged"},
		{name: "the same once it is read", to: "Ａlice", code: "unchanged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, want := alice(t), alice(t)
			err := got.Rename(name(t, test.to), later)
			if test.code != "" {
				wantField(t, err, "username", test.code)
			} else {
				want.Name, want.UpdatedAt = name(t, test.to), later
				if err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(want, got, same); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUser_ConfirmEmail(t *testing.T) {
	later := noon.Add(time.Minute)
	tests := []struct {
		name      string
		has       user.Email
		confirmed bool
		proven    user.Email
		want      error
	}{
		{name: "the address", has: email(t, "a@b.example"), proven: email(t, "a@b.example")},
		{name: "in another case", has: email(t, "a@b.example"), proven: email(t, "A@b.example")},
		{name: "another address by now", has: email(t, "c@b.example"), proven: email(t, "a@b.example"), want: fault.New(fault.Forbidden, "token_unknown", "")},
		{name: "no address by now", proven: email(t, "a@b.example"), want: fault.New(fault.Forbidden, "token_unknown", "")},
		{name: "nothing proven", want: fault.New(fault.Forbidden, "token_unknown", "")},
		{name: "confirmed before", has: email(t, "a@b.example"), confirmed: true, proven: email(t, "a@b.example"), want: fault.New(fault.Invalid, "already_confirmed", "")},
		{name: "another one confirmed", has: email(t, "c@b.example"), confirmed: true, proven: email(t, "a@b.example"), want: fault.New(fault.Forbidden, "token_unknown", "")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := alice(t)
			got.Email, got.EmailConfirmed = test.has, test.confirmed
			want := got
			if err := got.ConfirmEmail(test.proven, later); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if test.want == nil {
				want.EmailConfirmed, want.UpdatedAt = true, later
			}
			if diff := cmp.Diff(want, got, same); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUser_SetPassword(t *testing.T) {
	later := noon.Add(time.Minute)
	got, want := alice(t), alice(t)
	got.SetPassword("new", later)
	want.PasswordHash, want.UpdatedAt = "new", later
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Error(diff)
	}
}

func TestUser_Permit(t *testing.T) {
	later := noon.Add(time.Minute)
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprintf("p%02d", i)
	}
	tests := []struct {
		name     string
		has, set []string
		want     []string
		changed  bool
		code     string
	}{
		{name: "sorted, each once", set: []string{"b", "a", "b"}, want: []string{"a", "b"}, changed: true},
		{name: "in the place of others", has: []string{"a", "b"}, set: []string{"c"}, want: []string{"c"}, changed: true},
		{name: "the same in another order", has: []string{"a", "b"}, set: []string{"b", "a"}, want: []string{"a", "b"}},
		{name: "none", has: []string{"a"}, changed: true},
		{name: "none before and after"},
		{name: "64", set: many[:64], want: many[:64], changed: true},
		{name: "65", has: []string{"a"}, set: many, want: []string{"a"}, code: "too_many"},
		{name: "65 of which two are the same", set: append(many[:64:64], "p00"), want: many[:64], changed: true},
		{name: "empty", has: []string{"a"}, set: []string{"b", ""}, want: []string{"a"}, code: "character"},
		{name: "two in one", set: []string{"a b"}, code: "character"},
		{name: "too long", set: []string{strings.Repeat("a", 65)}, code: "character"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := alice(t)
			got.Permissions = test.has
			want := got
			given := append([]string(nil), test.set...)
			changed, err := got.Permit(given, later)
			if test.code != "" {
				wantField(t, err, "permissions", test.code)
			} else if err != nil {
				t.Error(err)
			}
			if changed != test.changed {
				t.Errorf("changed is %t", changed)
			}
			want.Permissions = test.want
			if test.changed {
				want.UpdatedAt = later
			}
			if len(want.Permissions) == 0 && len(got.Permissions) == 0 {
				want.Permissions = got.Permissions
			}
			if diff := cmp.Diff(want, got, same); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.set, given, cmp.Transformer("list", func(s []string) string { return strings.Join(s, ",") })); diff != "" {
				t.Errorf("changes what it was given: %s", diff)
			}
		})
	}
}

func Example() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	name, _ := user.ParseName("Alice")
	email, _ := user.ParseEmail("alice@b.example")
	password, err := user.DefaultPolicy.Accept("password", "four quiet herons wading", name.Key(), email.Key())
	fmt.Println(password != "", err)

	u := user.New("0199…", tenant.Default, name, email, "$argon2id$…", now)
	_ = u.ShutOut("spam", now.Add(time.Hour), now)
	fmt.Println(u.Banned(now), u.Banned(now.Add(time.Hour)))
	// Output:
	// true <nil>
	// true false
}

func ExamplePolicy_Accept() {
	for _, password := range []string{"hunter2", "Alice123456789!", "four quiet herons wading"} {
		_, err := user.DefaultPolicy.Accept("password", password, "alice")
		if err != nil {
			fmt.Println(fault.CodeOf(err))
		} else {
			fmt.Println("good")
		}
	}
	// Output:
	// too_short
	// common
	// good
}
