package porttest

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Users is the contract of ports.Users.
func Users(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_everything", func(t *testing.T) { usersKeep(t, open(t)) })
	t.Run("keeps_times_to_the_millisecond", func(t *testing.T) { usersTimes(t, open(t)) })
	t.Run("copies", func(t *testing.T) { usersCopies(t, open(t)) })
	t.Run("misses", func(t *testing.T) { usersMisses(t, open(t)) })
	t.Run("clashes_on_create", func(t *testing.T) { usersClash(t, open(t)) })
	t.Run("clashes_on_update", func(t *testing.T) { usersClashLater(t, open(t)) })
	t.Run("update", func(t *testing.T) { usersUpdate(t, open(t)) })
	t.Run("update_of_each_field", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		eachField(t, somebody(), []string{"ID"}, func(change func(*user.User)) user.User {
			got, err := s.Users().Update(t.Context(), id(1), func(u *user.User) error { change(u); return nil })
			must(t, err)
			read, err := s.Users().ByID(t.Context(), id(1))
			must(t, err)
			same(t, "user read after an update", read, got)
			return read
		})
	})
	t.Run("failing_update_writes_nothing", func(t *testing.T) { usersRollback(t, open(t)) })
	t.Run("delete_takes_everything_along", func(t *testing.T) { usersDelete(t, open(t)) })
	t.Run("parallel_updates", func(t *testing.T) { usersParallel(t, open(t)) })
	t.Run("parallel_creates_of_a_name", func(t *testing.T) {
		s := open(t)
		oneWinner(t, parallel(callers, func(i int) error {
			u := person(i)
			u.Name = user.NameOf("Wanted", "wanted")
			return s.Users().Create(t.Context(), u)
		}), fault.Conflict)
	})
	t.Run("parallel_renames_to_a_name", func(t *testing.T) {
		s := open(t)
		for i := range callers {
			addPeople(t, s, i)
		}
		oneWinner(t, parallel(callers, func(i int) error {
			_, err := s.Users().Update(t.Context(), id(i), func(u *user.User) error {
				u.Name = user.NameOf("Wanted", "wanted")
				return nil
			})
			return err
		}), fault.Conflict)
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).Users()
		must(t, s.Create(t.Context(), person(1)))
		endedCalls(t, map[string]func(context.Context) error{
			"Create":  func(ctx context.Context) error { return s.Create(ctx, person(2)) },
			"ByID":    func(ctx context.Context) error { _, err := s.ByID(ctx, id(1)); return err },
			"ByLogin": func(ctx context.Context) error { _, err := s.ByLogin(ctx, "person1"); return err },
			"Update": func(ctx context.Context) error {
				_, err := s.Update(ctx, id(1), func(u *user.User) error { u.PasswordHash = "late"; return nil })
				return err
			},
			"Delete": func(ctx context.Context) error { return s.Delete(ctx, id(1)) },
		})
		got, err := s.ByID(t.Context(), id(1))
		must(t, err)
		same(t, "the user that late calls wanted to change", got, person(1))
		_, err = s.ByID(t.Context(), id(2))
		wantFault(t, err, fault.NotFound, "")
	})
}

// somebody returns a user with every field set.
func somebody() user.User {
	u := withEmail(person(1), "Al.Ice+x'y@example.org", "al.ice+x'y@example.org")
	u.Tenant = "acme"
	u.Name = user.NameOf("Álîce_%", "álîce_%")
	u.EmailConfirmed = true
	u.PasswordHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
	u.Profile = user.Profile{FullName: "Álîce O'Neil \"日本\"", Picture: "https://img.example/a?b=c&d=%20"}
	u.Permissions = []string{"admin", "read:*", "write:a/b"}
	u.Ban = &user.Ban{Reason: "spam; \"quoted\" \\ and 日本語\n", From: noon, Until: noon.Add(time.Hour)}
	u.UpdatedAt = noon.Add(time.Minute)
	return u
}

func usersKeep(t *testing.T, s Store) {
	allSet(t, somebody())
	long := person(3)
	long.PasswordHash = strings.Repeat("p", 20_000)
	long.Permissions = nil
	for i := range user.MaxPermissions {
		long.Permissions = append(long.Permissions, strings.Repeat("x", 60)+strconv.Itoa(100+i))
	}
	forever := person(4)
	forever.Ban = &user.Ban{From: noon}
	japanese := person(5)
	japanese.Name = user.NameOf("太郎さん", "太郎さん")
	for _, u := range []user.User{somebody(), person(2), long, forever, japanese} {
		must(t, s.Users().Create(t.Context(), u))
		got, err := s.Users().ByID(t.Context(), u.ID)
		must(t, err)
		same(t, "user by id", got, u)
		got, err = s.Users().ByLogin(t.Context(), u.Name.Key())
		must(t, err)
		same(t, "user by name", got, u)
		if !u.Email.IsZero() {
			got, err = s.Users().ByLogin(t.Context(), u.Email.Key())
			must(t, err)
			same(t, "user by e-mail", got, u)
		}
	}
}

func usersTimes(t *testing.T, s Store) {
	zone := time.FixedZone("elsewhere", -7*3600)
	tests := []struct {
		name       string
		give, want time.Time
	}{
		{"zero", time.Time{}, time.Time{}},
		{"sub_millisecond", noon.Add(1_999_999), noon.Add(time.Millisecond)},
		{"other_zone", noon.In(zone), noon},
		{"epoch", time.Unix(0, 0), time.Unix(0, 0).UTC()},
		{"before_epoch", time.Unix(-1, 500_000), time.Unix(-1, 0).UTC()},
		{"far", time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := person(i)
			u.CreatedAt, u.UpdatedAt = test.give, test.give
			u.Ban = &user.Ban{From: test.give, Until: test.give}
			must(t, s.Users().Create(t.Context(), u))
			want := u
			want.CreatedAt, want.UpdatedAt = test.want, test.want
			want.Ban = &user.Ban{From: test.want, Until: test.want}
			got, err := s.Users().ByID(t.Context(), u.ID)
			must(t, err)
			same(t, "user read", got, want)
			if got.CreatedAt.IsZero() != test.want.IsZero() {
				t.Errorf("zero time came back as %v", got.CreatedAt)
			}
			got, err = s.Users().Update(t.Context(), u.ID, func(u *user.User) error {
				u.CreatedAt, u.UpdatedAt = test.give, test.give
				u.Ban = &user.Ban{From: test.give, Until: test.give}
				return nil
			})
			must(t, err)
			same(t, "user updated", got, want)
		})
	}
}

func usersCopies(t *testing.T, s Store) {
	give := somebody()
	must(t, s.Users().Create(t.Context(), give))
	spoil := func(u *user.User) {
		u.Permissions[0] = "spoilt"
		u.Ban.Reason = "spoilt"
	}
	spoil(&give)
	got, err := s.Users().ByID(t.Context(), give.ID)
	must(t, err)
	same(t, "user after the one put in was changed", got, somebody())
	spoil(&got)
	got, err = s.Users().ByLogin(t.Context(), give.Name.Key())
	must(t, err)
	same(t, "user after the one got was changed", got, somebody())
	var kept *user.User
	got, err = s.Users().Update(t.Context(), give.ID, func(u *user.User) error { kept = u; return nil })
	must(t, err)
	spoil(kept)
	same(t, "the result after the updated one was changed", got, somebody())
	spoil(&got)
	found, err := s.Directory().People(tenant.Every()).Search(t.Context(), ports.UserQuery{})
	must(t, err)
	same(t, "users after results were changed", found, []user.User{somebody()})
}

func usersMisses(t *testing.T, s Store) {
	must(t, s.Users().Create(t.Context(), withEmail(person(1), "Me@example.org", "me@example.org")))
	must(t, s.Users().Create(t.Context(), person(2)))
	for _, login := range []string{"", "@", "person", "Person1", "PERSON1", "person3", "Me@example.org", "me@example.or", "me", "example.org", "%", "person_", "me@example.org\x00"} {
		_, err := s.Users().ByLogin(t.Context(), login)
		if err == nil {
			t.Errorf("ByLogin(%q) found somebody", login)
		} else {
			wantFault(t, err, fault.NotFound, "user_unknown")
		}
	}
	for _, missing := range []string{"", id(3), "%", "person1"} {
		_, err := s.Users().ByID(t.Context(), missing)
		wantFault(t, err, fault.NotFound, "user_unknown")
		_, err = s.Users().Update(t.Context(), missing, func(*user.User) error {
			t.Error("the function was called without a user")
			return nil
		})
		wantFault(t, err, fault.NotFound, "user_unknown")
		wantFault(t, s.Users().Delete(t.Context(), missing), fault.NotFound, "user_unknown")
	}
}

func usersClash(t *testing.T, s Store) {
	first := withEmail(person(1), "one@example.org", "one@example.org")
	must(t, s.Users().Create(t.Context(), first))
	sameID := person(2)
	sameID.ID = first.ID
	sameName := person(2)
	sameName.Name = user.NameOf("PERSON1", first.Name.Key())
	sameEmail := withEmail(person(2), "ONE@example.org", first.Email.Key())
	both := sameName
	both.Email = first.Email
	tests := []struct {
		name string
		give user.User
		code string
	}{
		{"id", sameID, "id_taken"},
		{"name_in_another_spelling", sameName, "username_taken"},
		{"email_in_another_spelling", sameEmail, "email_taken"},
		{"name_and_email", both, "username_taken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantFault(t, s.Users().Create(t.Context(), test.give), fault.Conflict, test.code)
			found, err := s.Directory().People(tenant.Every()).Search(t.Context(), ports.UserQuery{})
			must(t, err)
			same(t, "users after a clash", found, []user.User{first})
		})
	}
	t.Run("no_email_is_no_clash", func(t *testing.T) { addPeople(t, s, 5, 6, 7, 8) })
}

func usersClashLater(t *testing.T, s Store) {
	first := withEmail(person(1), "one@example.org", "one@example.org")
	second := withEmail(person(2), "two@example.org", "two@example.org")
	must(t, s.Users().Create(t.Context(), first))
	must(t, s.Users().Create(t.Context(), second))
	tests := []struct {
		name   string
		change func(*user.User)
		code   string
	}{
		{"name", func(u *user.User) { u.Name = first.Name }, "username_taken"},
		{"email", func(u *user.User) { u.Email = first.Email }, "email_taken"},
		{"both", func(u *user.User) { u.Name, u.Email = first.Name, first.Email }, "username_taken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.Users().Update(t.Context(), second.ID, func(u *user.User) error {
				u.PasswordHash, u.Permissions = "half", []string{"half"}
				test.change(u)
				return nil
			})
			wantFault(t, err, fault.Conflict, test.code)
			found, err := s.Directory().People(tenant.Every()).Search(t.Context(), ports.UserQuery{})
			must(t, err)
			same(t, "users after a clash", found, []user.User{first, second})
		})
	}
}

func usersUpdate(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	want := somebody()
	got, err := s.Users().Update(t.Context(), id(1), func(u *user.User) error {
		same(t, "what the function sees", *u, person(1))
		*u = somebody()
		u.ID = "another"
		return nil
	})
	must(t, err)
	same(t, "result", got, want)
	got, err = s.Users().ByID(t.Context(), id(1))
	must(t, err)
	same(t, "user", got, want)
	_, err = s.Users().ByID(t.Context(), "another")
	wantFault(t, err, fault.NotFound, "")

	_, err = s.Users().ByLogin(t.Context(), "person1")
	wantFault(t, err, fault.NotFound, "")
	free := person(3)
	free.Name = person(1).Name
	must(t, s.Users().Create(t.Context(), free)) // the old name can be had again

	back := person(1)
	back.Name = want.Name
	got, err = s.Users().Update(t.Context(), id(1), func(u *user.User) error { *u = back; return nil })
	must(t, err)
	same(t, "user with everything taken away", got, back)
	_, err = s.Users().ByLogin(t.Context(), want.Email.Key())
	wantFault(t, err, fault.NotFound, "")
	holders, err := s.Directory().People(tenant.Every()).Search(t.Context(), ports.UserQuery{Holds: "admin"})
	must(t, err)
	same(t, "holders of a permission that was taken away", holders, []user.User(nil))
	other, err := s.Users().ByID(t.Context(), id(2))
	must(t, err)
	same(t, "a user nobody touched", other, person(2))

	must(t, s.Users().Create(t.Context(), withPermissions(person(5), "read")))
	_, err = s.Users().Update(t.Context(), id(5), func(u *user.User) error { u.Permissions[0] = "write"; return nil })
	must(t, err)
	holders, err = s.Directory().People(tenant.Every()).Search(t.Context(), ports.UserQuery{Holds: "write"})
	must(t, err)
	same(t, "holders of a permission that was changed in place", holders, []user.User{withPermissions(person(5), "write")})
}

func usersRollback(t *testing.T, s Store) {
	want := somebody()
	must(t, s.Users().Create(t.Context(), want))
	refused := errors.New("refused on purpose")
	spoil := func(u *user.User) {
		u.Permissions[0], u.Ban.Reason = "spoilt", "spoilt"
		u.Profile = user.Profile{FullName: "Spoilt"}
		u.Name, u.Email, u.PasswordHash = user.NameOf("X", "x"), user.Email{}, ""
	}
	_, err := s.Users().Update(t.Context(), want.ID, func(u *user.User) error {
		spoil(u)
		return refused
	})
	if err != refused { //nolint:errorlint // the contract is that the error comes back unwrapped
		t.Errorf("error is %v, want the function's own", err)
	}
	unwinding(t, func(inside func()) {
		_, _ = s.Users().Update(t.Context(), want.ID, func(u *user.User) error {
			spoil(u)
			inside()
			return nil
		})
	})
	got, err := s.Users().ByLogin(t.Context(), want.Email.Key())
	must(t, err)
	same(t, "user after failed updates", got, want)
	_, err = s.Users().Update(t.Context(), want.ID, func(u *user.User) error { u.PasswordHash = "new"; return nil })
	must(t, err)
}

func usersDelete(t *testing.T, s Store) {
	owner := withEmail(person(1), "one@example.org", "one@example.org")
	must(t, s.Users().Create(t.Context(), owner))
	addPeople(t, s, 2)
	for i, owner := range []int{1, 1, 2} {
		one := signIn(i, id(owner))
		one.Former, one.Family = hashOf("former %d", i), hashOf("family %d", i)
		must(t, s.Sessions().Create(t.Context(), one))
	}
	mailed := func(subject, purpose string) ports.MailToken {
		return ports.MailToken{Hash: hashOf("%s %s", subject, purpose), Purpose: purpose, Subject: subject, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	}
	for _, token := range []ports.MailToken{mailed(id(1), "confirm"), mailed(id(1), "reset"), mailed(id(2), "reset")} {
		must(t, s.MailTokens().Put(t.Context(), token))
	}

	must(t, s.Users().Delete(t.Context(), id(1)))

	_, err := s.Users().ByID(t.Context(), id(1))
	wantFault(t, err, fault.NotFound, "")
	for i := range 2 {
		_, _, err = s.Sessions().ByHash(t.Context(), hashOf("session %d", i))
		wantFault(t, err, fault.NotFound, "")
		_, _, err = s.Sessions().ByHash(t.Context(), hashOf("former %d", i))
		wantFault(t, err, fault.NotFound, "")
		_, _, err = s.Sessions().ByFamily(t.Context(), hashOf("family %d", i))
		wantFault(t, err, fault.NotFound, "")
	}
	for _, purpose := range []string{"confirm", "reset"} {
		_, err = s.MailTokens().Get(t.Context(), purpose, hashOf("%s %s", id(1), purpose), noon)
		wantFault(t, err, fault.NotFound, "")
	}
	_, _, err = s.Sessions().ByHash(t.Context(), hashOf("session 2"))
	must(t, err)
	_, err = s.MailTokens().Get(t.Context(), "reset", hashOf("%s reset", id(2)), noon)
	must(t, err)

	wantFault(t, s.Users().Delete(t.Context(), id(1)), fault.NotFound, "user_unknown")
	heir := owner
	heir.ID = id(3)
	must(t, s.Users().Create(t.Context(), heir)) // name and address can be had again,
	addPeople(t, s, 4)
	again := person(5)
	again.ID = id(1)
	must(t, s.Users().Create(t.Context(), again)) // and the id, with nothing of its former owner
	got, err := s.Users().ByLogin(t.Context(), owner.Email.Key())
	must(t, err)
	same(t, "who has the address now", got, heir)
	sessions, err := s.SessionSets().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "sessions of the new user", len(sessions), 0)
}

func usersParallel(t *testing.T, s Store) {
	const rounds = 4
	u := person(1)
	u.PasswordHash = "0"
	must(t, s.Users().Create(t.Context(), u))
	for _, err := range parallel(callers, func(int) error {
		for range rounds {
			_, err := s.Users().Update(t.Context(), u.ID, func(u *user.User) error {
				n, err := strconv.Atoi(u.PasswordHash)
				u.PasswordHash = strconv.Itoa(n + 1)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	got, err := s.Users().ByID(t.Context(), u.ID)
	must(t, err)
	same(t, "count of updates", got.PasswordHash, strconv.Itoa(callers*rounds))
}
