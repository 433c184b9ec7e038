package edge

import "math/bits"

// A set of hashes travels as the differences between neighbours, because n hashes that are spread evenly over 2^56 lie
// about 2^56/n apart. A difference d (less one, since no hash stands twice) is Rice-coded: d>>k zeros and a one, then the
// low k bits of d, where k follows from n. That is within a twentieth of a bit of the least possible for n = 100,000, 40.9
// bits a hash. The bits are those of base64url (RFC 4648 §5, no padding), the first one highest; zeros fill the last byte.

// riceBits returns k for n hashes.
func riceBits(n int) uint {
	return uint(hashBits - bits.Len(uint(n)))
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// base64Values maps a digit to its six bits and every other byte to 0xFF.
var base64Values = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i := 0; i < len(base64Digits); i++ {
		t[base64Digits[i]] = byte(i)
	}
	return t
}()

// bitWriter appends bits to a text of base64url.
type bitWriter struct {
	to   []byte
	acc  uint64 // what is not written yet, in its lowest bits
	have uint   // how many bits that are, less than six between calls
	sum  uint   // how many bits there are in all, modulo 8
}

// put appends the low n bits of v, of which the others are zero; n is at most 58.
func (w *bitWriter) put(v uint64, n uint) {
	w.acc = w.acc<<n | v
	w.have += n
	w.sum = (w.sum + n) % 8
	for w.have >= 6 {
		w.have -= 6
		w.to = append(w.to, base64Digits[w.acc>>w.have&63])
	}
}

// unary appends n zeros and a one.
func (w *bitWriter) unary(n uint64) {
	for ; n >= 32; n -= 32 {
		w.put(0, 32)
	}
	w.put(1, uint(n)+1)
}

// end fills the last byte with zeros and returns the text.
func (w *bitWriter) end() []byte {
	w.put(0, (8-w.sum)%8)
	if w.have > 0 {
		w.to = append(w.to, base64Digits[w.acc<<(6-w.have)&63])
	}
	return w.to
}

// bitReader reads what a bitWriter wrote. Reading on behind the end, or over what is no digit, gives zeros and makes end
// report false.
type bitReader struct {
	text string // what is not in acc yet
	acc  uint64 // the next bits, the first one highest; zeros below them
	have uint   // how many bits that are
	sum  uint   // how many bits were read, modulo 2^32 or 2^64
	bad  bool
}

// fill makes sure that at least 59 bits are at hand, unless the text ends before. Shifts are masked where their count is known
// to be less than 64, which spares WebAssembly a comparison.
func (r *bitReader) fill() {
	text, acc, have := r.text, r.acc, r.have
	for have <= 40 && len(text) >= 4 {
		a, b, c, d := base64Values[text[0]], base64Values[text[1]], base64Values[text[2]], base64Values[text[3]]
		if a|b|c|d > 63 {
			break
		}
		acc |= (uint64(a)<<18 | uint64(b)<<12 | uint64(c)<<6 | uint64(d)) << ((40 - have) & 63)
		have += 24
		text = text[4:]
	}
	for have <= 58 && text != "" {
		v := base64Values[text[0]]
		if v > 63 {
			text, r.bad = "", true
			break
		}
		acc |= uint64(v) << ((58 - have) & 63)
		have += 6
		text = text[1:]
	}
	r.text, r.acc, r.have = text, acc, have
}

// take returns the next n bits, at most 58.
func (r *bitReader) take(n uint) uint64 {
	if r.have < n {
		if r.fill(); r.have < n {
			r.acc, r.have, r.bad = 0, 0, true
			return 0
		}
	}
	v := r.acc >> 1 >> ((63 - n) & 63)
	r.acc <<= n & 63
	r.have -= n
	r.sum += n
	return v
}

// unary returns the number of zeros before the next one, which it takes too. More than most make it bad.
func (r *bitReader) unary(most uint64) uint64 {
	n := uint64(0)
	for {
		zeros := uint(bits.LeadingZeros64(r.acc))
		if zeros < r.have {
			if n += uint64(zeros); n > most {
				break
			}
			r.acc = r.acc << (zeros & 63) << 1
			r.have -= zeros + 1
			r.sum += zeros + 1
			return n
		}
		n += uint64(r.have)
		r.sum += r.have
		r.acc, r.have = 0, 0
		if r.fill(); r.have == 0 {
			break
		}
	}
	r.acc, r.have, r.bad = 0, 0, true
	return 0
}

// end reports whether all was well and nothing is left but the zeros that fill the last byte and the last digit.
func (r *bitReader) end() bool {
	r.fill()
	// Of the bits that remain, those up to the byte's end fill the byte, and at most four more the digit.
	fill := (8 - r.sum%8) % 8
	return !r.bad && r.acc == 0 && r.have >= fill && r.have-fill < 6
}

// appendHashes appends the hashes of s, each followed by width bits of its time less from, as a text of base64url.
func appendHashes(to []byte, s *hashes, from int64, width uint) []byte {
	w := bitWriter{to: to}
	k := riceBits(len(s.list))
	next := uint64(0)
	for i, h := range s.list {
		d := h - next
		w.unary(d >> k)
		w.put(d&(1<<k-1), k)
		if s.times != nil {
			w.put(uint64(s.times[i]-from), width)
		}
		next = h + 1
	}
	return w.end()
}

// readHashes reads n hashes, 1 to maxMarks, and their times if the set is timed. It reports false unless text is what
// appendHashes makes of them, and allocates no more than a small multiple of text, whatever n is.
func (s *hashes) readHashes(text string, n int, timed bool, from int64, width uint) bool {
	k := riceBits(n)
	if uint64(n)*uint64(k+1+width) > uint64(len(text))*6 {
		return false
	}
	s.list = make([]uint64, n)
	if timed {
		s.times = make([]int64, n)
	}
	r := bitReader{text: text}
	next := uint64(0)
	for i := range s.list {
		d := r.unary(1<<(hashBits-k)-1)<<k | r.take(k)
		h := next + d
		if h >= 1<<hashBits {
			return false
		}
		s.list[i] = h
		next = h + 1
		if timed {
			s.times[i] = from + int64(r.take(width))
		}
	}
	if !r.end() {
		return false
	}
	s.reindex()
	return true
}
