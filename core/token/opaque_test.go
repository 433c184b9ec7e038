package token_test

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/token"
)

// opaque returns a secret of these digits, with a checksum by the standard library.
func opaque(prefix, digits string) string {
	text, check := prefix+digits, ""
	for sum, n := crc32.ChecksumIEEE([]byte(text)), 0; n < 6; n++ {
		check = string(token.OpaqueDigits[sum%62]) + check
		sum /= 62
	}
	return text + check
}

func TestValidOpaque(t *testing.T) {
	digits := strings.Repeat("Az09x", 9)[:43]
	good := opaque("hxw_", digits)
	tests := []struct {
		name, text string
		want       bool
	}{
		{"good", good, true},
		{"all zeros", opaque("hxw_", strings.Repeat("0", 43)), true},
		{"another sort", opaque("hxc_", digits), false},
		{"another sort's checksum", "hxw_" + opaque("hxc_", digits)[4:], false},
		{"nothing", "", false},
		{"the prefix", "hxw_", false},
		{"one byte less", good[:len(good)-1], false},
		{"one byte more", good + "0", false},
		{"a digit less, with its checksum", opaque("hxw_", digits[1:]), false},
		{"a digit that is none, with its checksum", opaque("hxw_", digits[1:]+"-"), false},
		{"a byte that is no letter, with its checksum", opaque("hxw_", digits[1:]+"\x00"), false},
		{"what is between the letters, with its checksum", opaque("hxw_", digits[1:]+"["), false},
		{"a space behind it", good[:len(good)-1] + " ", false},
		{"the prefix in another case", "HXW_" + good[4:], false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := token.ValidOpaque("hxw_", test.text); got != test.want {
				t.Errorf("%q: %t", test.text, got)
			}
		})
	}
	for i := range good { // every typo of one byte
		for _, c := range token.OpaqueDigits + "_-" {
			if typo := good[:i] + string(c) + good[i+1:]; typo != good && token.ValidOpaque("hxw_", typo) {
				t.Errorf("%q is taken for %q", typo, good)
			}
		}
	}
	for _, prefix := range []string{"", "hxw", "hxw_0"} {
		if token.ValidOpaque(prefix, good) {
			t.Errorf("the prefix %q", prefix)
		}
	}
	if n := testing.AllocsPerRun(100, func() { token.ValidOpaque("hxw_", good) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOpaqueChecksum(t *testing.T) {
	for n := range 300 {
		text := strings.Repeat("\x00\xff\x80a", n) + fmt.Sprint(n)
		want := opaque(text, "")[len(text):]
		if got := token.OpaqueChecksum(text); string(got[:]) != want {
			t.Fatalf("%q: %s, want %s", text, got, want)
		}
	}
}
