package auth

import (
	"sync"
	"time"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// How often bundles are made, at most and at least.
const (
	BundlePause = 100 * time.Millisecond // between two; what changes meanwhile shares one
	bundleRetry = time.Second            // after one could not be made
	bundleCheck = time.Minute            // what time alone changes, such as a ban that lapses, is looked for
	rebaseEvery = time.Hour              // then whole bundles are given out, so that verifiers forget what has expired
	reissueAt   = 4                      // a bundle is followed by another one when the fourth part of its life is over
)

// The bounds of what is kept for deltas. Who asks for more gets the whole bundle.
const (
	maxLogged = 8192 // marks
	maxIssued = 1024 // numbers
	maxDeltas = 64   // that are kept as signed
)

// bundles is the bundle that is current, and what has happened since.
type bundles struct {
	turn chan struct{} // holds a value while somebody makes or signs one

	// Whoever changes something takes only this lock, and holds it for an instant.
	mu      sync.Mutex
	stale   bool          // something may have changed since the content was last read
	changed chan struct{} // closed while stale
	blind   bool          // what another process changed could not be read
	rekeyed bool          // the keys that sign bundles may have changed
	asked   bool          // somebody wants bundles: until then nothing is logged
	log     []token.Mark  // the marks since the whole bundle that deltas build on
	before  int           // how many marks there were before those of log

	// The rest is for whoever has the turn, and under mu too where it is written.
	seed     edge.Seed
	ring     *bundleRing
	current  *issue
	content  *edge.Bundle // what current says besides its marks; it never changes
	digest   [32]byte     // of content, and of who signs
	issues   []issued     // the numbers that a delta can begin at, ascending; the last one is current's
	deltas   map[int64]*Bundle
	rebased  time.Time // when the first of issues was made
	checked  time.Time // when the content was last found to be as it is
	tried    time.Time // when one was last made, or would have been
	failed   error     // and why it could not be
	wholesAt time.Time // when the latest whole bundle was signed
	whole    *Bundle   // that one; perhaps of a number before current's
}

// issue is a number that was given out.
type issue struct {
	issued
	issuedAt, expires time.Time // in whole seconds
}

// issued is a number and how many marks there had been when it was given out.
type issued struct {
	number int64
	marks  int
}

func (b *bundles) start() {
	b.turn, b.changed = make(chan struct{}, 1), make(chan struct{})
}

// add notes a mark that was added to the others, whose lock the caller holds.
func (b *bundles) add(m token.Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked {
		if len(b.log) == maxLogged {
			half := len(b.log) / 2
			b.before += half
			b.log = append(b.log[:0], b.log[half:]...)
		}
		b.log = append(b.log, m)
	}
	b.touch()
}

// touch makes what is current stale, and wakes who waits. The caller holds mu.
func (b *bundles) touch() {
	if !b.stale {
		b.stale = true
		close(b.changed)
	}
}

// fresh takes staleness back. The caller holds mu.
func (b *bundles) fresh() {
	if b.stale {
		b.stale, b.changed = false, make(chan struct{})
	}
}

// loaded notes that what other processes changed was read, or could not be.
func (b *bundles) loaded(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blind, b.rekeyed = !ok, true
	b.touch()
}

// bundleHolders notes that users or their API tokens may have changed.
func (s *Service) bundleHolders() {
	if !s.carries() {
		return
	}
	s.bundles.mu.Lock()
	defer s.bundles.mu.Unlock()
	s.bundles.touch()
}

// due reports whether another bundle should be made, or at least looked for. The
// caller holds mu.
func (b *bundles) due(now time.Time, life time.Duration) bool {
	pause := BundlePause
	if b.failed != nil {
		pause = bundleRetry
	}
	if since := now.Sub(b.tried); since >= 0 && since < pause {
		return false
	}
	c := b.current
	return c == nil || b.stale || now.Sub(c.issuedAt) >= life/reissueAt || now.Before(c.issuedAt) || now.Sub(b.checked) >= bundleCheck
}

// since returns the marks since a number, if a delta can begin at it.
func (b *bundles) since(number int64) (marks []token.Mark, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.issues {
		if at := &b.issues[i]; at.number == number && at.marks >= b.before {
			return append(marks, b.log[at.marks-b.before:]...), true
		}
	}
	return nil, false
}
