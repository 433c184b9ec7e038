package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/access"
)

// callers are one of each sort that there is.
var callers = map[string]*access.Principal{
	"nobody":                         nil,
	"anonymous":                      {},
	"anonymous with a token":         {Via: access.AccessToken, Permissions: []string{"read"}},
	"session":                        {Kind: access.User, Via: access.SessionCookie},
	"access cookie":                  {Kind: access.User, Via: access.AccessCookie},
	"access token":                   {Kind: access.User, Via: access.AccessToken},
	"API token":                      {Kind: access.User, Via: access.APIToken},
	"foreign token":                  {Kind: access.User, Via: access.ForeignToken},
	"machine":                        {Kind: access.Machine, Via: access.AccessToken},
	"foreign machine":                {Kind: access.Machine, Via: access.ForeignToken},
	"session with read":              {Kind: access.User, Via: access.SessionCookie, Permissions: []string{"read"}},
	"token with read":                {Kind: access.User, Via: access.APIToken, Permissions: []string{"read"}},
	"token with read and write":      {Kind: access.User, Via: access.APIToken, Permissions: []string{"read", "write"}},
	"machine with read":              {Kind: access.Machine, Via: access.AccessToken, Permissions: []string{"read"}},
	"administrator with a session":   {Kind: access.User, Via: access.SessionCookie, Permissions: []string{access.Admin}},
	"operator":                       {Kind: access.Machine, Via: access.LocalOperator, Subject: "operator", Permissions: []string{access.Admin, "read"}},
	"user who showed nothing":        {Kind: access.User, Permissions: []string{"read"}},
	"user with a credential to be":   {Kind: access.User, Via: 200, Permissions: []string{"read"}},
	"of a kind to be with a session": {Kind: 7, Via: access.SessionCookie, Permissions: []string{"read"}},
}

func TestRule_Admits(t *testing.T) {
	read := []string{"read"}
	tests := []struct {
		name string
		rule *access.Rule
		want map[access.Reason]string // callers, separated by semicolons; those that are not there: Unauthenticated
	}{
		{"the default", &access.Rule{}, map[access.Reason]string{
			access.Allowed:         "session;access cookie;session with read;administrator with a session",
			access.SessionRequired: "access token;API token;foreign token;machine;foreign machine;token with read;token with read and write;machine with read",
		}},
		{"session or token", &access.Rule{Demand: access.SessionOrToken}, map[access.Reason]string{
			access.Allowed: "session;access cookie;session with read;administrator with a session;access token;API token;foreign token;machine;" +
				"foreign machine;token with read;token with read and write;machine with read",
		}},
		{"token", &access.Rule{Demand: access.TokenOnly}, map[access.Reason]string{
			access.Allowed:       "access token;API token;foreign token;machine;foreign machine;token with read;token with read and write;machine with read",
			access.TokenRequired: "session;access cookie;session with read;administrator with a session",
		}},
		{"users", &access.Rule{Demand: access.SessionOrToken, Only: access.User}, map[access.Reason]string{
			access.Allowed: "session;access cookie;session with read;administrator with a session;access token;API token;foreign token;token with read;" +
				"token with read and write",
			access.UserRequired: "machine;foreign machine;machine with read",
		}},
		{"machines with a permission", &access.Rule{Demand: access.TokenOnly, Only: access.Machine, Permissions: read}, map[access.Reason]string{
			access.Allowed:           "machine with read",
			access.TokenRequired:     "session;access cookie;session with read;administrator with a session",
			access.MachineRequired:   "access token;API token;foreign token;token with read;token with read and write",
			access.PermissionMissing: "machine;foreign machine",
		}},
		{"a permission", &access.Rule{Demand: access.SessionOrToken, Permissions: read}, map[access.Reason]string{
			access.Allowed: "session with read;token with read;token with read and write;machine with read",
			access.PermissionMissing: "session;access cookie;administrator with a session;access token;API token;foreign token;machine;" +
				"foreign machine",
		}},
		{"two permissions", &access.Rule{Demand: access.TokenOnly, Permissions: []string{"write", "read"}}, map[access.Reason]string{
			access.Allowed:           "token with read and write",
			access.TokenRequired:     "session;access cookie;session with read;administrator with a session",
			access.PermissionMissing: "access token;API token;foreign token;machine;foreign machine;token with read;machine with read",
		}},
		{"the empty permission, which nobody holds", &access.Rule{Permissions: []string{""}}, map[access.Reason]string{
			access.PermissionMissing: "session;access cookie;session with read;administrator with a session",
			access.SessionRequired:   "access token;API token;foreign token;machine;foreign machine;token with read;token with read and write;machine with read",
		}},
		{"a demand that is none", &access.Rule{Demand: 99}, map[access.Reason]string{
			access.Allowed:         "session;access cookie;session with read;administrator with a session",
			access.SessionRequired: "access token;API token;foreign token;machine;foreign machine;token with read;token with read and write;machine with read",
		}},
		{"a kind that is none", &access.Rule{Demand: access.SessionOrToken, Only: 99}, map[access.Reason]string{
			access.MachineRequired: "session;access cookie;session with read;administrator with a session;access token;API token;foreign token;machine;" +
				"foreign machine;token with read;token with read and write;machine with read",
		}},
	}
	for _, test := range tests {
		for name, who := range callers {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				want := access.Unauthenticated
				for reason, names := range test.want {
					if strings.Contains(";"+names+";", ";"+name+";") {
						want = reason
					}
				}
				if got := test.rule.Admits(who); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
	for name, who := range callers {
		if got := (&access.Rule{Demand: access.Public}).Admits(who); got != access.Allowed {
			t.Errorf("public to %s: %s", name, got)
		}
		if got := (*access.Rule)(nil).Admits(who); got != access.PathRefused {
			t.Errorf("no rule to %s: %s", name, got)
		}
	}
}

func TestPolicy_Decide(t *testing.T) {
	p, err := access.NewPolicy([]access.Rule{
		{Path: "/health", Demand: access.Public},
		{Path: "/reports/**", Methods: []string{"GET"}, Demand: access.SessionOrToken, Permissions: []string{"read"}},
		{Path: "/reports/**", Demand: access.TokenOnly, Only: access.Machine},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		method, path, who string
		want              access.Decision
	}{
		{"GET", "/health", "nobody", access.Decision{Rule: 0, Reason: access.Allowed}},
		{"GET", "/health/../reports", "token with read", access.Decision{Rule: -1, Reason: access.PathRefused}},
		{"GET", "/health/..%2freports", "nobody", access.Decision{Rule: -1, Reason: access.PathRefused}},
		{"HEAD", "/reports/1", "token with read", access.Decision{Rule: 1, Reason: access.Allowed}},
		{"GET", "/%72eports/1", "nobody", access.Decision{Rule: 1, Reason: access.Unauthenticated}},
		{"GET", "/reports", "session", access.Decision{Rule: 1, Reason: access.PermissionMissing}},
		{"PUT", "/reports", "session", access.Decision{Rule: 2, Reason: access.TokenRequired}},
		{"PUT", "/reports", "token with read", access.Decision{Rule: 2, Reason: access.MachineRequired}},
		{"get", "/reports", "machine", access.Decision{Rule: 2, Reason: access.Allowed}},
		{"GET", "/", "session", access.Decision{Rule: -1, Reason: access.Allowed}},
		{"GET", "/", "machine", access.Decision{Rule: -1, Reason: access.SessionRequired}},
		{"GET", "/", "operator", access.Decision{Rule: -1, Reason: access.Unauthenticated}},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path+" "+test.who, func(t *testing.T) {
			if got := p.Decide(test.method, test.path, callers[test.who]); got != test.want {
				t.Errorf("got %d %s, want %d %s", got.Rule, got.Reason, test.want.Rule, test.want.Reason)
			}
		})
	}
}

func TestPolicy_Decide_allocates(t *testing.T) {
	p, err := access.NewPolicy(tangle(1000))
	if err != nil {
		t.Fatal(err)
	}
	who := callers["token with read"]
	for _, path := range []string{
		strings.Repeat("/a", 10) + "/z", strings.Repeat("/%61", 10) + "/%7a", strings.Repeat("/a", 10) + "/y", "/%c3%a9/x?y", "/a//b", "/..",
		strings.Repeat("/a", access.MaxPath/2), "/" + strings.Repeat("%61", 1000), strings.Repeat("a", 10000), "",
	} {
		if n := testing.AllocsPerRun(100, func() { _ = p.Decide("GET", path, who) }); n != 0 {
			t.Errorf("%.20q…: %v allocations", path, n)
		}
	}
}

func TestReason(t *testing.T) {
	tests := []struct {
		reason access.Reason
		code   string
		status int
	}{
		{access.Allowed, "allowed", 200},
		{access.PathRefused, "path_ambiguous", 400},
		{access.Unauthenticated, "unauthenticated", 401},
		{access.SessionRequired, "session_required", 403},
		{access.TokenRequired, "token_required", 403},
		{access.UserRequired, "user_required", 403},
		{access.MachineRequired, "machine_required", 403},
		{access.PermissionMissing, "forbidden", 403},
		{200, "forbidden", 403},
	}
	for _, test := range tests {
		if got, status := test.reason.String(), test.reason.Status(); got != test.code || status != test.status {
			t.Errorf("%d: got %s, %d, want %s, %d", test.reason, got, status, test.code, test.status)
		}
	}
}

func TestDemand(t *testing.T) {
	for demand, want := range map[access.Demand]string{
		access.SessionOnly: "session", access.SessionOrToken: "session_or_token", access.TokenOnly: "token", access.Public: "public",
	} {
		if got := demand.String(); got != want {
			t.Errorf("%d: got %s, want %s", demand, got, want)
		}
		if got, ok := access.ParseDemand(want); got != demand || !ok {
			t.Errorf("%s: got %d, %t", want, got, ok)
		}
	}
	if got := access.Demand(99).String(); got != "session" {
		t.Errorf("got %s", got)
	}
	for _, name := range []string{"", "Public", "PUBLIC", "public ", "sessions", "none", "session-or-token"} {
		if got, ok := access.ParseDemand(name); ok || got != access.SessionOnly {
			t.Errorf("%q: got %s, %t", name, got, ok)
		}
	}
}

func ExamplePolicy_Decide() {
	policy, err := access.NewPolicy([]access.Rule{
		{Path: "/assets/**", Demand: access.Public},
		{Path: "/api/orders/*", Methods: []string{"GET"}, Demand: access.SessionOrToken, Permissions: []string{"orders:read"}},
		{Path: "/api/**", Demand: access.TokenOnly, Only: access.Machine},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	script := &access.Principal{Kind: access.User, Via: access.APIToken, Subject: "0199…", Permissions: []string{"orders:read"}}
	for _, path := range []string{"/assets/app.css", "/api/orders/7?full=yes", "/api/%6frders/7", "/api/orders", "/account", "/assets/../account"} {
		d := policy.Decide("GET", path, script)
		fmt.Println(path, d.Rule, d.Reason.Status(), d.Reason)
	}
	// Output:
	// /assets/app.css 0 200 allowed
	// /api/orders/7?full=yes 1 200 allowed
	// /api/%6frders/7 1 200 allowed
	// /api/orders 2 403 machine_required
	// /account -1 403 session_required
	// /assets/../account -1 400 path_ambiguous
}

func ExampleNewPolicy_wrong() {
	_, err := access.NewPolicy([]access.Rule{
		{Path: "/assets/**", Demand: access.Public},
		{Path: "assets/%61", Methods: []string{"get"}},
		{Path: "/assets/private/*"},
	})
	fmt.Println(err)
	// Output:
	// rule 1: path: does not begin with a slash
	// rule 1: methods: "get" is not in upper case
	// rule 2: is never reached: all of its requests are taken by rule 0
}
