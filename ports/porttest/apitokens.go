package porttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// APITokens is the contract of ports.APITokens.
func APITokens(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_everything", func(t *testing.T) { apiTokensKeep(t, open(t)) })
	t.Run("keeps_times_to_the_millisecond", func(t *testing.T) { apiTokensTimes(t, open(t)) })
	t.Run("copies", func(t *testing.T) { apiTokensCopies(t, open(t)) })
	t.Run("misses", func(t *testing.T) { apiTokensMisses(t, open(t)) })
	t.Run("clashes", func(t *testing.T) { apiTokensClash(t, open(t)) })
	t.Run("limit", func(t *testing.T) { apiTokensLimit(t, open(t)) })
	t.Run("by_user", func(t *testing.T) { apiTokensByUser(t, open(t)) })
	t.Run("alive", func(t *testing.T) { apiTokensAlive(t, open(t)) })
	t.Run("touch", func(t *testing.T) { apiTokensTouch(t, open(t)) })
	t.Run("delete", func(t *testing.T) { apiTokensDelete(t, open(t)) })
	t.Run("delete_expired", func(t *testing.T) { apiTokensExpired(t, open(t)) })
	t.Run("go_with_their_user", func(t *testing.T) { apiTokensOfDeleted(t, open(t)) })
	t.Run("parallel_creates_up_to_the_limit", func(t *testing.T) {
		const limit = 5
		s := open(t)
		addPeople(t, s, 1, 2)
		must(t, s.APITokens().Create(t.Context(), script(99, id(1)), limit))
		errs := parallel(callers, func(n int) error { return s.APITokens().Create(t.Context(), script(n, id(1)), limit) })
		refused := 0
		for _, err := range errs {
			if err != nil {
				wantFault(t, err, fault.Conflict, "too_many")
				refused++
			}
		}
		same(t, "callers refused", refused, callers-(limit-1))
		list, err := s.APITokens().ByUser(t.Context(), id(1))
		must(t, err)
		same(t, "tokens there are", len(list), limit)
		must(t, s.APITokens().Create(t.Context(), script(100, id(2)), limit)) // everybody has a limit of their own
	})
	t.Run("parallel_creates_of_a_secret", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		oneWinner(t, parallel(callers, func(n int) error {
			one := script(n, id(1))
			one.Hash = hashOf("wanted")
			return s.APITokens().Create(t.Context(), one, 1000)
		}), fault.Conflict)
	})
	t.Run("parallel_deletes", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		must(t, s.APITokens().Create(t.Context(), script(1, id(1)), 10))
		oneWinner(t, parallel(callers, func(int) error {
			_, err := s.APITokens().Delete(t.Context(), id(1), script(1, "").ID)
			return err
		}), fault.NotFound)
	})
	t.Run("parallel_with_the_end_of_the_user", func(t *testing.T) { apiTokensOrphans(t, open(t)) })
	t.Run("ended_context", func(t *testing.T) {
		store := open(t)
		addPeople(t, store, 1)
		s, one := store.APITokens(), script(1, id(1))
		one.ExpiresAt = noon
		must(t, s.Create(t.Context(), one, 10))
		endedCalls(t, map[string]func(context.Context) error{
			"Create":        func(ctx context.Context) error { return s.Create(ctx, script(2, id(1)), 10) },
			"ByHash":        func(ctx context.Context) error { _, _, err := s.ByHash(ctx, one.Hash); return err },
			"ByUser":        func(ctx context.Context) error { _, err := s.ByUser(ctx, id(1)); return err },
			"Alive":         func(ctx context.Context) error { _, err := s.Alive(ctx, noon.Add(-time.Hour), "", 0); return err },
			"Touch":         func(ctx context.Context) error { return s.Touch(ctx, one.ID, noon) },
			"Delete":        func(ctx context.Context) error { _, err := s.Delete(ctx, id(1), one.ID); return err },
			"DeleteExpired": func(ctx context.Context) error { _, err := s.DeleteExpired(ctx, noon); return err },
		})
		got, err := s.ByUser(t.Context(), id(1))
		must(t, err)
		same(t, "tokens that late calls wanted to change", got, []apitoken.Token{one})
	})
}

// script returns the nth API token, of a user.
func script(n int, userID string) apitoken.Token {
	return apitoken.Token{
		ID: id(3000 + n), UserID: userID, Tenant: "acme", Name: fmt.Sprint("script ", n), Scopes: []string{"read"},
		Hash: hashOf("script %d", n), CreatedAt: noon,
	}
}

// fullAPIToken returns an API token of person 1 with every field set.
func fullAPIToken() apitoken.Token {
	return apitoken.Token{
		ID: id(88), UserID: id(1), Tenant: "other", Name: "Büro \"& Söhne\" 日本 '; DROP", Scopes: []string{"admin", "read:*"},
		Hash: hashOf("full"), CreatedAt: noon, ExpiresAt: noon.Add(time.Hour), UsedAt: noon.Add(time.Minute),
	}
}

func apiTokensKeep(t *testing.T, s Store) {
	allSet(t, fullAPIToken())
	owner := somebody()
	must(t, s.Users().Create(t.Context(), owner))
	long := script(1, owner.ID)
	long.Name, long.Scopes = strings.Repeat("n", 400), nil
	for n := range user.MaxPermissions {
		long.Scopes = append(long.Scopes, strings.Repeat("x", 60)+fmt.Sprint(100+n))
	}
	for _, want := range []apitoken.Token{fullAPIToken(), long, {ID: id(90), UserID: owner.ID}} {
		must(t, s.APITokens().Create(t.Context(), want, 10))
		got, u, err := s.APITokens().ByHash(t.Context(), want.Hash)
		must(t, err)
		same(t, "token", got, want)
		same(t, "its user", u, owner)
	}
	changed, err := s.Users().Update(t.Context(), owner.ID, func(u *user.User) error { u.Permissions = []string{"read"}; return nil })
	must(t, err)
	_, u, err := s.APITokens().ByHash(t.Context(), long.Hash)
	must(t, err)
	same(t, "the user of a token after they changed", u, changed)
}

func apiTokensTimes(t *testing.T, s Store) {
	addPeople(t, s, 1)
	odd, even := noon.Add(1_999_999).In(time.FixedZone("elsewhere", 3600)), noon.Add(time.Millisecond)
	for n, times := range [][2]time.Time{{odd, even}, {}, {time.Unix(-1, 500_000), time.Unix(-1, 0).UTC()}} {
		give, want := script(n, id(1)), script(n, id(1))
		give.CreatedAt, give.ExpiresAt, give.UsedAt = times[0], times[0], times[0]
		want.CreatedAt, want.ExpiresAt, want.UsedAt = times[1], times[1], times[1]
		must(t, s.APITokens().Create(t.Context(), give, 10))
		got, _, err := s.APITokens().ByHash(t.Context(), give.Hash)
		must(t, err)
		same(t, "token", got, want)
		same(t, "whether it never expires", got.ExpiresAt.IsZero(), times[1].IsZero())
	}
}

func apiTokensCopies(t *testing.T, s Store) {
	must(t, s.Users().Create(t.Context(), somebody()))
	give := fullAPIToken()
	must(t, s.APITokens().Create(t.Context(), give, 10))
	give.Scopes[0] = "spoilt"
	for range 2 {
		got, u, err := s.APITokens().ByHash(t.Context(), give.Hash)
		must(t, err)
		same(t, "token after others were changed", got, fullAPIToken())
		same(t, "user after others were changed", u, somebody())
		got.Scopes[0], u.Permissions[0], u.Ban.Reason = "spoilt", "spoilt", "spoilt"
		list, err := s.APITokens().ByUser(t.Context(), id(1))
		must(t, err)
		same(t, "tokens after others were changed", list, []apitoken.Token{fullAPIToken()})
		list[0].Scopes[0] = "spoilt"
	}
}

func apiTokensMisses(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	one := script(1, id(1))
	must(t, s.APITokens().Create(t.Context(), one, 10))
	near := one.Hash
	near[31] ^= 1
	for _, h := range [][32]byte{{}, hashOf("x"), near} {
		_, _, err := s.APITokens().ByHash(t.Context(), h)
		wantFault(t, err, fault.NotFound, "token_unknown")
	}
	for _, missing := range []string{"", id(5), "%", one.Name} {
		wantFault(t, s.APITokens().Touch(t.Context(), missing, noon), fault.NotFound, "token_unknown")
		_, err := s.APITokens().Delete(t.Context(), id(1), missing)
		wantFault(t, err, fault.NotFound, "token_unknown")
	}
	for _, nobody := range []string{"", id(9), "%", "person1"} {
		wantFault(t, s.APITokens().Create(t.Context(), script(2, nobody), 10), fault.NotFound, "user_unknown")
		wantFault(t, s.APITokens().Create(t.Context(), script(2, nobody), 0), fault.NotFound, "user_unknown")
		list, err := s.APITokens().ByUser(t.Context(), nobody)
		must(t, err)
		same(t, "tokens of nobody", len(list), 0)
	}
	for _, thief := range []string{id(2), "", id(9), "%"} { // who does not own it does not learn that it is there
		_, err := s.APITokens().Delete(t.Context(), thief, one.ID)
		wantFault(t, err, fault.NotFound, "token_unknown")
		_, absent := s.APITokens().Delete(t.Context(), thief, id(5))
		same(t, "what a thief is told", fmt.Sprint(err), fmt.Sprint(absent))
	}
	got, _, err := s.APITokens().ByHash(t.Context(), one.Hash)
	must(t, err)
	same(t, "token after misses", got, one)
}

func apiTokensClash(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	first := script(1, id(1))
	must(t, s.APITokens().Create(t.Context(), first, 10))
	for _, owner := range []string{id(1), id(2)} {
		sameID, sameHash := script(2, owner), script(2, owner)
		sameID.ID, sameHash.Hash = first.ID, first.Hash
		wantFault(t, s.APITokens().Create(t.Context(), sameID, 10), fault.Conflict, "id_taken")
		wantFault(t, s.APITokens().Create(t.Context(), sameHash, 10), fault.Conflict, "hash_taken")
	}
	got, u, err := s.APITokens().ByHash(t.Context(), first.Hash)
	must(t, err)
	same(t, "token after clashes", got, first)
	same(t, "its user after clashes", u, person(1))
	list, err := s.APITokens().ByUser(t.Context(), id(2))
	must(t, err)
	same(t, "tokens of who lost", len(list), 0)
	_, _, err = s.APITokens().ByHash(t.Context(), script(2, "").Hash)
	wantFault(t, err, fault.NotFound, "")
}

func apiTokensLimit(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	for _, none := range []int{0, -1} {
		wantFault(t, s.APITokens().Create(t.Context(), script(1, id(1)), none), fault.Conflict, "too_many")
	}
	expired := script(1, id(1))
	expired.ExpiresAt = noon
	must(t, s.APITokens().Create(t.Context(), expired, 2))
	must(t, s.APITokens().Create(t.Context(), script(2, id(1)), 2))
	wantFault(t, s.APITokens().Create(t.Context(), script(3, id(1)), 2), fault.Conflict, "too_many")
	_, _, err := s.APITokens().ByHash(t.Context(), script(3, "").Hash)
	wantFault(t, err, fault.NotFound, "token_unknown")
	must(t, s.APITokens().Create(t.Context(), script(4, id(2)), 1)) // others' are not counted
	must(t, s.APITokens().Create(t.Context(), script(5, id(1)), 3))
	wantFault(t, s.APITokens().Create(t.Context(), script(6, id(1)), 1), fault.Conflict, "too_many")
	_, err = s.APITokens().Delete(t.Context(), id(1), expired.ID)
	must(t, err)
	must(t, s.APITokens().Create(t.Context(), script(3, id(1)), 3)) // one that went makes room
	list, err := s.APITokens().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "tokens", len(list), 3)
}

func apiTokensByUser(t *testing.T, s Store) {
	addPeople(t, s, 1, 2, 3)
	var made []apitoken.Token
	for n, minutes := range []int{5, 20, 10, 10, 0} { // not in their order
		one := script(n, id(1))
		one.CreatedAt = noon.Add(time.Duration(minutes) * time.Minute)
		one.UsedAt = noon.Add(-time.Duration(minutes) * time.Minute)
		must(t, s.APITokens().Create(t.Context(), one, 10))
		made = append(made, one)
	}
	must(t, s.APITokens().Create(t.Context(), script(9, id(2)), 10))
	got, err := s.APITokens().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "tokens, the newest first", got, []apitoken.Token{made[1], made[3], made[2], made[0], made[4]})
	for _, none := range []string{id(3), id(4), "", "%"} {
		got, err = s.APITokens().ByUser(t.Context(), none)
		must(t, err)
		same(t, "tokens of somebody without", len(got), 0)
	}
}

func apiTokensAlive(t *testing.T, s Store) {
	owner := somebody()
	must(t, s.Users().Create(t.Context(), owner))
	addPeople(t, s, 2, 3)
	now := noon.Add(time.Hour)
	owners := map[string]user.User{owner.ID: owner, id(2): person(2)}
	var want []ports.UsersToken
	for n, expires := range []time.Time{ // made in an order that is not that of the ids
		{}, now.Add(-time.Hour), now, now.Add(time.Millisecond), now.Add(time.Hour), {}, now.Add(-time.Millisecond),
	} {
		one := script(20-n, []string{owner.ID, id(2)}[n%2])
		one.ExpiresAt = expires.UTC()
		must(t, s.APITokens().Create(t.Context(), one, 100))
		if one.Alive(now) {
			want = append([]ports.UsersToken{{Token: one, User: owners[one.UserID]}}, want...)
		}
	}
	same(t, "tokens that are alive", len(want), 4)
	got, err := s.APITokens().Alive(t.Context(), now.Add(999_999), "", 0) // within the same millisecond
	must(t, err)
	same(t, "tokens of all users, by id", got, want)
	got[0].Token.Scopes[0], got[0].User.Name = "spoilt", user.Name{}
	var paged []ports.UsersToken
	after := ""
	for range want {
		page, err := s.APITokens().Alive(t.Context(), now, after, 1)
		must(t, err)
		same(t, "tokens of a page", len(page), 1)
		paged, after = append(paged, page...), page[0].Token.ID
	}
	same(t, "tokens one by one", paged, want)
	for _, behind := range []string{after, "~"} {
		page, err := s.APITokens().Alive(t.Context(), now, behind, 0)
		must(t, err)
		same(t, "tokens behind the last one", len(page), 0)
	}
	for n := range 60 {
		must(t, s.APITokens().Create(t.Context(), script(100+n, id(3)), 100))
	}
	for limit, many := range map[int]int{0: 50, -1: 50, 51: 51, 5000: 64} {
		page, err := s.APITokens().Alive(t.Context(), now, "", limit)
		must(t, err)
		same(t, "tokens of a page", len(page), many)
	}
	must(t, s.Users().Delete(t.Context(), id(3)))
	page, err := s.APITokens().Alive(t.Context(), now, "", 1000)
	must(t, err)
	same(t, "tokens after their user was deleted", page, want)
}

func apiTokensTouch(t *testing.T, s Store) {
	addPeople(t, s, 1)
	want, bystander := script(1, id(1)), script(2, id(1))
	must(t, s.APITokens().Create(t.Context(), want, 10))
	must(t, s.APITokens().Create(t.Context(), bystander, 10))
	for _, step := range []struct{ at, want time.Time }{
		{noon.Add(time.Minute), noon.Add(time.Minute)},
		{noon.Add(time.Hour + 999_999).In(time.FixedZone("", 3600)), noon.Add(time.Hour)},
		{noon.Add(time.Minute), noon.Add(time.Hour)}, // it came late
		{time.Time{}, noon.Add(time.Hour)},
		{noon.Add(time.Hour + time.Millisecond), noon.Add(time.Hour + time.Millisecond)},
	} {
		must(t, s.APITokens().Touch(t.Context(), want.ID, step.at))
		want.UsedAt = step.want
		got, _, err := s.APITokens().ByHash(t.Context(), want.Hash)
		must(t, err)
		same(t, "token that was used", got, want)
	}
	for _, err := range parallel(callers, func(n int) error {
		return s.APITokens().Touch(t.Context(), want.ID, noon.Add(time.Duration((n*7)%callers)*24*time.Hour))
	}) {
		must(t, err)
	}
	want.UsedAt = noon.Add((callers - 1) * 24 * time.Hour)
	list, err := s.APITokens().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "tokens, with the latest of many uses at once", list, []apitoken.Token{bystander, want})
}

func apiTokensDelete(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	one, other := fullAPIToken(), script(2, id(1))
	must(t, s.APITokens().Create(t.Context(), one, 10))
	must(t, s.APITokens().Create(t.Context(), other, 10))
	got, err := s.APITokens().Delete(t.Context(), id(1), one.ID)
	must(t, err)
	same(t, "the token that was deleted", got, one)
	_, err = s.APITokens().Delete(t.Context(), id(1), one.ID)
	wantFault(t, err, fault.NotFound, "token_unknown")
	_, _, err = s.APITokens().ByHash(t.Context(), one.Hash)
	wantFault(t, err, fault.NotFound, "token_unknown")
	wantFault(t, s.APITokens().Touch(t.Context(), one.ID, noon), fault.NotFound, "token_unknown")
	list, err := s.APITokens().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "tokens left", list, []apitoken.Token{other})
	one.UserID = id(2)
	must(t, s.APITokens().Create(t.Context(), one, 10)) // its id and secret are free again
	_, u, err := s.APITokens().ByHash(t.Context(), one.Hash)
	must(t, err)
	same(t, "whose it is now", u, person(2))
}

func apiTokensExpired(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	now := noon.Add(time.Hour)
	var want []apitoken.Token
	for n, expires := range []time.Time{
		{}, now.Add(-time.Hour), now.Add(-time.Millisecond), now, now.Add(time.Millisecond), now.Add(time.Hour), time.Unix(0, 0),
	} {
		one := script(n, id(1+n%2))
		one.ExpiresAt = expires.UTC()
		must(t, s.APITokens().Create(t.Context(), one, 100))
		if one.Alive(now) {
			want = append(want, one)
		}
	}
	same(t, "tokens that are alive", len(want), 3)
	n, err := s.APITokens().DeleteExpired(t.Context(), now.Add(999_999)) // within the same millisecond
	must(t, err)
	same(t, "tokens deleted", n, 4)
	var left []apitoken.Token
	for _, owner := range []string{id(1), id(2)} {
		list, err := s.APITokens().ByUser(t.Context(), owner)
		must(t, err)
		left = append(left, list...)
	}
	slices.SortFunc(left, func(a, b apitoken.Token) int { return strings.Compare(a.ID, b.ID) })
	same(t, "tokens left", left, want)
	n, err = s.APITokens().DeleteExpired(t.Context(), now)
	must(t, err)
	same(t, "tokens deleted the second time", n, 0)
	_, _, err = s.APITokens().ByHash(t.Context(), script(1, "").Hash)
	wantFault(t, err, fault.NotFound, "token_unknown")
	got, _, err := s.APITokens().ByHash(t.Context(), want[0].Hash)
	must(t, err)
	same(t, "a token that never expires", got, want[0])
}

func apiTokensOfDeleted(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	for n, owner := range []int{1, 1, 2} {
		must(t, s.APITokens().Create(t.Context(), script(n, id(owner)), 10))
	}
	must(t, s.Users().Delete(t.Context(), id(1)))
	for n := range 2 {
		_, _, err := s.APITokens().ByHash(t.Context(), script(n, "").Hash)
		wantFault(t, err, fault.NotFound, "token_unknown")
		wantFault(t, s.APITokens().Touch(t.Context(), script(n, "").ID, noon), fault.NotFound, "token_unknown")
	}
	addPeople(t, s, 1)
	list, err := s.APITokens().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "tokens of a new user with the id", len(list), 0)
	list, err = s.APITokens().ByUser(t.Context(), id(2))
	must(t, err)
	same(t, "tokens of another user", list, []apitoken.Token{script(2, id(2))})
	must(t, s.APITokens().Create(t.Context(), script(0, id(1)), 1)) // nothing is left that would count or clash
}

// A token that is made while its user is deleted is either refused or gone.
func apiTokensOrphans(t *testing.T, s Store) {
	addPeople(t, s, 1)
	for n, err := range parallel(callers, func(n int) error {
		if n == callers/2 {
			return s.Users().Delete(t.Context(), id(1))
		}
		return s.APITokens().Create(t.Context(), script(n, id(1)), 1000)
	}) {
		if err != nil && (n == callers/2 || fault.KindOf(err) != fault.NotFound) {
			t.Errorf("caller %d got %v", n, err)
		}
	}
	list, err := s.APITokens().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "tokens of a user who is gone", len(list), 0)
	for n := range callers {
		_, _, err := s.APITokens().ByHash(t.Context(), script(n, "").Hash)
		wantFault(t, err, fault.NotFound, "token_unknown")
	}
}
