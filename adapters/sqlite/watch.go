package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// pollEvery is how often a store that writes nothing looks whether somebody else
// did.
const pollEvery = 200 * time.Millisecond

// watch notices commits of other connections than the one that writes, which
// are those of other processes: readers of this one commit nothing. PRAGMA
// data_version tells, as seen by one connection, whether others committed.
type watch struct {
	write   *writer
	version int64 // as last seen; only who has the turn touches it

	changed chan struct{} // holds a value when there is something to tell
	quit    chan struct{}
	gone    chan struct{} // closed when the goroutine has ended; nil when there is none

	mu    sync.Mutex
	calls []func()
}

func newWatch(w *writer) *watch {
	return &watch{write: w, changed: make(chan struct{}, 1), quit: make(chan struct{})}
}

// OnForeignChange has a function called whenever another process has committed
// something to the file: within 200 ms, and soon after this process' own next
// write begins. Several commits may make one call, and own ones make none; a
// checkpoint of another process may make one too. Calls come one at a time from a
// goroutine of the store, and must not close it.
func (s *Store) OnForeignChange(call func()) {
	w := s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	if w.gone != nil || s.write.take(context.Background()) != nil {
		return
	}
	defer s.write.pass()
	w.gone = make(chan struct{})
	w.version, _ = w.read(context.Background(), s.write.db)
	s.write.began = func(ctx context.Context, tx *sql.Tx) { w.look(ctx, tx) }
	go w.run()
}

// run polls and calls until stop.
func (w *watch) run() {
	defer close(w.gone)
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-ticker.C:
			if w.write.tryTake() { // else a write is under way, and has looked
				w.look(context.Background(), w.write.db)
				w.write.pass()
			}
		case <-w.changed:
			w.mu.Lock()
			calls := w.calls
			w.mu.Unlock()
			for _, call := range calls {
				call()
			}
		}
	}
}

// stop ends the goroutine and waits for it.
func (w *watch) stop() {
	close(w.quit)
	w.mu.Lock()
	gone := w.gone
	w.mu.Unlock()
	if gone != nil {
		<-gone
	}
}

// look compares the version with the last one. Only who has the turn calls it.
func (w *watch) look(ctx context.Context, q rowQuerier) {
	version, err := w.read(ctx, q)
	if err != nil || version == w.version { // on an error the next look tells
		return
	}
	w.version = version
	select {
	case w.changed <- struct{}{}:
	default: // told already
	}
}

func (w *watch) read(ctx context.Context, q rowQuerier) (version int64, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version)
	return version, err
}

// rowQuerier is a *sql.DB or a *sql.Tx.
type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}
