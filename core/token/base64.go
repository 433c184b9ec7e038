package token

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// base64Values maps a byte of the URL-safe alphabet (RFC 4648 §5) to its six bits and every other byte to 0xFF.
var base64Values = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i := 0; i < len(base64Alphabet); i++ {
		t[base64Alphabet[i]] = byte(i)
	}
	return t
}()

// base64Shifted holds the six bits of each character where they belong among the 24 of four, and base64Bad for every byte
// that is none.
var base64Shifted = func() (t [4][256]uint32) {
	for c, v := range base64Values {
		for i := range t {
			t[i][c] = base64Bad
			if v != 0xFF {
				t[i][c] = uint32(v) << (18 - 6*i)
			}
		}
	}
	return t
}()

const base64Bad = 0xFF000000

// base64Len returns the length of what n base64url characters decode to.
func base64Len(n int) int { return n/4*3 + n%4*3/4 }

// decodeBase64 decodes src, which must be canonical base64url without padding (RFC 7515 §2; RFC 4648 §3.5: the bits that
// no byte needs are zero), into dst, and returns how many bytes that were. It reports false for any other src, and when
// dst is too short. The bytes of dst after those are undefined.
func decodeBase64(dst, src []byte) (int, bool) {
	want := base64Len(len(src))
	if len(src)%4 == 1 || want > len(dst) {
		return 0, false
	}
	t0, t1, t2, t3 := &base64Shifted[0], &base64Shifted[1], &base64Shifted[2], &base64Shifted[3]
	for wide && len(src) >= 8 && len(dst) >= 8 {
		s, d := (*[8]byte)(src), (*[8]byte)(dst)
		v := t0[s[0]] | t1[s[1]] | t2[s[2]] | t3[s[3]]
		w := t0[s[4]] | t1[s[5]] | t2[s[6]] | t3[s[7]]
		if (v|w)&base64Bad != 0 {
			return 0, false
		}
		// One store of eight bytes, of which the next round overwrites two.
		x := uint64(v)<<40 | uint64(w)<<16
		d[0], d[1], d[2], d[3] = byte(x>>56), byte(x>>48), byte(x>>40), byte(x>>32)
		d[4], d[5], d[6], d[7] = byte(x>>24), byte(x>>16), byte(x>>8), byte(x)
		src, dst = src[8:], dst[6:]
	}
	t := &base64Values
	for len(src) >= 4 && len(dst) >= 3 {
		a, b, c, d := t[src[0]], t[src[1]], t[src[2]], t[src[3]]
		if (a|b|c|d)&0xC0 != 0 {
			return 0, false
		}
		dst[0], dst[1], dst[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		src, dst = src[4:], dst[3:]
	}
	switch {
	case len(src) == 2 && len(dst) >= 1:
		a, b := t[src[0]], t[src[1]]
		if (a|b)&0xC0 != 0 || b&0x0F != 0 {
			return 0, false
		}
		dst[0] = a<<2 | b>>4
	case len(src) == 3 && len(dst) >= 2:
		a, b, c := t[src[0]], t[src[1]], t[src[2]]
		if (a|b|c)&0xC0 != 0 || c&0x03 != 0 {
			return 0, false
		}
		dst[0], dst[1] = a<<2|b>>4, b<<4|c>>2
	}
	return want, true
}

// appendBase64 appends src to dst in base64url without padding.
func appendBase64(dst, src []byte) []byte {
	for ; len(src) >= 3; src = src[3:] {
		v := uint32(src[0])<<16 | uint32(src[1])<<8 | uint32(src[2])
		dst = append(dst, base64Alphabet[v>>18], base64Alphabet[v>>12&63], base64Alphabet[v>>6&63], base64Alphabet[v&63])
	}
	switch len(src) {
	case 1:
		dst = append(dst, base64Alphabet[src[0]>>2], base64Alphabet[src[0]<<4&63])
	case 2:
		v := uint32(src[0])<<8 | uint32(src[1])
		dst = append(dst, base64Alphabet[v>>10], base64Alphabet[v>>4&63], base64Alphabet[v<<2&63])
	}
	return dst
}
