package auth

import "sync/atomic"

// changes knows how long ago each user, client or tenant changed last, so that
// what is remembered about them is not used any more. Time is a number that every
// change makes greater, an epoch. Who reads facts takes the epoch first; whoever
// changes something writes to the store first, and then tells. So either the facts
// were read after the change was written, or they count as stale.
//
// It takes the same memory however many there are: subjects share places, and who
// shares one with somebody who changed is read once more.
type changes struct {
	clock  atomic.Uint64
	floor  atomic.Uint64 // facts read before this are stale, whomever they are about
	latest [changePlaces]atomic.Uint64
}

const changePlaces = 1 << 12 // 32 KiB

// epoch returns the present, for fresh.
func (c *changes) epoch() uint64 { return c.clock.Load() }

// note makes everything stale that was read about a subject by now. The caller has
// written the change, and has answered nobody yet.
func (c *changes) note(subject string) { raise(c.place(subject), c.clock.Add(1)) }

// clear makes everything stale that was read by now.
func (c *changes) clear() { raise(&c.floor, c.clock.Add(1)) }

// fresh reports whether what was read about a subject after an epoch was taken is
// good still.
func (c *changes) fresh(subject string, epoch uint64) bool {
	return epoch >= c.floor.Load() && epoch >= c.place(subject).Load()
}

// place picks by FNV-1a. Whoever makes subjects share a place has them read more
// often than needed, and no more than that.
func (c *changes) place(subject string) *atomic.Uint64 {
	h := uint64(14695981039346656037)
	for i := range len(subject) {
		h = (h ^ uint64(subject[i])) * 1099511628211
	}
	return &c.latest[(h^h>>32)%changePlaces]
}

func raise(to *atomic.Uint64, value uint64) {
	for {
		old := to.Load()
		if old >= value || to.CompareAndSwap(old, value) {
			return
		}
	}
}

// changed makes everything be found out anew that is remembered of a user or client,
// or API token, but for what marks say. It is called after
// the store was changed, or may have been, and before a mark is made and the caller
// is answered.
func (s *Service) changed(id string) {
	s.cache.forgetUser(id)
	s.changes.note(id)
	s.bundleHolders()
}

// changedWays makes what is remembered of who somebody is by another's word, or by an API token, be found out anew. It is called when
// changed is.
func (s *Service) changedWays(key string) {
	s.changes.note(key)
	s.bundleHolders()
}

// changedAll is changed for everybody.
func (s *Service) changedAll() {
	s.cache.clear()
	s.changes.clear()
	s.bundleHolders()
}
