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
// dst is too short, with the contents of dst undefined.
func decodeBase64[T ~string | ~[]byte](dst []byte, src T) (int, bool) {
	want := base64Len(len(src))
	if len(src)%4 == 1 || want > len(dst) {
		return 0, false
	}
	n, i := 0, 0
	for ; i+4 <= len(src) && n+3 <= len(dst); i += 4 {
		a, b := base64Values[src[i]], base64Values[src[i+1]]
		c, d := base64Values[src[i+2]], base64Values[src[i+3]]
		if (a|b|c|d)&0xC0 != 0 {
			return 0, false
		}
		v := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(d)
		dst[n], dst[n+1], dst[n+2] = byte(v>>16), byte(v>>8), byte(v)
		n += 3
	}
	switch len(src) - i {
	case 2:
		a, b := base64Values[src[i]], base64Values[src[i+1]]
		if (a|b)&0xC0 != 0 || b&0x0F != 0 {
			return 0, false
		}
		dst[n] = a<<2 | b>>4
	case 3:
		a, b, c := base64Values[src[i]], base64Values[src[i+1]], base64Values[src[i+2]]
		if (a|b|c)&0xC0 != 0 || c&0x03 != 0 {
			return 0, false
		}
		dst[n], dst[n+1] = a<<2|b>>4, b<<4|c>>2
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
