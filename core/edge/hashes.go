package edge

import (
	"math/bits"
	"slices"
)

// hashBits is how much of a hash is kept.
const hashBits = 56

// hashes is a sorted set of hashes of hashBits bits, each with a time if the set is one of users. Its zero value is empty.
// Only build and merge change it, and both leave it indexed.
type hashes struct {
	list  []uint64 // ascending, each once
	times []int64  // Unix milliseconds, those of list; nil in a set without times
	index []uint32 // index[b] is where in list the hashes begin whose top bits are b; one more element ends the last
	shift uint     // how far a hash is shifted to leave those top bits
}

// timed is a hash with its time.
type timed struct {
	hash uint64
	time int64
}

// build makes s the set of list, which it sorts and keeps.
func (s *hashes) build(list []uint64) {
	slices.Sort(list)
	s.list = slices.Compact(list)
	s.reindex()
}

// buildTimed makes s the set of list, which it sorts. Of equal hashes the latest time counts.
func (s *hashes) buildTimed(list []timed) {
	slices.SortFunc(list, func(a, b timed) int {
		switch {
		case a.hash < b.hash:
			return -1
		case a.hash > b.hash:
			return 1
		default:
			return 0
		}
	})
	s.list, s.times = make([]uint64, 0, len(list)), make([]int64, 0, len(list))
	for _, e := range list {
		if last := len(s.list) - 1; last >= 0 && s.list[last] == e.hash {
			s.times[last] = max(s.times[last], e.time)
			continue
		}
		s.list, s.times = append(s.list, e.hash), append(s.times, e.time)
	}
	s.reindex()
}

// reindex makes the index fit the list, with one element for two to four hashes.
func (s *hashes) reindex() {
	top := max(bits.Len(uint(len(s.list)))-2, 0)
	size := 1<<top + 1
	if cap(s.index) < size {
		s.index = make([]uint32, size)
	}
	s.index, s.shift = s.index[:size], uint(hashBits-top)
	clear(s.index)
	for _, h := range s.list {
		if b := h>>s.shift + 1; b < uint64(len(s.index)) {
			s.index[b]++
		}
	}
	sum := uint32(0)
	for b, n := range s.index {
		sum += n
		s.index[b] = sum
	}
}

// find returns where h is in the list, or -1. It looks at a handful of hashes in a set of real ones, and at the logarithm
// of their number in one that somebody chose.
func (s *hashes) find(h uint64) int {
	b := h >> s.shift
	if b+1 >= uint64(len(s.index)) {
		return -1
	}
	low, high := int(s.index[b]), int(s.index[b+1])
	for low < high {
		mid := int(uint(low+high) >> 1)
		if s.list[mid] < h {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(s.list) && s.list[low] == h {
		return low
	}
	return -1
}

// missing returns how many hashes of added s lacks.
func (s *hashes) missing(added *hashes) (n int) {
	for _, h := range added.list {
		if s.find(h) < 0 {
			n++
		}
	}
	return n
}

// merge puts the hashes of added into s, which lacks that many of them. Where both have a time the later one counts.
func (s *hashes) merge(added *hashes, missing int) {
	old := len(s.list)
	if missing > 0 {
		s.list = grow(s.list, missing)
		if added.times != nil {
			s.times = grow(s.times, missing)
		}
	}
	// From the end, where there is room: what is written over was moved on before.
	from, to := old-1, len(s.list)-1
	for i := len(added.list) - 1; i >= 0 && to >= 0; to-- {
		h := added.list[i]
		switch {
		case from >= 0 && s.list[from] > h:
			s.list[to] = s.list[from]
			if s.times != nil {
				s.times[to] = s.times[from]
			}
			from--
		case from >= 0 && s.list[from] == h:
			s.list[to] = h
			if s.times != nil {
				s.times[to] = max(s.times[from], added.times[i])
			}
			from--
			i--
		default:
			s.list[to] = h
			if s.times != nil {
				s.times[to] = added.times[i]
			}
			i--
		}
	}
	if missing > 0 {
		s.reindex()
	}
}

// grow returns list with n more elements, with twice its memory when it has to move.
func grow[T any](list []T, n int) []T {
	size := len(list) + n
	if size <= cap(list) {
		return list[:size]
	}
	longer := make([]T, size, max(size, min(2*cap(list), maxMarks)))
	copy(longer, list)
	return longer
}
