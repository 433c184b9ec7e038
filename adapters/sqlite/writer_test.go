package sqlite_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// occupy makes a write that keeps the turn until the returned function is
// called. That function returns the write's error.
func occupy(t *testing.T, store *sqlite.Store, change func(*user.User) error) (release func() error) {
	t.Helper()
	begun, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := store.Users().Update(context.Background(), somebody(0).ID, func(u *user.User) error {
			close(begun)
			<-free
			return change(u)
		})
		done <- err
	}()
	<-begun
	return func() error {
		close(free)
		return <-done
	}
}

// queue starts a write and returns when it waits for its turn, as the nth.
func queue(t *testing.T, store *sqlite.Store, n int, write func() error) (result func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- write() }()
	eventually(t, "the write waits", func() bool { return sqlite.Waiting(store) == n })
	return func() error { return <-done }
}

// Of writes that share a transaction each fails alone.
func TestWrite_fails_alone(t *testing.T) {
	store := fresh(t)
	if err := create(t.Context(), store, 0); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused on purpose")
	release := occupy(t, store, func(u *user.User) error { u.PasswordHash = "first"; return nil })
	update := func(change func(*user.User) error) func() error {
		return func() error {
			_, err := store.Users().Update(context.Background(), somebody(0).ID, change)
			return err
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	good1 := queue(t, store, 1, func() error { return create(context.Background(), store, 1) })
	fails := queue(t, store, 2, update(func(u *user.User) error { u.Tenant = "fails"; return refused }))
	panics := queue(t, store, 3, func() (err error) {
		defer func() {
			if recover() != nil {
				err = refused
			}
		}()
		return update(func(u *user.User) error { u.Tenant = "panics"; panic("on purpose") })()
	})
	clashes := queue(t, store, 4, func() error { return create(context.Background(), store, 1) })
	leaves := queue(t, store, 5, func() error { return create(ended, store, 5) })
	halfway := queue(t, store, 6, func() error {
		return store.Audit().Record(context.Background(), ports.Event{ID: "event"}, ports.Event{ID: "event"})
	})
	good2 := queue(t, store, 7, func() error { return create(context.Background(), store, 2) })
	cancel()
	if err := leaves(); !errors.Is(err, context.Canceled) {
		t.Errorf("a write whose context ended while it waited returned %v", err)
	}
	for what, got := range map[string]error{"first": release(), "second": good1(), "last": good2()} {
		if got != nil {
			t.Errorf("the %s write failed: %v", what, got)
		}
	}
	for what, got := range map[string]error{"failing": fails(), "panicking": panics()} {
		if got != refused { //nolint:errorlint // the function's own error comes back unwrapped
			t.Errorf("the %s write returned %v", what, got)
		}
	}
	wantFault(t, clashes(), fault.Conflict, "id_taken")
	wantFault(t, halfway(), fault.Conflict, "id_taken")
	if events, err := store.Directory().Log(tenant.Every()).Search(t.Context(), ports.EventQuery{}); err != nil || len(events) > 0 {
		t.Errorf("of a write that failed halfway there is %v, %v", events, err)
	}
	has(t, store, 1, true)
	has(t, store, 2, true)
	has(t, store, 5, false)
	u, err := store.Users().ByID(t.Context(), somebody(0).ID)
	if err != nil || u.PasswordHash != "first" || u.Tenant != tenant.Default {
		t.Errorf("the updated user is %+v, %v", u, err)
	}
}

// When the commit fails, nobody in it is told that all is well.
func TestWrite_commit_fails(t *testing.T) {
	store := fresh(t)
	if err := create(t.Context(), store, 0); err != nil {
		t.Fatal(err)
	}
	release := occupy(t, store, func(u *user.User) error { u.Tenant = "lost"; return nil })
	before := queue(t, store, 1, func() error { return create(context.Background(), store, 1) })
	culprit := queue(t, store, 2, func() error {
		return sqlite.Write(context.Background(), store, "PRAGMA defer_foreign_keys = ON", // broken only at the commit
			"INSERT INTO user_permissions (permission, user_id) VALUES ('admin', 'nobody')")
	})
	after := queue(t, store, 3, func() error { return create(context.Background(), store, 2) })
	for what, err := range map[string]error{"first": release(), "second": before(), "third": culprit(), "last": after()} {
		if err == nil {
			t.Errorf("the %s write was acknowledged", what)
		}
	}
	has(t, store, 1, false)
	has(t, store, 2, false)
	if u, err := store.Users().ByID(t.Context(), somebody(0).ID); err != nil || u.Tenant != tenant.Default {
		t.Errorf("the user is %+v, %v", u, err)
	}
	if err := create(t.Context(), store, 1); err != nil {
		t.Errorf("the next write: %v", err)
	}
}

// The first write of a transaction has no savepoint; others begin after it.
func TestWrite_first_fails(t *testing.T) {
	store := fresh(t)
	if err := create(t.Context(), store, 0); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused on purpose")
	release := occupy(t, store, func(u *user.User) error { u.Tenant = "fails"; return refused })
	second := queue(t, store, 1, func() error { return create(context.Background(), store, 1) })
	if err := release(); err != refused { //nolint:errorlint // see above
		t.Errorf("the first write returned %v", err)
	}
	if err := second(); err != nil {
		t.Error(err)
	}
	has(t, store, 1, true)
	if u, err := store.Users().ByID(t.Context(), somebody(0).ID); err != nil || u.Tenant != tenant.Default {
		t.Errorf("the user is %+v, %v", u, err)
	}
}

// The last one in the queue leaves just when the others rely on it to commit.
func TestWrite_last_leaves(t *testing.T) {
	store := fresh(t)
	if err := create(t.Context(), store, 0); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 300; n++ {
		release := occupy(t, store, func(*user.User) error { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		last := queue(t, store, 1, func() error { return create(ctx, store, n) })
		go cancel()
		if err := release(); err != nil {
			t.Fatal(err)
		}
		err := last()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		has(t, store, n, err == nil)
	}
}

// Many callers that come and go: what was acknowledged is there, nothing else is.
func TestWrite_crowd(t *testing.T) {
	store := fresh(t)
	const goroutines, each = 64, 20
	acknowledged := make([]bool, goroutines*each)
	var wait sync.WaitGroup
	for g := range goroutines {
		wait.Go(func() {
			for i := range each {
				n := g*each + i
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%7)*time.Millisecond)
				err := create(ctx, store, n)
				cancel()
				acknowledged[n] = err == nil
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	count := 0
	for n, there := range acknowledged {
		has(t, store, n, there)
		if there {
			count++
		}
	}
	if count == 0 || count == len(acknowledged) {
		t.Errorf("%d of %d writes were in time: the test shows nothing", count, len(acknowledged))
	}
}

// Another process that holds the lock makes writes Unavailable, and no reads.
func TestWrite_locked(t *testing.T) {
	const callers = 20 // who do not wait one after the other
	path := t.TempDir() + "/hexward.db"
	store := open(t, path, sqlite.WithBusyTimeout(100*time.Millisecond))
	if err := create(t.Context(), store, 1); err != nil {
		t.Fatal(err)
	}
	other := outside(t, path)
	run(t, other, "BEGIN EXCLUSIVE")
	began := time.Now()
	errs := make(chan error, callers)
	for n := range callers {
		go func() { errs <- create(context.Background(), store, 100+n) }()
	}
	has(t, store, 1, true)
	for range callers {
		wantFault(t, <-errs, fault.Unavailable, "store_locked")
	}
	if took := time.Since(began); took < 100*time.Millisecond || took > time.Second {
		t.Errorf("it took %v to give up", took)
	}
	run(t, other, "ROLLBACK")
	for n := range callers {
		has(t, store, 100+n, false)
		if err := create(t.Context(), store, 100+n); err != nil {
			t.Errorf("after the lock was given back: %v", err)
		}
	}
	t.Run("for_less_than_the_busy_timeout", func(t *testing.T) {
		patient := open(t, path)
		run(t, other, "BEGIN IMMEDIATE")
		time.AfterFunc(50*time.Millisecond, func() { _, _ = other.ExecContext(context.Background(), "ROLLBACK") })
		if err := create(t.Context(), patient, 20); err != nil {
			t.Error(err)
		}
	})
}

// A full disk makes writes Unavailable, nothing is acknowledged that is not
// there, and when there is room again all is well.
func TestWrite_full(t *testing.T) {
	store := fresh(t)
	for _, n := range []int{0, 50, 51} {
		if err := create(t.Context(), store, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlite.SetMaxPages(store, 1); err != nil { // SQLite takes the present size for it
		t.Fatal(err)
	}
	big := func(n int) error {
		u := somebody(n)
		u.PasswordHash = strings.Repeat("x", 100_000)
		return store.Users().Create(context.Background(), u)
	}
	wantFault(t, big(1), fault.Unavailable, "store_full")
	has(t, store, 1, false)

	// Small changes that would fit share a transaction with a write that does not.
	release := occupy(t, store, func(u *user.User) error { u.Tenant = "changed"; return nil })
	early := queue(t, store, 1, func() error { return store.Users().Delete(context.Background(), somebody(50).ID) })
	tooBig := queue(t, store, 2, func() error { return big(4) })
	late := queue(t, store, 3, func() error {
		_, err := store.Users().Update(context.Background(), somebody(51).ID, func(u *user.User) error { u.Tenant = "changed"; return nil })
		return err
	})
	first, earlyErr, bigErr, lateErr := release(), early(), tooBig(), late()
	wantFault(t, bigErr, fault.Unavailable, "store_full")
	for n, err := range []error{first, earlyErr, lateErr} {
		if err != nil && fault.KindOf(err) != fault.Unavailable {
			t.Errorf("write %d that shared the transaction: %v", n, err)
		}
	}
	has(t, store, 4, false)
	has(t, store, 50, earlyErr != nil)
	for n, err := range map[int]error{0: first, 51: lateErr} {
		u, readErr := store.Users().ByID(t.Context(), somebody(n).ID)
		if readErr != nil || (u.Tenant == "changed") != (err == nil) {
			t.Errorf("user %d is %+v, %v; their change returned %v", n, u, readErr, err)
		}
	}

	if err := sqlite.SetMaxPages(store, 1_000_000); err != nil {
		t.Fatal(err)
	}
	for n := 10; n < 14; n++ {
		if err := big(n); err != nil {
			t.Errorf("when there was room again: %v", err)
		}
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := store.Directory().People(tenant.Every()).Search(t.Context(), ports.UserQuery{})
	if err != nil {
		t.Error(err)
	}
}
