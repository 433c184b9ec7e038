package primitive

// hash is a hash of the SHA-2 family, by its size in bytes.
type hash int

const (
	hash256 hash = 32
	hash384 hash = 48
	hash512 hash = 64
)

// hasher computes any of them, of parts that are not joined before. A copy of it goes on from the same state. It is too large
// for TinyGo's stack, and kept in memory that is used again.
type hasher struct {
	size  hash
	short sha256
	long  sha512
}

// reset makes the state that of nothing written.
func (h *hasher) reset(size hash) {
	h.size = size
	if size == hash256 {
		h.short.reset()
	} else {
		h.long.reset(size)
	}
}

// write adds bytes.
func (h *hasher) write(b []byte) {
	if h.size == hash256 {
		h.short.write(b)
	} else {
		h.long.write(b)
	}
}

// sum writes the hash to the beginning of to and returns that, which ends it.
func (h *hasher) sum(to *[hash512]byte) []byte {
	if h.size == hash256 {
		h.short.sum((*[hash256]byte)(to[:]))
		return to[:hash256]
	}
	h.long.sum(to[:h.size])
	return to[:h.size]
}
