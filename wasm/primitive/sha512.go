package primitive

import "math/bits"

// sha512 computes SHA-512 and SHA-384 (FIPS 180-4) of parts that are not joined before. The standard library's works the
// same, but TinyGo moves its schedule of 640 bytes to the heap, once for each call; here it is the 128 bytes that are needed
// at a time.
type sha512 struct {
	state  [8]uint64
	block  [128]byte
	length uint64 // bytes written
}

// The first 64 bits of the fractional parts of the square roots of the first 16 primes (FIPS 180-4 §5.3.5 and §5.3.4).
var (
	sha512Start = [8]uint64{
		0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
		0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	}
	sha384Start = [8]uint64{
		0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
		0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
	}
)

// sha512Rounds are those of the cube roots of the first 80 primes (FIPS 180-4 §4.2.3).
var sha512Rounds = [80]uint64{
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
}

// reset makes the state that of nothing written, for a hash of 48 or 64 bytes.
func (h *sha512) reset(size hash) {
	h.state, h.length = sha512Start, 0
	if size == hash384 {
		h.state = sha384Start
	}
}

// write adds bytes.
func (h *sha512) write(b []byte) {
	held := int(h.length % 128)
	h.length += uint64(len(b))
	if held > 0 {
		n := copy(h.block[held:], b)
		if held+n < 128 {
			return
		}
		h.compress(&h.block)
		b = b[n:]
	}
	for len(b) >= 128 {
		h.compress((*[128]byte)(b))
		b = b[128:]
	}
	copy(h.block[:], b)
}

// sum writes as many bytes of the hash as to has, which ends it.
func (h *sha512) sum(to []byte) {
	held := int(h.length % 128)
	h.block[held] = 0x80
	clear(h.block[held+1:])
	if held >= 112 {
		h.compress(&h.block)
		h.block = [128]byte{}
	}
	// The length in bits takes 16 bytes; that of bytes takes 64 bits.
	putBig(h.block[112:120], h.length>>61)
	putBig(h.block[120:128], h.length<<3)
	h.compress(&h.block)
	for i := range to {
		to[i] = byte(h.state[i/8&7] >> (56 - i%8*8))
	}
}

// putBig writes eight bytes.
func putBig(to []byte, v uint64) {
	for i := range to {
		to[i] = byte(v >> (56 - i*8))
	}
}

// compress adds one block to the state (FIPS 180-4 §6.4.2).
func (h *sha512) compress(block *[128]byte) {
	var w [16]uint64
	for i := range w {
		b := block[i*8 : i*8+8]
		w[i] = uint64(b[7]) | uint64(b[6])<<8 | uint64(b[5])<<16 | uint64(b[4])<<24 |
			uint64(b[3])<<32 | uint64(b[2])<<40 | uint64(b[1])<<48 | uint64(b[0])<<56
	}
	a, b, c, d, e, f, g, i := h.state[0], h.state[1], h.state[2], h.state[3], h.state[4], h.state[5], h.state[6], h.state[7]
	for round := range sha512Rounds {
		at := round & 15
		if round >= 16 {
			// The word of 16 rounds ago gives way to its successor.
			two, fifteen := w[(round-2)&15], w[(round-15)&15]
			w[at] += w[(round-7)&15] +
				(bits.RotateLeft64(two, -19) ^ bits.RotateLeft64(two, -61) ^ two>>6) +
				(bits.RotateLeft64(fifteen, -1) ^ bits.RotateLeft64(fifteen, -8) ^ fifteen>>7)
		}
		t := i + (bits.RotateLeft64(e, -14) ^ bits.RotateLeft64(e, -18) ^ bits.RotateLeft64(e, -41)) + (e&f ^ ^e&g) +
			sha512Rounds[round] + w[at]
		u := (bits.RotateLeft64(a, -28) ^ bits.RotateLeft64(a, -34) ^ bits.RotateLeft64(a, -39)) + (a&b ^ a&c ^ b&c)
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
