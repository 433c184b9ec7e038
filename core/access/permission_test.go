package access_test

import (
	"strings"
	"testing"

	"github.com/hexward/hexward/core/access"
)

func TestValidPermission(t *testing.T) {
	tests := []struct {
		in   string
		want bool
	}{
		{"admin", true},
		{"billing:invoices.read-all_v2/*", true},
		{"AZaz09", true},
		{strings.Repeat("a", 64), true},
		{strings.Repeat("a", 65), false},
		{"", false},
		{"a b", false},
		{"a,b", false},
		{"a\nb", false},
		{"a\"b", false},
		{"a\\b", false},
		{"a;b", false},
		{"a@b", false},
		{"a[b", false},
		{"a`b", false},
		{"a{b", false},
		{"a\x00", false},
		{"ä", false},
		{"a\xc3", false},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			if got := access.ValidPermission(test.in); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
