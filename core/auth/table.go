package auth

import (
	"encoding/binary"
	"math/bits"

	"github.com/hexward/hexward/core/session"
)

// cacheKey is the first 120 bits of a session's hash. Whoever finds a cookie with
// those of another one could as well guess that one.
type cacheKey [15]byte

func keyOf(h session.Hash) cacheKey { return cacheKey(h[:15]) }

// table holds entries by their keys, which spread by themselves. It is a hash table
// with linear probing that grows by quarters, because a map, which doubles, takes
// three times the memory at its worst. The zero value is empty.
type table struct {
	tags  []byte // of each place: 0 when it is free, else made of the key
	slots []*cached
	n     int
}

// home returns the place at which the search for a key begins.
func (t *table) home(k cacheKey) int {
	place, _ := bits.Mul64(binary.LittleEndian.Uint64(k[:8]), uint64(len(t.slots)))
	return int(place) //nolint:gosec // less than the length
}

func tagOf(k cacheKey) byte { return k[14] | 0x80 }

func (t *table) next(place int) int {
	if place++; place < len(t.slots) {
		return place
	}
	return 0
}

// find returns the place of a key, or -1.
func (t *table) find(k cacheKey) int {
	if t.n == 0 {
		return -1
	}
	tag := tagOf(k)
	for i := t.home(k); t.tags[i] != 0; i = t.next(i) { // there is always a free place
		if t.tags[i] == tag && t.slots[i].key == k {
			return i
		}
	}
	return -1
}

func (t *table) get(k cacheKey) *cached {
	if i := t.find(k); i >= 0 {
		return t.slots[i]
	}
	return nil
}

// put adds an entry, or replaces the one with its key.
func (t *table) put(e *cached) {
	if i := t.find(e.key); i >= 0 {
		t.slots[i] = e
		return
	}
	if (t.n+1)*8 > len(t.slots)*7 {
		t.grow()
	}
	t.add(e)
}

func (t *table) add(e *cached) {
	i := t.home(e.key)
	for t.tags[i] != 0 {
		i = t.next(i)
	}
	t.tags[i], t.slots[i] = tagOf(e.key), e
	t.n++
}

func (t *table) grow() {
	size := max(8, len(t.slots)+len(t.slots)/4)
	old := t.slots
	*t = table{tags: make([]byte, size), slots: make([]*cached, size)}
	for _, e := range old {
		if e != nil {
			t.add(e)
		}
	}
}

// remove takes an entry out and moves those behind it up, so that each is found
// from its home without a gap.
func (t *table) remove(k cacheKey) {
	free := t.find(k)
	if free < 0 {
		return
	}
	for i := t.next(free); t.tags[i] != 0; i = t.next(i) {
		if t.distance(t.home(t.slots[i].key), i) >= t.distance(free, i) {
			t.tags[free], t.slots[free] = t.tags[i], t.slots[i]
			free = i
		}
	}
	t.tags[free], t.slots[free] = 0, nil
	t.n--
}

// distance returns how many steps lead from a place to another.
func (t *table) distance(from, to int) int {
	if to < from {
		to += len(t.slots)
	}
	return to - from
}

// removeIf takes out every entry that matches.
func (t *table) removeIf(matches func(*cached) bool) {
	var keys []cacheKey
	for _, e := range t.slots {
		if e != nil && matches(e) {
			keys = append(keys, e.key)
		}
	}
	for _, k := range keys {
		t.remove(k)
	}
}
