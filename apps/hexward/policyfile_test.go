package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	main "github.com/hexward/hexward/apps/hexward"
)

// writePolicy writes a policy to a file.
func writePolicy(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const goodPolicy = `# What each route demands.
- path: /assets/**
  access: public

- path: /api/orders/*
  methods: [GET]
  access: session_or_token
  permissions: [orders:read, orders:list]
- {path: /jobs/**, access: token, only: machine}
- path: /admin/**
  permissions:
    - admin
- path: /café menu
  only: user
`

func TestPolicyCheck(t *testing.T) {
	file := writePolicy(t, goodPolicy)
	stdout, stderr, code := command(t, "", "policy", "check", file)
	if code != 0 || stdout != "the policy is good (5 rules)\n" || stderr != "" {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
	stdout, stderr, code = command(t, "", "policy", "check", "--policy", file)
	if code != 0 || stdout != "the policy is good (5 rules)\n" || stderr != "" {
		t.Errorf("the setting: %d %s%s", code, stdout, stderr)
	}
	_, stderr, code = command(t, "", "policy", "check")
	if code != 2 || !strings.Contains(stderr, "which policy?") {
		t.Errorf("no file: %d %s", code, stderr)
	}
}

func TestPolicyCheck_json(t *testing.T) {
	for name, text := range map[string]string{
		"spaces":                     `[ {"path": "/a\/b", "methods": ["GET"]}, {"path":"/\u00e9", "access":"public"} ]`,
		"a backslash before a slash": `[{"path":"/a"},{"path":"/b","permissions":["x\/y"]}]`,
		"tabs":                       "[\n\t{\n\t\t\"path\":\t\"/a\",\n\t\t\"permissions\": [\"x\"]\n\t},\n\t{\"path\": \"/**\"}\n]\n",
		"a line":                     `[{"path":"/a"},{"path":"/b"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := command(t, "", "policy", "check", writePolicy(t, text))
			if code != 0 || stdout != "the policy is good (2 rules)\n" {
				t.Errorf("%d %s%s", code, stdout, stderr)
			}
		})
	}
}

func TestPolicyCheck_wrong(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // each problem; one that ends in … goes on
	}{
		{"nothing", "", []string{"has no rules"}},
		{"a comment", "# later\n", []string{"has no rules"}},
		{"an empty list", "[]", []string{"has no rules"}},
		{"nothing in a document", "---\n", []string{"has no rules"}},
		{"a map", "rules:\n- path: /a\n", []string{"line 1: a policy is a list of rules, like - path: /assets/**"}},
		{"text", "hello", []string{"line 1: a policy is a list…"}},
		{"no YAML", "- path: [", []string{"is neither YAML nor JSON: …"}},
		{"no JSON", `[{"path": "/a"`, []string{"is neither YAML nor JSON: …"}},
		{"JSON with a backslash", `[{"path": "/a\\/b"}]`, []string{`line 1: path: has '\\'…`}},
		{"JSON with a surrogate", `[{"path": "/\ud83d\ude00"}]`, []string{"is neither YAML nor JSON: …"}},
		{"two documents", "- path: /a\n---\n- path: /b\n", []string{"line 2: is a second document; a policy is one"}},
		{"two documents, of which one is broken", "- path: /a\n---\n- [\n", []string{"is neither YAML nor JSON: …"}},
		{"a rule that is text", "- /a\n- path: /b\n", []string{"line 1: a rule is written as path: …"}},
		{"a rule that is nothing", "-\n", []string{"line 1: a rule is written as path: …"}},
		{"a rule that is a list", "- [/a]\n", []string{"line 1: a rule is written as path: …"}},
		{"no path", "- access: public\n", []string{"line 1: a rule has a path"}},
		{"an empty path", "- path: ''\n", []string{"line 1: path: is plain text, not nothing"}},
		{"a null path", "- path: ~\n", []string{"line 1: path: is plain text, not nothing"}},
		{"a list of paths", "- path: [/a, /b]\n", []string{"line 1: path: is plain text, not a list"}},
		{"a path of lines", "- path: |\n    /a\n", []string{`line 1: path: has '\n'…`}},
		{"an unknown name", "- path: /a\n  colour: red\n", []string{`line 2: a rule has no "colour"; it has path, methods, access, permissions, only`}},
		{"a slip", "- path: /a\n  permission: [x]\n  Method: [GET]\n", []string{
			`line 2: a rule has no "permission"; did you mean permissions?`, `line 3: a rule has no "Method"; did you mean methods?`,
		}},
		{"a name twice", "- path: /a\n  access: token\n  access: public\n", []string{"line 3: access is there twice"}},
		{"a merge", "- &x {path: /a}\n- <<: *x\n  path: /b\n", []string{`line 2: a rule has no "<<"…`}},
		{"an alias for a rule", "- &x {path: /a}\n- *x\n", []string{"line 2: a rule is written as path: …"}},
		{"an alias for a list", "- path: /a\n  methods: &m [GET]\n- path: /b\n  methods: *m\n", []string{"line 4: methods: is a list with something in it, not an alias; …"}},
		{"one method without a list", "- path: /a\n  methods: GET\n", []string{`line 2: methods: is a list with something in it, not "GET"; leave it out for every method`}},
		{"no methods", "- path: /a\n  methods: []\n", []string{"line 2: methods: is a list with something in it, not an empty list; leave it out for every method"}},
		{"null methods", "- path: /a\n  methods:\n", []string{"line 2: methods: is a list with something in it, not nothing; …"}},
		{"a null method", "- path: /a\n  methods: [GET, ~]\n", []string{"line 2: methods: is plain text, not nothing"}},
		{"no permissions", "- path: /a\n  permissions: []\n", []string{"line 2: permissions: is a list with something in it, not an empty list; leave it out for none"}},
		{"null permissions", "- path: /a\n  permissions: null\n", []string{"line 2: permissions: is a list…"}},
		{"no access", "- path: /a\n  access:\n", []string{"line 2: access: is public, session, session_or_token or token, not nothing"}},
		{"an unknown access", "- path: /a\n  access: Public\n", []string{`line 2: access: is public, session, session_or_token or token, not "Public"`}},
		{"a list for access", "- path: /a\n  access: [public]\n", []string{"line 2: access: is …, not a list"}},
		{"only anonymous", "- path: /a\n  only: anonymous\n", []string{`line 2: only: is user or machine, not "anonymous"; leave it out for both`}},
		{"only nothing", "- path: /a\n  only:\n", []string{"line 2: only: is user or machine, not nothing; …"}},

		{"what the rules say", "- path: /a%61\n  methods: [get, PUT]\n  permissions: [ok, 'not ok']\n", []string{
			"line 1: path: has '%'…", `line 2: methods: "get" is not in upper case`, `line 3: permissions: "not ok" is not…`,
		}},
		{"a public rule with more", "- path: /a\n\n  permissions: [x]\n\n  access: public\n  only: user\n", []string{
			"line 3: permissions: do nothing on a public rule…", "line 6: only: does nothing on a public rule…",
		}},
		{"what is not reached", "# first\n- path: /a/**\n- path: /b\n  methods: [GET]\n- path: /b\n  methods: [POST]\n- path: /a/b\n- path: /b\n  methods: [POST, GET]\n", []string{
			"line 7: is never reached: all of its requests are taken by the rule of line 2",
			"line 8: is never reached: all of its requests are taken by the rule of line 3, 5",
		}},
		{"twice", "- path: /a\n- path: /a/\n", []string{"line 2: is a duplicate: its path and methods are taken by the rule of line 1"}},
		{"everything, by line", "- path: b\n  acces: token\n- path: /a\n- path: /a\n- methods: []\n", []string{
			"line 1: path: does not begin with a slash", `line 2: a rule has no "acces"; did you mean access?`, "line 4: is a duplicate…",
			"line 5: methods: is a list…", "line 5: a rule has a path",
		}},
		{"a rule that cannot be read is held against none", "- path: /**\n  methods: []\n- path: /a\n", []string{"line 2: methods: …"}},
		{"too many", strings.Repeat("- path: /a\n", 4097), []string{"has 4097 rules, which is more than 4096"}},
		{"too long", strings.Repeat("# 1234567890\n", 100_000), []string{"is over 1 MiB, which no policy is"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := writePolicy(t, test.text)
			stdout, stderr, code := command(t, "", "policy", "check", file)
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d: %s", code, stdout)
			}
			_, list, _ := strings.Cut(strings.TrimSpace(stderr), ":\n  - ")
			got := strings.Split(list, "\n  - ")
			if list == "" {
				_, one, _ := strings.Cut(strings.TrimSpace(stderr), "the configuration is wrong: ")
				got = []string{one}
			}
			for i := range got {
				got[i] = strings.TrimPrefix(got[i], file+": ")
				if i < len(test.want) {
					got[i] = shortened(got[i], test.want[i])
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// shortened puts … into a text where a wanted one has it, so that they can be compared.
func shortened(text, want string) string {
	before, after, ok := strings.Cut(want, "…")
	if ok && strings.HasPrefix(text, before) && strings.HasSuffix(text, after) && len(text) >= len(before)+len(after) {
		return want
	}
	return text
}

func TestPolicyCheck_file(t *testing.T) {
	_, stderr, code := command(t, "", "policy", "check", filepath.Join(t.TempDir(), "none.yaml"))
	if code != 2 || !strings.Contains(stderr, "none.yaml: no such file or directory") {
		t.Errorf("%d %s", code, stderr)
	}
	_, stderr, code = command(t, "", "policy", "check", t.TempDir())
	if code != 2 || !strings.Contains(stderr, "is a directory") {
		t.Errorf("%d %s", code, stderr)
	}
	file := writePolicy(t, goodPolicy)
	if err := os.Chmod(file, 0o646); err != nil {
		t.Fatal(err)
	}
	_, stderr, code = command(t, "", "policy", "check", file)
	if code != 2 || !strings.Contains(stderr, "everybody on this machine may write it") {
		t.Errorf("%d %s", code, stderr)
	}
}

// FuzzPolicyFile holds that a policy is either read, with rules, or what is wrong with it is said.
func FuzzPolicyFile(f *testing.F) {
	f.Add(goodPolicy)
	f.Add("[{\"path\":\"/a\\/b\",\t\"methods\":[\"GET\"]}]")
	f.Add("- path: /a\n---\n- [\n")
	f.Add("- &x {path: /a}\n- <<: *x\n  ? [a]\n  : b\n")
	f.Add("- path: !!binary L2E=\n  only: !<tag:x> user\n  methods: [[[]]]\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := main.ParsePolicy([]byte(text))
		if (err == nil) != (n > 0) || err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Errorf("%d rules, %v", n, err)
		}
	})
}
