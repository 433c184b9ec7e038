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
	t := &base64Values
	for len(src) >= 8 && len(dst) >= 8 {
		s, d := (*[8]byte)(src), (*[8]byte)(dst)
		v0, v1, v2, v3 := uint64(t[s[0]]), uint64(t[s[1]]), uint64(t[s[2]]), uint64(t[s[3]])
		v4, v5, v6, v7 := uint64(t[s[4]]), uint64(t[s[5]]), uint64(t[s[6]]), uint64(t[s[7]])
		if (v0|v1|v2|v3|v4|v5|v6|v7)&0xC0 != 0 {
			return 0, false
		}
		v := v0<<58 | v1<<52 | v2<<46 | v3<<40 | v4<<34 | v5<<28 | v6<<22 | v7<<16
		// One store of eight bytes, of which the next round overwrites two.
		d[0], d[1], d[2], d[3] = byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32)
		d[4], d[5], d[6], d[7] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
		src, dst = src[8:], dst[6:]
	}
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
