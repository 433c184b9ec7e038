package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// maxBatch is how many writes are committed together at most, so that the first
// of them does not wait for ever while new ones keep coming.
const maxBatch = 256

// errClosed is what a call gets after Close.
var errClosed = fault.New(fault.Unavailable, "store_closed", "the store is closed")

// A writer runs writes one after the other over the one connection that writes,
// and commits those that come at the same time together: a commit costs a sync
// of the disk whatever its size.
//
// There is no goroutine behind it. Whoever calls Write waits for the turn, which
// callers hand to each other in the order they came, and runs their work
// themselves, in the transaction that the one before left open. Who finds
// nobody waiting after them commits for all, and all return. So a caller who is
// alone pays for nothing but their own transaction, and under load each commit
// takes whatever queued up during the one before.
//
// Each work but the first of a transaction runs in a savepoint and fails alone.
// When the commit fails, everybody in it gets the error. When a transaction cannot
// begin, because another process holds the lock, so does everybody who waited
// meanwhile: one after the other they would each wait as long again.
type writer struct {
	db      *sql.DB           // with one connection
	failure func(error) error // makes a fault of an error of the driver
	// began, unless it is nil, is called in each transaction before the first work,
	// by whoever has the turn.
	began func(ctx context.Context, tx *sql.Tx)

	// Only who has the turn touches these.
	batch     *batch    // the open transaction
	refusal   error     // why the latest transaction could not begin
	refusedAt time.Time // when

	mu     sync.Mutex
	busy   bool            // somebody has the turn
	queue  []chan struct{} // who waits for it; closed to hand it over
	closed bool
}

// batch is a transaction and everybody whose work is in it.
type batch struct {
	tx   *sql.Tx
	size int           // how many works are in it and succeeded
	done chan struct{} // closed when it has ended
	err  error         // how; read after done
}

// Write implements sqlstore.Writer. A caller whose ctx ends while it waits for
// the turn leaves, and nothing is written. Once its work runs, ctx is not looked
// at any more: the call returns when it is certain what became of the work. How
// long that takes is bounded by the busy timeout and the disk.
func (w *writer) Write(ctx context.Context, work func(ctx context.Context, tx *sql.Tx) error) error {
	came := time.Now()
	if err := w.take(ctx); err != nil {
		return err
	}
	if w.refusedAt.After(came) {
		defer w.pass()
		return w.refusal
	}
	b, err := w.run(ctx, work)
	if err != nil {
		return err
	}
	<-b.done
	return b.err
}

// run does the work in the open transaction, or in a new one, and hands the turn
// on. It does so too when the work panics or ends its goroutine.
func (w *writer) run(ctx context.Context, work func(ctx context.Context, tx *sql.Tx) error) (*batch, error) {
	defer w.pass()
	ctx = context.WithoutCancel(ctx) // an interrupted statement would undo everybody's work
	b := w.batch
	if b == nil {
		tx, err := w.db.BeginTx(ctx, nil)
		if err != nil {
			w.refusal, w.refusedAt = w.failure(err), time.Now()
			return nil, w.refusal
		}
		b = &batch{tx: tx, done: make(chan struct{})}
		w.batch = b
	}
	finished := false
	defer func() {
		if !finished {
			w.undo(ctx, b)
		}
	}()
	if b.size > 0 {
		if _, err := b.tx.ExecContext(ctx, "SAVEPOINT work"); err != nil {
			return nil, w.failure(err)
		}
	} else if w.began != nil {
		w.began(ctx, b.tx)
	}
	if err := work(ctx, b.tx); err != nil {
		return nil, err
	}
	if b.size > 0 {
		if _, err := b.tx.ExecContext(ctx, "RELEASE work"); err != nil {
			return nil, w.failure(err)
		}
	}
	finished = true
	b.size++
	return b, nil
}

// undo takes back a work that failed, and leaves what others did before it in
// the same transaction. After some errors, such as a full disk, SQLite has
// ended the whole transaction by itself; then nothing of it was written, and
// everybody in it gets to know.
func (w *writer) undo(ctx context.Context, b *batch) {
	if b.size > 0 {
		_, err := b.tx.ExecContext(ctx, "ROLLBACK TO work; RELEASE work")
		if err == nil {
			return
		}
		b.err = fault.Wrap(err, fault.Unavailable, "store_rolled_back", "the write was undone with another one that failed; try again")
	}
	_ = b.tx.Rollback() // fails only when there is nothing left to roll back
	w.batch = nil
	close(b.done)
}

// commit ends the open transaction.
func (w *writer) commit() {
	b := w.batch
	w.batch = nil
	if err := b.tx.Commit(); err != nil {
		b.err = w.failure(err)
	}
	close(b.done)
}

// take waits for the turn.
func (w *writer) take(ctx context.Context) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	if !w.busy {
		w.busy = true
		w.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w.queue = append(w.queue, turn)
	w.mu.Unlock()
	select {
	case <-turn:
	case <-ctx.Done():
		if w.leave(turn) {
			return ports.Ended(ctx)
		}
		<-turn // it came at the same moment
	}
	if err := ports.Ended(ctx); err != nil {
		w.pass()
		return err
	}
	return nil
}

// tryTake takes the turn if nobody has it.
func (w *writer) tryTake() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy || w.closed {
		return false
	}
	w.busy = true
	return true
}

// leave takes somebody out of the queue, and reports whether they were still in
// it.
func (w *writer) leave(turn chan struct{}) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, turn)
	if i < 0 {
		return false
	}
	w.queue = slices.Delete(w.queue, i, i+1)
	return true
}

// pass commits, unless somebody waits whose work fits into the same
// transaction, and hands the turn on.
func (w *writer) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b := w.batch; b != nil && (len(w.queue) == 0 || b.size >= maxBatch) {
		w.mu.Unlock()
		w.commit()
		w.mu.Lock()
	}
	if len(w.queue) == 0 {
		w.busy = false
		return
	}
	turn := w.queue[0]
	w.queue[0] = nil
	w.queue = w.queue[1:]
	close(turn)
}

// shut lets nobody new in and returns, with the turn, when everybody in the
// queue is done. It reports false when the writer is shut already.
func (w *writer) shut() bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	w.closed = true
	if !w.busy {
		w.busy = true
		w.mu.Unlock()
		return true
	}
	turn := make(chan struct{})
	w.queue = append(w.queue, turn)
	w.mu.Unlock()
	<-turn
	if w.batch != nil {
		w.commit()
	}
	return true
}
