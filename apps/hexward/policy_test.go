package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPolicyTest(t *testing.T) {
	file := writePolicy(t, goodPolicy)
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{
			"public",
			[]string{"GET", "/assets/app.css?v=1"},
			0,
			`request   GET /assets/app.css?v=1
asked by  nobody who is signed in
rule      FILE, line 2: path: /assets/**, access: public
decision  allowed, 200 allowed: whoever asks has shown what the rule demands
`,
		},
		{
			"a permission is missing",
			[]string{"HEAD", "/api/%6frders/7", "--as", "token", "--permission", "orders:list,other"},
			3,
			`request   HEAD /api/%6frders/7
asked by  a person with a token, holding orders:list other
rule      FILE, line 5: path: /api/orders/*, methods: [GET], access: session_or_token, permissions: [orders:read, orders:list]
decision  refused, 403 forbidden: whoever asks does not hold every permission
missing   orders:read
`,
		},
		{
			"both permissions",
			[]string{"GET", "/api/orders/7", "--as", "session", "--permission", "orders:list", "--permission", "orders:read"},
			0,
			`request   GET /api/orders/7
asked by  a person with a session, holding orders:list orders:read
rule      FILE, line 5: path: /api/orders/*, methods: [GET], access: session_or_token, permissions: [orders:read, orders:list]
decision  allowed, 200 allowed: whoever asks has shown what the rule demands
`,
		},
		{
			"another method",
			[]string{"POST", "/api/orders/7", "--as", "machine"},
			3,
			`request   POST /api/orders/7
asked by  a machine with a token
rule      none is about it: access is session
decision  refused, 403 session_required: a token was shown, and only a browser's session is good
`,
		},
		{
			"a machine",
			[]string{"POST", "/jobs", "--as", "machine"},
			0,
			`request   POST /jobs
asked by  a machine with a token
rule      FILE, line 9: path: /jobs/**, access: token, only: machine
decision  allowed, 200 allowed: whoever asks has shown what the rule demands
`,
		},
		{
			"no machine",
			[]string{"POST", "/jobs", "--as", "token"},
			3,
			`request   POST /jobs
asked by  a person with a token
rule      FILE, line 9: path: /jobs/**, access: token, only: machine
decision  refused, 403 machine_required: a person asks, and only machines may
`,
		},
		{
			"a session where a token is demanded",
			[]string{"POST", "/jobs", "--as", "session"},
			3,
			`request   POST /jobs
asked by  a person with a session
rule      FILE, line 9: path: /jobs/**, access: token, only: machine
decision  refused, 403 token_required: a session was shown, and only a token is good
`,
		},
		{
			"nobody, whose permissions count for nothing",
			[]string{"GET", "/admin", "--permission", "admin"},
			3,
			`request   GET /admin
asked by  nobody who is signed in
rule      FILE, line 10: path: /admin/**, access: session, permissions: [admin]
decision  refused, 401 unauthenticated: nobody is signed in
`,
		},
		{
			"a path of two meanings",
			[]string{"GET", "/assets/..%2fadmin\x1b[2J", "--as", "session", "--permission", "admin"},
			3,
			`request   GET /assets/..%2fadmin?[2J
asked by  a person with a session, holding admin
rule      none is asked
decision  refused, 400 path_ambiguous: the path can be read in more than one way, so that what decides and what answers may not mean the same
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, code := command(t, "", append([]string{"policy", "test", "--file", file}, test.args...)...)
			if diff := cmp.Diff(test.want, strings.ReplaceAll(stdout, file, "FILE")); diff != "" || code != test.code {
				t.Errorf("exit code %d %s", code, diff)
			}
			if wantError := test.code != 0; strings.Contains(stderr, "the request is refused with ") != wantError || !wantError && stderr != "" {
				t.Errorf("said %q", stderr)
			}
		})
	}
}

func TestPolicyTest_json(t *testing.T) {
	file := writePolicy(t, goodPolicy)
	stdout, _, code := command(t, "", "policy", "test", "GET", "/api/orders/7", "--policy", file, "--as", "machine", "--permission", "orders:read", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 3 {
		t.Fatalf("%d %v in %s", code, err, stdout)
	}
	want := map[string]any{
		"allowed": false, "status": 403., "reason": "forbidden", "missing_permissions": []any{"orders:list"},
		"rule": map[string]any{
			"index": 1., "line": 5., "path": "/api/orders/*", "methods": []any{"GET"}, "access": "session_or_token",
			"permissions": []any{"orders:read", "orders:list"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stdout, _, code = command(t, "", "policy", "test", "GET", "/caf%C3%A9%20menu", "--file", file, "--as", "session", "--json")
	if code != 0 || !strings.Contains(stdout, `"path": "/café menu"`) || !strings.Contains(stdout, `"only": "user"`) {
		t.Errorf("%d %s", code, stdout)
	}
	stdout, _, code = command(t, "", "policy", "test", "GET", "/elsewhere", "--file", file, "--as", "session", "--json")
	if code != 0 || !strings.Contains(stdout, `"rule": null`) {
		t.Errorf("%d %s", code, stdout)
	}
}

func TestPolicyTest_usage(t *testing.T) {
	file := writePolicy(t, goodPolicy)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no path", []string{"GET", "--file", file}, `expected "<path>"`},
		{"no policy", []string{"GET", "/"}, "which policy?"},
		{"somebody else", []string{"GET", "/", "--file", file, "--as", "operator"}, `--as must be one of "anonymous","session","token","machine"`},
		{"no permission", []string{"GET", "/", "--file", file, "--permission", "a b"}, `"a b" is not 1 to 64 letters`},
		{"a wrong policy", []string{"GET", "/", "--file", writePolicy(t, "- path: x\n")}, "line 1: path: does not begin with a slash"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, code := command(t, "", append([]string{"policy", "test"}, test.args...)...)
			if code != 2 || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("%d %s%s", code, stdout, stderr)
			}
		})
	}
}
