// Package porttest holds every storage adapter to the contracts of package
// ports: one suite a port, which an adapter's test runs against a fresh store
// for each case.
//
//	func TestStore(t *testing.T) {
//		porttest.All(t, func(t *testing.T) porttest.Store { return memory.New() })
//	}
//
// A bug found in one adapter becomes a case here first.
package porttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Store is every storage port over the same data.
type Store interface {
	Users() ports.Users
	Sessions() ports.Sessions
	SessionSets() ports.SessionSets
	Identities() ports.Identities
	MailTokens() ports.MailTokens
	Attempts() ports.Attempts
	Marks() ports.Marks
	Audit() ports.Audit
	Keys() ports.Keys
	BundleKeys() ports.Keys
	BundleNumbers() ports.Numbers
	Tenants() ports.Tenants
	Directory() ports.Directory
	Machines() ports.Machines
	APITokens() ports.APITokens
}

// All runs every suite. The function opens an empty store and arranges for it to
// be closed at the end of the test.
func All(t *testing.T, open func(t *testing.T) Store) {
	t.Run("Users", func(t *testing.T) { Users(t, open) })
	t.Run("Sessions", func(t *testing.T) { Sessions(t, open) })
	t.Run("SessionSets", func(t *testing.T) { SessionSets(t, open) })
	t.Run("Identities", func(t *testing.T) { Identities(t, open) })
	t.Run("MailTokens", func(t *testing.T) { MailTokens(t, open) })
	t.Run("Attempts", func(t *testing.T) { Attempts(t, open) })
	t.Run("Marks", func(t *testing.T) { Marks(t, open) })
	t.Run("Audit", func(t *testing.T) { Audit(t, open) })
	t.Run("Keys", func(t *testing.T) { Keys(t, open) })
	t.Run("Numbers", func(t *testing.T) { Numbers(t, open) })
	t.Run("Tenants", func(t *testing.T) { Tenants(t, open) })
	t.Run("People", func(t *testing.T) { People(t, open) })
	t.Run("Log", func(t *testing.T) { Log(t, open) })
	t.Run("Clients", func(t *testing.T) { Clients(t, open) })
	t.Run("Machines", func(t *testing.T) { Machines(t, open) })
	t.Run("APITokens", func(t *testing.T) { APITokens(t, open) })
}

// noon is when things happen in the suites.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// callers is how many goroutines the parallel cases have.
const callers = 32

// sameValues compares what a store returned with what it was given: an empty
// slice or map is the same as none, and times are the same only with their zone.
var sameValues = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b user.Name) bool { return a == b }),
	cmp.Comparer(func(a, b user.Email) bool { return a == b }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }),
}

// same fails the test when got is not want.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, sameValues); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// allSet fails the test unless every field of a struct is set: a fixture that is
// to show that everything is kept would not notice a field it does not have.
func allSet(t *testing.T, v any) {
	t.Helper()
	fields := reflect.ValueOf(v)
	for i := range fields.NumField() {
		if fields.Field(i).IsZero() {
			t.Errorf("%T has no %s", v, fields.Type().Field(i).Name)
		}
	}
}

// eachField changes every field of a stored value alone, but those with the names
// except, to what it is in full, and back. The function given to update is to be
// called inside an update; update returns the value as it is read afterwards.
func eachField[T any](t *testing.T, full T, except []string, update func(change func(*T)) T) {
	t.Helper()
	before := update(func(*T) {})
	for i := range reflect.TypeFor[T]().NumField() {
		name := reflect.TypeFor[T]().Field(i).Name
		if slices.Contains(except, name) {
			continue
		}
		want := before
		reflect.ValueOf(&want).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		got := update(func(one *T) {
			reflect.ValueOf(one).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		})
		same(t, "value with another "+name, got, want)
		got = update(func(one *T) {
			reflect.ValueOf(one).Elem().Field(i).Set(reflect.ValueOf(before).Field(i))
		})
		same(t, "value with its former "+name, got, before)
	}
}

// must fails the test at once on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// wantFault fails the test unless err is a fault of this kind and, if one is
// given, of this code.
func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want %s %s", kind, code)
	case fault.KindOf(err) != kind, code != "" && fault.CodeOf(err) != code:
		t.Errorf("error is %s %q (%v), want %s %q", fault.KindOf(err), fault.CodeOf(err), err, kind, code)
	}
}

// parallel runs f in many goroutines at once and returns what each returned.
func parallel(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wait.Wait()
	return errs
}

// oneWinner fails the test unless exactly one of the callers had no error and
// each other one a fault of this kind.
func oneWinner(t *testing.T, errs []error, kind fault.Kind) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if fault.KindOf(err) != kind {
			t.Errorf("a loser got %v, want %s", err, kind)
		}
	}
	if won != 1 {
		t.Errorf("%d callers won, want 1", won)
	}
}

// endedCalls checks that each call with an ended context fails as the contract
// of every port says.
func endedCalls(t *testing.T, calls map[string]func(ctx context.Context) error) {
	t.Helper()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	for name, call := range calls {
		for _, ctx := range []context.Context{canceled, late} {
			err := call(ctx)
			if err == nil {
				t.Errorf("%s with an ended context (%v) succeeded", name, ctx.Err())
			} else if !errors.Is(err, ctx.Err()) && fault.KindOf(err) != fault.Unavailable {
				t.Errorf("%s with an ended context (%v) returned %v", name, ctx.Err(), err)
			}
		}
	}
}

// unwinding runs call with functions that panic and that end their goroutine:
// neither may take the store down or write anything. The function given to call
// is to be called inside an update.
func unwinding(t *testing.T, call func(inside func())) {
	t.Helper()
	for name, inside := range map[string]func(){
		"panic":  func() { panic("on purpose") },
		"goexit": runtime.Goexit,
	} {
		done := make(chan any)
		go func() {
			defer func() { done <- recover() }()
			call(inside)
		}()
		select {
		case recovered := <-done:
			if name == "panic" && recovered == nil {
				t.Error("a panic of the function did not reach the caller")
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("after a %s in the function the call never came back", name)
		}
	}
}

// id returns the nth id, ascending, in the form of a UUIDv7.
func id(n int) string { return fmt.Sprintf("01950000-0000-7000-8000-%012d", n) }

// hashOf returns a hash that stands for a secret.
func hashOf(format string, args ...any) session.Hash {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

// person returns the nth user, of little.
func person(n int) user.User {
	name := fmt.Sprintf("person%d", n)
	return user.New(id(n), tenant.Default, user.NameOf("P"+name[1:], name), user.Email{}, "", noon)
}

// withEmail gives a user an address.
func withEmail(u user.User, address, key string) user.User {
	u.Email = user.EmailOf(address, key)
	return u
}

// withPermissions gives a user permissions.
func withPermissions(u user.User, permissions ...string) user.User {
	u.Permissions = permissions
	return u
}

// signIn returns the nth session, of a user.
func signIn(n int, userID string) session.Session {
	s := session.New(id(1000+n), userID, tenant.Default, "password", session.DefaultLife, noon)
	s.Hash = hashOf("session %d", n)
	return s
}

// addPeople adds users with the given numbers.
func addPeople(t *testing.T, s Store, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		must(t, s.Users().Create(t.Context(), person(n)))
	}
}
