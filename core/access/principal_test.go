package access_test

import (
	"fmt"
	"testing"

	"github.com/hexward/hexward/core/access"
)

func TestKind_String(t *testing.T) {
	for kind, want := range map[access.Kind]string{
		access.Anonymous: "anonymous", access.User: "user", access.Machine: "machine", 255: "anonymous",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%d: got %s, want %s", kind, got, want)
		}
	}
}

func TestPrincipal_SignedIn(t *testing.T) {
	tests := []struct {
		name string
		p    access.Principal
		want bool
	}{
		{"the zero value", access.Principal{}, false},
		{"anonymous with a name and permissions", access.Principal{Subject: "x", Name: "x", Permissions: []string{access.Admin}}, false},
		{"a user", access.Principal{Kind: access.User}, true},
		{"a machine", access.Principal{Kind: access.Machine}, true},
		{"the operator", access.Operator("root"), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.p.SignedIn(); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestPrincipal_Has(t *testing.T) {
	tests := []struct {
		name       string
		held       []string
		permission string
		want       bool
	}{
		{"one of several", []string{"a", "b", "c"}, "b", true},
		{"another one", []string{"a", "b", "c"}, "d", false},
		{"part of one", []string{"admin.read"}, "admin", false},
		{"more than one", []string{"admin"}, "admin.read", false},
		{"another case", []string{"admin"}, "Admin", false},
		{"a star is a letter like any other", []string{"*"}, "admin", false},
		{"admin is not every other", []string{access.Admin}, "billing", false},
		{"none", nil, "a", false},
		{"the empty one", []string{"a"}, "", false},
		{"the empty one, somehow held", []string{""}, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := access.Principal{Kind: access.User, Permissions: test.held}
			if got := p.Has(test.permission); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestOperator(t *testing.T) {
	p := access.Operator("root")
	if !p.Has(access.Admin) || p.Kind != access.Machine || p.Via != access.LocalOperator || p.Subject != "operator" || p.Name != "root" {
		t.Errorf("got %+v", p)
	}
	p.Permissions[0] = "changed"
	if q := access.Operator("root"); !q.Has(access.Admin) {
		t.Error("two operators share their permissions")
	}
}

func TestPrincipal_Has_allocates(t *testing.T) {
	p := access.Principal{Kind: access.User, Permissions: []string{"a", "b", "c"}}
	if n := testing.AllocsPerRun(100, func() { p.Has("c") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func ExamplePrincipal_Has() {
	p := access.Principal{Kind: access.User, Subject: "0199…", Permissions: []string{"billing"}}
	fmt.Println(p.SignedIn(), p.Has("billing"), p.Has(access.Admin))
	// Output: true true false
}
