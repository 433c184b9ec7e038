package porttest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Identities is the contract of ports.Identities.
func Identities(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_everything", func(t *testing.T) { identitiesKeep(t, open(t)) })
	t.Run("keeps_times_to_the_millisecond", func(t *testing.T) { identitiesTimes(t, open(t)) })
	t.Run("copies", func(t *testing.T) { identitiesCopies(t, open(t)) })
	t.Run("misses", func(t *testing.T) { identitiesMisses(t, open(t)) })
	t.Run("clashes", func(t *testing.T) { identitiesClash(t, open(t)) })
	t.Run("to_the_letter", func(t *testing.T) { identitiesToTheLetter(t, open(t)) })
	t.Run("by_user", func(t *testing.T) { identitiesByUser(t, open(t)) })
	t.Run("by_issuer", func(t *testing.T) { identitiesByIssuer(t, open(t)) })
	t.Run("update", func(t *testing.T) { identitiesUpdate(t, open(t)) })
	t.Run("update_of_each_field", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1, 2)
		must(t, s.Identities().Create(t.Context(), linked(1, id(1))))
		eachField(t, fullIdentity(), []string{"ID", "UserID", "Issuer", "Subject"}, func(change func(*user.Identity)) user.Identity {
			got, err := s.Identities().Update(t.Context(), linked(1, "").ID, func(i *user.Identity) error { change(i); return nil })
			must(t, err)
			read, _, err := s.Identities().BySubject(t.Context(), linked(1, "").Issuer, linked(1, "").Subject)
			must(t, err)
			same(t, "identity read after an update", read, got)
			return read
		})
	})
	t.Run("failing_update_writes_nothing", func(t *testing.T) { identitiesRollback(t, open(t)) })
	t.Run("delete", func(t *testing.T) { identitiesDelete(t, open(t)) })
	t.Run("go_with_their_user", func(t *testing.T) { identitiesOfDeleted(t, open(t)) })
	t.Run("parallel_creates_of_a_subject", func(t *testing.T) {
		s := open(t)
		for i := range callers {
			addPeople(t, s, i)
		}
		oneWinner(t, parallel(callers, func(i int) error {
			one := linked(i, id(i))
			one.Subject = "wanted"
			return s.Identities().Create(t.Context(), one)
		}), fault.Conflict)
	})
	t.Run("parallel_updates", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		one := linked(1, id(1))
		one.Email = ""
		must(t, s.Identities().Create(t.Context(), one))
		for _, err := range parallel(callers, func(int) error {
			_, err := s.Identities().Update(t.Context(), one.ID, func(i *user.Identity) error { i.Email += "x"; return nil })
			return err
		}) {
			must(t, err)
		}
		got, _, err := s.Identities().BySubject(t.Context(), one.Issuer, one.Subject)
		must(t, err)
		same(t, "count of updates", got.Email, strings.Repeat("x", callers))
	})
	t.Run("parallel_deletes", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		must(t, s.Identities().Create(t.Context(), linked(1, id(1))))
		oneWinner(t, parallel(callers, func(int) error {
			return s.Identities().Delete(t.Context(), linked(1, "").ID)
		}), fault.NotFound)
	})
	t.Run("parallel_with_the_end_of_the_user", func(t *testing.T) { identitiesOrphans(t, open(t)) })
	t.Run("ended_context", func(t *testing.T) {
		store := open(t)
		addPeople(t, store, 1)
		s := store.Identities()
		one, other := linked(1, id(1)), linked(2, id(1))
		must(t, s.Create(t.Context(), one))
		endedCalls(t, map[string]func(context.Context) error{
			"Create":    func(ctx context.Context) error { return s.Create(ctx, other) },
			"BySubject": func(ctx context.Context) error { _, _, err := s.BySubject(ctx, one.Issuer, one.Subject); return err },
			"ByUser":    func(ctx context.Context) error { _, err := s.ByUser(ctx, id(1)); return err },
			"ByIssuer":  func(ctx context.Context) error { _, err := s.ByIssuer(ctx, one.Issuer, "", 0); return err },
			"Update": func(ctx context.Context) error {
				_, err := s.Update(ctx, one.ID, func(i *user.Identity) error { i.Email = "late"; return nil })
				return err
			},
			"Delete": func(ctx context.Context) error { return s.Delete(ctx, one.ID) },
		})
		got, err := s.ByUser(t.Context(), id(1))
		must(t, err)
		same(t, "identities that late calls wanted to change", got, []user.Identity{one})
	})
}

// linked returns the nth identity, of a user.
func linked(n int, userID string) user.Identity {
	return user.Identity{
		ID: id(2000 + n), UserID: userID, Provider: "acme", Issuer: "https://id.example", Subject: "subject " + id(n),
		CreatedAt: noon, UsedAt: noon,
	}
}

// fullIdentity returns an identity of person 1 with every field set.
func fullIdentity() user.Identity {
	return user.Identity{
		ID: id(88), UserID: id(1), Provider: "other-2", Issuer: "https://login.example/tenant/v2.0",
		Subject: "auth0|64'; DROP--\"日本語", Email: "Al.Ice+x'y@Example.org", CreatedAt: noon.Add(time.Second), UsedAt: noon.Add(time.Hour),
	}
}

func identitiesKeep(t *testing.T, s Store) {
	owner := somebody()
	must(t, s.Users().Create(t.Context(), owner))
	allSet(t, fullIdentity())
	long := linked(1, owner.ID)
	long.Subject, long.Issuer = strings.Repeat("s", user.MaxSubject), "https://"+strings.Repeat("i", 2000)
	bare := user.Identity{ID: id(90), UserID: owner.ID}
	for _, want := range []user.Identity{fullIdentity(), long, bare} {
		must(t, s.Identities().Create(t.Context(), want))
		got, u, err := s.Identities().BySubject(t.Context(), want.Issuer, want.Subject)
		must(t, err)
		same(t, "identity", got, want)
		same(t, "its user", u, owner)
	}
	changed, err := s.Users().Update(t.Context(), owner.ID, func(u *user.User) error { u.Profile.FullName = "Another"; return nil })
	must(t, err)
	_, u, err := s.Identities().BySubject(t.Context(), long.Issuer, long.Subject)
	must(t, err)
	same(t, "the user of an identity after they changed", u, changed)
}

func identitiesTimes(t *testing.T, s Store) {
	addPeople(t, s, 1)
	odd, even := noon.Add(1_999_999).In(time.FixedZone("elsewhere", 3600)), noon.Add(time.Millisecond)
	want := linked(1, id(1))
	want.CreatedAt, want.UsedAt = even, even
	give := want
	give.CreatedAt, give.UsedAt = odd, odd
	read := func() user.Identity {
		t.Helper()
		got, _, err := s.Identities().BySubject(t.Context(), want.Issuer, want.Subject)
		must(t, err)
		return got
	}
	must(t, s.Identities().Create(t.Context(), give))
	same(t, "identity", read(), want)
	got, err := s.Identities().Update(t.Context(), want.ID, func(i *user.Identity) error { i.CreatedAt, i.UsedAt = odd, odd; return nil })
	must(t, err)
	same(t, "identity updated", got, want)
	same(t, "identity updated, when read", read(), want)
	want.CreatedAt, want.UsedAt = time.Time{}, time.Time{}
	got, err = s.Identities().Update(t.Context(), want.ID, func(i *user.Identity) error {
		i.CreatedAt, i.UsedAt = time.Time{}, time.Time{}
		return nil
	})
	must(t, err)
	same(t, "identity without times", got, want)
	same(t, "identity without times, when read", read(), want)
}

func identitiesCopies(t *testing.T, s Store) {
	must(t, s.Users().Create(t.Context(), somebody()))
	want := fullIdentity()
	must(t, s.Identities().Create(t.Context(), want))
	_, u, err := s.Identities().BySubject(t.Context(), want.Issuer, want.Subject)
	must(t, err)
	u.Permissions[0], u.Ban.Reason = "spoilt", "spoilt"
	var kept *user.Identity
	result, err := s.Identities().Update(t.Context(), want.ID, func(i *user.Identity) error { kept = i; return nil })
	must(t, err)
	kept.Email = "spoilt"
	same(t, "result after the updated one was changed", result, want)
	list, err := s.Identities().ByUser(t.Context(), id(1))
	must(t, err)
	list[0].Email = "spoilt"
	got, u, err := s.Identities().BySubject(t.Context(), want.Issuer, want.Subject)
	must(t, err)
	same(t, "identity after results were changed", got, want)
	same(t, "user after the one got was changed", u, somebody())
}

func identitiesMisses(t *testing.T, s Store) {
	addPeople(t, s, 1)
	one := linked(1, id(1))
	must(t, s.Identities().Create(t.Context(), one))
	for _, miss := range [][2]string{{one.Issuer, ""}, {"", one.Subject}, {"", ""}, {one.Subject, one.Issuer}, {one.Issuer, one.Subject + "x"}} {
		_, _, err := s.Identities().BySubject(t.Context(), miss[0], miss[1])
		wantFault(t, err, fault.NotFound, "identity_unknown")
	}
	for _, missing := range []string{"", id(5), "%", one.Subject} {
		_, err := s.Identities().Update(t.Context(), missing, func(*user.Identity) error {
			t.Error("the function was called without an identity")
			return nil
		})
		wantFault(t, err, fault.NotFound, "identity_unknown")
		wantFault(t, s.Identities().Delete(t.Context(), missing), fault.NotFound, "identity_unknown")
	}
	for _, nobody := range []string{"", id(9)} {
		wantFault(t, s.Identities().Create(t.Context(), linked(2, nobody)), fault.NotFound, "user_unknown")
		list, err := s.Identities().ByUser(t.Context(), nobody)
		must(t, err)
		same(t, "identities of nobody", len(list), 0)
	}
	_, _, err := s.Identities().BySubject(t.Context(), linked(2, "").Issuer, linked(2, "").Subject)
	wantFault(t, err, fault.NotFound, "identity_unknown")
	got, err := s.Identities().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "identities after misses", got, []user.Identity{one})
}

func identitiesClash(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	first := linked(1, id(1))
	must(t, s.Identities().Create(t.Context(), first))
	sameID := linked(2, id(2))
	sameID.ID = first.ID
	theirs := linked(2, id(2))
	theirs.Subject, theirs.Provider = first.Subject, "another"
	own := theirs
	own.UserID = id(1)
	both := theirs
	both.ID = first.ID
	tests := []struct {
		name string
		give user.Identity
		code string
	}{
		{"id", sameID, "id_taken"},
		{"subject_of_somebody_else", theirs, "identity_taken"},
		{"subject_of_the_same_user", own, "identity_taken"},
		{"both", both, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantFault(t, s.Identities().Create(t.Context(), test.give), fault.Conflict, test.code)
			got, u, err := s.Identities().BySubject(t.Context(), first.Issuer, first.Subject)
			must(t, err)
			same(t, "identity after a clash", got, first)
			same(t, "its user after a clash", u, person(1))
			list, err := s.Identities().ByUser(t.Context(), id(2))
			must(t, err)
			same(t, "identities of who lost", len(list), 0)
		})
	}
}

// Whoever controls a subject that only looks like another must not be taken for
// its owner.
func identitiesToTheLetter(t *testing.T, s Store) {
	accounts := [][2]string{
		{"https://id.example", "alice"},
		{"https://id.example", "Alice"},
		{"https://id.example", "alice "},
		{"https://id.example", " alice"},
		{"https://id.example", "alice\x00"},
		{"https://id.example", "alice\x00b"},
		{"https://id.example", "a%"},
		{"https://id.example", "a_ice"},
		{"https://id.example", "7"},
		{"https://id.example", "007"},
		{"https://id.example", "7.0"},
		{"https://id.example", "7e0"},
		{"https://id.example", "é"},
		{"https://id.example", "e\u0301"},
		{"https://id.example", "ａlice"},
		{"https://id.example", "al\u200bice"},
		{"https://id.example", "\xff"},
		{"https://id.example", "\xfe"},
		{"https://id.example", "\ufffd"},
		{"https://id.example", "NULL"},
		{"https://id.example/", "alice"},
		{"https://ID.example", "alice"},
		{"HTTPS://id.example", "alice"},
		{"http://id.example", "alice"},
		{"id.example", "alice"},
		{"https://id.examplealice", "x"},
		{"https://id.example", "alicex"},
		{"https://id.exampl", "ealice"},
		{"alice", "https://id.example"},
	}
	var want []user.Identity
	for n, account := range accounts {
		addPeople(t, s, n)
		i := linked(n, id(n))
		i.Issuer, i.Subject = account[0], account[1]
		if err := s.Identities().Create(t.Context(), i); err != nil {
			t.Errorf("%q is taken for another: %v", account, err)
		}
		want = append(want, i)
	}
	for n, i := range want {
		got, u, err := s.Identities().BySubject(t.Context(), i.Issuer, i.Subject)
		must(t, err)
		same(t, "identity", got, i)
		same(t, "its user", u, person(n))
	}
	for _, subject := range []string{"ALICE", "alic", "%", "alice%", "", "a\u200blice", "7 "} {
		_, _, err := s.Identities().BySubject(t.Context(), "https://id.example", subject)
		wantFault(t, err, fault.NotFound, "identity_unknown")
	}
}

func identitiesByUser(t *testing.T, s Store) {
	addPeople(t, s, 1, 2, 3)
	var made []user.Identity
	for n, minutes := range []int{5, 20, 10, 0} { // not in their order
		i := linked(n, id(1))
		i.CreatedAt = noon.Add(time.Duration(minutes) * time.Minute)
		i.UsedAt = noon.Add(-time.Duration(minutes) * time.Minute)
		must(t, s.Identities().Create(t.Context(), i))
		made = append(made, i)
	}
	must(t, s.Identities().Create(t.Context(), linked(9, id(2))))
	got, err := s.Identities().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "identities, the oldest first", got, []user.Identity{made[3], made[0], made[2], made[1]})
	for _, none := range []string{id(3), id(4), "", "%"} {
		got, err = s.Identities().ByUser(t.Context(), none)
		must(t, err)
		same(t, "identities of somebody without", len(got), 0)
	}
}

func identitiesByIssuer(t *testing.T, s Store) {
	owner := somebody()
	must(t, s.Users().Create(t.Context(), owner))
	addPeople(t, s, 2, 3)
	var want []ports.UsersIdentity
	for n, issuer := range []string{"https://a.example", "https://b.example", "https://a.example", "https://a.example/", "HTTPS://a.example", "https://a.example"} {
		one := linked(20-n, []string{owner.ID, id(2)}[n%2]) // made in an order that is not that of the ids
		one.Issuer = issuer
		must(t, s.Identities().Create(t.Context(), one))
		if issuer == "https://a.example" {
			want = append([]ports.UsersIdentity{{Identity: one, User: []user.User{owner, person(2)}[n%2]}}, want...)
		}
	}
	got, err := s.Identities().ByIssuer(t.Context(), "https://a.example", "", 0)
	must(t, err)
	same(t, "identities of an issuer, by id", got, want)
	got[0].User.Name, got[0].Identity.Subject = user.Name{}, "spoilt"
	var paged []ports.UsersIdentity
	after := ""
	for range want {
		page, err := s.Identities().ByIssuer(t.Context(), "https://a.example", after, 1)
		must(t, err)
		same(t, "identities of a page", len(page), 1)
		paged, after = append(paged, page...), page[0].Identity.ID
	}
	same(t, "identities one by one", paged, want)
	for _, none := range [][2]string{{"https://a.example", after}, {"https://c.example", ""}, {"", ""}, {"%", ""}, {"https://_.example", ""}} {
		page, err := s.Identities().ByIssuer(t.Context(), none[0], none[1], 0)
		must(t, err)
		same(t, "identities that there are not", len(page), 0)
	}
	for n := range 60 {
		one := linked(100+n, id(3))
		one.Issuer = "https://a.example"
		must(t, s.Identities().Create(t.Context(), one))
	}
	for limit, many := range map[int]int{0: 50, -1: 50, 51: 51, 5000: 63} {
		page, err := s.Identities().ByIssuer(t.Context(), "https://a.example", "", limit)
		must(t, err)
		same(t, "identities of a page", len(page), many)
	}
	must(t, s.Users().Delete(t.Context(), id(3)))
	page, err := s.Identities().ByIssuer(t.Context(), "https://a.example", "", 1000)
	must(t, err)
	same(t, "identities after their user was deleted", page, want)
}

func identitiesUpdate(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	before, bystander := linked(1, id(1)), linked(2, id(1))
	must(t, s.Identities().Create(t.Context(), before))
	must(t, s.Identities().Create(t.Context(), bystander))
	want := fullIdentity()
	want.ID, want.UserID, want.Issuer, want.Subject = before.ID, before.UserID, before.Issuer, before.Subject
	for _, thief := range []user.Identity{
		{ID: id(99), UserID: id(2), Issuer: "https://evil.example", Subject: "mallory"},
		{ID: bystander.ID, UserID: id(9), Issuer: bystander.Issuer, Subject: bystander.Subject}, // even what would clash or miss
	} {
		got, err := s.Identities().Update(t.Context(), before.ID, func(i *user.Identity) error {
			*i = fullIdentity()
			i.ID, i.UserID, i.Issuer, i.Subject = thief.ID, thief.UserID, thief.Issuer, thief.Subject
			return nil
		})
		must(t, err)
		same(t, "result", got, want)
		got, u, err := s.Identities().BySubject(t.Context(), before.Issuer, before.Subject)
		must(t, err)
		same(t, "identity", got, want)
		same(t, "its user", u, person(1))
		_, _, err = s.Identities().BySubject(t.Context(), "https://evil.example", "mallory")
		wantFault(t, err, fault.NotFound, "identity_unknown")
		of, err := s.Identities().ByUser(t.Context(), id(2))
		must(t, err)
		same(t, "identities of another user", len(of), 0)
		other, _, err := s.Identities().BySubject(t.Context(), bystander.Issuer, bystander.Subject)
		must(t, err)
		same(t, "an identity nobody touched", other, bystander)
	}
	_, err := s.Identities().Update(t.Context(), before.ID, func(i *user.Identity) error {
		same(t, "what the function sees", *i, want)
		return nil
	})
	must(t, err)
}

func identitiesRollback(t *testing.T, s Store) {
	addPeople(t, s, 1)
	want := fullIdentity()
	must(t, s.Identities().Create(t.Context(), want))
	refused := errors.New("refused on purpose")
	spoil := func(i *user.Identity) { i.Email, i.UsedAt, i.Provider = "spoilt", time.Time{}, "spoilt" }
	_, err := s.Identities().Update(t.Context(), want.ID, func(i *user.Identity) error { spoil(i); return refused })
	if err != refused { //nolint:errorlint // the contract is that the error comes back unwrapped
		t.Errorf("error is %v, want the function's own", err)
	}
	unwinding(t, func(inside func()) {
		_, _ = s.Identities().Update(t.Context(), want.ID, func(i *user.Identity) error {
			spoil(i)
			inside()
			return nil
		})
	})
	got, _, err := s.Identities().BySubject(t.Context(), want.Issuer, want.Subject)
	must(t, err)
	same(t, "identity after failed updates", got, want)
	_, err = s.Identities().Update(t.Context(), want.ID, func(i *user.Identity) error { i.Email = "new"; return nil })
	must(t, err)
}

func identitiesDelete(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	one, other := linked(1, id(1)), linked(2, id(1))
	must(t, s.Identities().Create(t.Context(), one))
	must(t, s.Identities().Create(t.Context(), other))
	must(t, s.Identities().Delete(t.Context(), one.ID))
	wantFault(t, s.Identities().Delete(t.Context(), one.ID), fault.NotFound, "identity_unknown")
	_, _, err := s.Identities().BySubject(t.Context(), one.Issuer, one.Subject)
	wantFault(t, err, fault.NotFound, "identity_unknown")
	got, err := s.Identities().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "identities left", got, []user.Identity{other})
	_, err = s.Users().ByID(t.Context(), id(1))
	must(t, err)
	one.UserID = id(2)
	must(t, s.Identities().Create(t.Context(), one)) // somebody else's from now on
	_, u, err := s.Identities().BySubject(t.Context(), one.Issuer, one.Subject)
	must(t, err)
	same(t, "whose it is now", u, person(2))
}

func identitiesOfDeleted(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	for n, owner := range []int{1, 1, 2} {
		must(t, s.Identities().Create(t.Context(), linked(n, id(owner))))
	}
	must(t, s.Users().Delete(t.Context(), id(1)))
	for n := range 2 {
		_, _, err := s.Identities().BySubject(t.Context(), linked(n, "").Issuer, linked(n, "").Subject)
		wantFault(t, err, fault.NotFound, "identity_unknown")
		wantFault(t, s.Identities().Delete(t.Context(), linked(n, "").ID), fault.NotFound, "identity_unknown")
	}
	addPeople(t, s, 1)
	got, err := s.Identities().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "identities of a new user with the id", len(got), 0)
	got, err = s.Identities().ByUser(t.Context(), id(2))
	must(t, err)
	same(t, "identities of another user", got, []user.Identity{linked(2, id(2))})
	must(t, s.Identities().Create(t.Context(), linked(0, id(2)))) // the account can be linked again, by anybody
}

// An identity that is linked while its user is deleted is either refused or gone.
func identitiesOrphans(t *testing.T, s Store) {
	addPeople(t, s, 1)
	for n, err := range parallel(callers, func(n int) error {
		if n == callers/2 {
			return s.Users().Delete(t.Context(), id(1))
		}
		return s.Identities().Create(t.Context(), linked(n, id(1)))
	}) {
		if err != nil && (n == callers/2 || fault.KindOf(err) != fault.NotFound) {
			t.Errorf("caller %d got %v", n, err)
		}
	}
	got, err := s.Identities().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "identities of a user who is gone", len(got), 0)
	for n := range callers {
		_, _, err := s.Identities().BySubject(t.Context(), linked(n, "").Issuer, linked(n, "").Subject)
		wantFault(t, err, fault.NotFound, "identity_unknown")
	}
}
