package access_test

import (
	"strings"
	"testing"

	"github.com/hexward/hexward/core/access"
)

func TestValidSubject(t *testing.T) {
	tests := []struct {
		name, subject string
		want          bool
	}{
		{"plain", "auth0|64af", true},
		{"of any language", "日本語 ü", true},
		{"the longest", strings.Repeat("s", access.MaxSubject), true},
		{"nothing", "", false},
		{"too long", strings.Repeat("s", access.MaxSubject+1), false},
		{"a NUL", "a\x00", false},
		{"a line feed", "a\nb", false},
		{"a control character of the second range", "a\u0085b", false},
		{"no UTF-8", "a\xff", false},
		{"what a decoder makes of that", "a\ufffd", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := access.ValidSubject(test.subject); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
