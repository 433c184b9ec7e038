package primitive

import "math/bits"

// sha256 computes SHA-256 (FIPS 180-4) of parts that are not joined before, from states that can be copied, which the standard
// library's cannot be without an allocation.
type sha256 struct {
	state  [8]uint32
	block  [64]byte
	length uint64 // bytes written
}

// sha256Start is the first 32 bits of the fractional parts of the square roots of the first 8 primes (FIPS 180-4 §5.3.3).
var sha256Start = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// sha256Rounds are those of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2).
var sha256Rounds = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// reset makes the state that of nothing written.
func (h *sha256) reset() { h.state, h.length = sha256Start, 0 }

// write adds bytes.
func (h *sha256) write(b []byte) {
	held := int(h.length % 64)
	h.length += uint64(len(b))
	if held > 0 {
		n := copy(h.block[held:], b)
		if held+n < 64 {
			return
		}
		h.compress(&h.block)
		b = b[n:]
	}
	for len(b) >= 64 {
		h.compress((*[64]byte)(b))
		b = b[64:]
	}
	copy(h.block[:], b)
}

// sum writes the hash, which ends it.
func (h *sha256) sum(to *[32]byte) {
	held := int(h.length % 64)
	h.block[held] = 0x80
	clear(h.block[held+1:])
	if held >= 56 {
		h.compress(&h.block)
		h.block = [64]byte{}
	}
	putBig(h.block[56:64], h.length<<3)
	h.compress(&h.block)
	for i := range to {
		to[i] = byte(h.state[i/4] >> (24 - i%4*8))
	}
}

// compress adds one block to the state (FIPS 180-4 §6.2.2).
func (h *sha256) compress(block *[64]byte) {
	var w [16]uint32
	for i := range w {
		b := block[i*4 : i*4+4]
		w[i] = uint32(b[3]) | uint32(b[2])<<8 | uint32(b[1])<<16 | uint32(b[0])<<24
	}
	a, b, c, d, e, f, g, i := h.state[0], h.state[1], h.state[2], h.state[3], h.state[4], h.state[5], h.state[6], h.state[7]
	for round := range sha256Rounds {
		at := round & 15
		if round >= 16 {
			// The word of 16 rounds ago gives way to its successor.
			two, fifteen := w[(round-2)&15], w[(round-15)&15]
			w[at] += w[(round-7)&15] +
				(bits.RotateLeft32(two, -17) ^ bits.RotateLeft32(two, -19) ^ two>>10) +
				(bits.RotateLeft32(fifteen, -7) ^ bits.RotateLeft32(fifteen, -18) ^ fifteen>>3)
		}
		t := i + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)) + (e&f ^ ^e&g) +
			sha256Rounds[round] + w[at]
		u := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&b ^ a&c ^ b&c)
		a, b, c, d, e, f, g, i = t+u, a, b, c, d+t, e, f, g
	}
	h.state[0] += a
	h.state[1] += b
	h.state[2] += c
	h.state[3] += d
	h.state[4] += e
	h.state[5] += f
	h.state[6] += g
	h.state[7] += i
}
