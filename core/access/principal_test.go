package access_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
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

func TestCredential(t *testing.T) {
	tests := []struct {
		via            access.Credential
		name           string
		session, token bool
	}{
		{access.NoCredential, "none", false, false},
		{access.SessionCookie, "session", true, false},
		{access.AccessCookie, "session_token", true, false},
		{access.AccessToken, "access_token", false, true},
		{access.APIToken, "api_token", false, true},
		{access.ForeignToken, "foreign_token", false, true},
		{access.VouchedToken, "vouched_token", false, true},
		{access.LocalOperator, "operator", false, false},
		{200, "none", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.via.String() != test.name || test.via.Session() != test.session || test.via.Token() != test.token {
				t.Errorf("got %s, %t, %t", test.via, test.via.Session(), test.via.Token())
			}
		})
	}
}

func TestOf(t *testing.T) {
	claims := token.Claims{
		Subject: "0199-ada", ClientID: "https://api.example", Username: "ada", Tenant: "acme", Permissions: []string{"read"}, Session: "s1", ID: "j1",
	}
	robot := token.Claims{Subject: "0199-robot", ClientID: "0199-robot", Tenant: "acme", Permissions: []string{"read"}, ID: "j2"}
	vouched := claims
	vouched.AuthorizedParty = access.VouchedParty
	tests := []struct {
		name   string
		claims token.Claims
		via    access.Credential
		want   access.Principal
	}{
		{"a user", claims, access.AccessToken, access.Principal{
			Kind: access.User, Via: access.AccessToken, Subject: "0199-ada", Name: "ada", Tenant: "acme", Permissions: []string{"read"}, Session: "s1", Token: "j1",
		}},
		{"a user in a browser", claims, access.AccessCookie, access.Principal{
			Kind: access.User, Via: access.AccessCookie, Subject: "0199-ada", Name: "ada", Tenant: "acme", Permissions: []string{"read"}, Session: "s1", Token: "j1",
		}},
		{"a machine", robot, access.AccessToken, access.Principal{
			Kind: access.Machine, Via: access.AccessToken, Subject: "0199-robot", Tenant: "acme", Permissions: []string{"read"}, Token: "j2",
		}},
		{"vouched for", vouched, access.AccessCookie, access.Principal{
			Kind: access.User, Via: access.VouchedToken, Subject: "0199-ada", Name: "ada", Tenant: "acme", Permissions: []string{"read"}, Session: "s1", Token: "j1",
		}},
		{"no client", token.Claims{Subject: "0199-ada"}, access.AccessToken, access.Principal{Kind: access.User, Via: access.AccessToken, Subject: "0199-ada"}},
		{"no subject", token.Claims{ClientID: "x", Permissions: []string{access.Admin}}, access.AccessToken, access.Principal{}},
		{"no subject and no client", token.Claims{Permissions: []string{access.Admin}}, access.AccessToken, access.Principal{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, access.Of(&test.claims, test.via)); diff != "" {
				t.Error(diff)
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
