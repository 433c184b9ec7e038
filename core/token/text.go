package token

import "unicode/utf8"

const hexDigits = "0123456789ABCDEF"

// AppendText appends s as a JSON string (RFC 8259 §7) and returns the extended buffer. What is not valid UTF-8 becomes U+FFFD. "<",
// ">", "&" and DEL are escaped too, so that the text is harmless wherever it is pasted.
func AppendText(to []byte, s string) []byte {
	to = append(to, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				to = append(append(to, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c == '"' || c == '\\' {
			to = append(append(to, s[start:i]...), '\\', c)
			start = i + 1
		} else if c < ' ' || c == '<' || c == '>' || c == '&' || c == 0x7f {
			to = append(to, s[start:i]...)
			to = append(to, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			start = i + 1
		}
		i++
	}
	return append(append(to, s[start:]...), '"')
}
