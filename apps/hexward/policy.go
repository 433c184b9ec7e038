package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
)

type policyCommand struct {
	Check policyCheck `cmd:"" help:"Say everything that is wrong with a policy; exit with 2 if anything is."`
	Test  policyTest  `cmd:"" help:"Say what a policy decides about a request, and by which rule; exit with 3 if it is refused."`
}

type policyCheck struct {
	File string `arg:"" optional:"" help:"The policy, in YAML or JSON; that of the setting policy if it is not given."`
}

// Run checks.
func (c *policyCheck) Run(p *program) error {
	f, err := p.policy(c.File, "hexward policy check")
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "the policy is good (%d rules)\n", f.Len())
	return nil
}

// policy reads a policy file, or else the configured one. The error is problems.
func (p *program) policy(path, try string) (*policyFile, error) {
	if path == "" {
		path = p.config.Policy
	}
	if path == "" {
		return nil, &usageError{errors.New("which policy? Name its file, or give the setting policy"), try}
	}
	f, err := readPolicy(path)
	if err != nil {
		return nil, problems(unjoin(err))
	}
	return f, nil
}

type policyTest struct {
	Method     string   `arg:"" help:"The request's method, to the letter: GET."`
	Path       string   `arg:"" help:"Its path, as it comes, with escapes and query: /orders/7?x=y."`
	File       string   `placeholder:"FILE" help:"The policy, in YAML or JSON; that of the setting policy if it is not given."`
	As         string   `enum:"anonymous,session,token,machine" default:"anonymous" placeholder:"WHO" help:"Who asks (${default}): anonymous, session (a person's browser), token (a person's program) or machine."`
	Permission []string `placeholder:"NAME,…" help:"What they hold."`
	JSON       bool     `help:"Print JSON."`
}

// shownDecision is a decision as commands print one.
type shownDecision struct {
	Allowed bool       `json:"allowed"`
	Status  int        `json:"status"`
	Reason  string     `json:"reason"`
	Missing []string   `json:"missing_permissions,omitempty"`
	Rule    *shownRule `json:"rule"` // null when no rule is about it
}

type shownRule struct {
	Index       int      `json:"index"`
	Line        int      `json:"line"`
	Path        string   `json:"path"`
	Methods     []string `json:"methods,omitempty"`
	Access      string   `json:"access"`
	Only        string   `json:"only,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
}

// Run decides, and explains.
func (c *policyTest) Run(p *program) error {
	f, err := p.policy(c.File, "hexward policy test")
	if err != nil {
		return err
	}
	who := c.caller()
	for _, name := range c.Permission {
		if !access.ValidPermission(name) {
			return &usageError{fmt.Errorf("--permission: %q is not 1 to 64 letters, digits and .:_-/* characters", name), "hexward policy test"}
		}
	}
	d := f.Decide(c.Method, c.Path, who)
	shown := shownDecision{Allowed: d.Reason == access.Allowed, Status: d.Reason.Status(), Reason: d.Reason.String()}
	if d.Rule >= 0 {
		r := f.Rule(d.Rule)
		shown.Rule = &shownRule{Index: d.Rule, Line: f.lines[d.Rule], Path: r.Path, Methods: r.Methods, Access: r.Demand.String(), Permissions: r.Permissions}
		if r.Only != access.Anonymous {
			shown.Rule.Only = r.Only.String()
		}
		if d.Reason == access.PermissionMissing {
			shown.Missing = slices.DeleteFunc(slices.Clone(r.Permissions), who.Has)
		}
	}
	if c.JSON {
		err = printJSON(p.stdout, shown)
	} else {
		_, err = fmt.Fprint(p.stdout, f.explained(c, d, &shown))
	}
	if err != nil || shown.Allowed {
		return err
	}
	return fault.New(fault.Forbidden, shown.Reason, fmt.Sprintf("the request is refused with %d, %s", shown.Status, shown.Reason))
}

// caller returns somebody of the sort that asks.
func (c *policyTest) caller() *access.Principal {
	who := &access.Principal{Kind: access.User, Subject: "somebody", Permissions: slices.Compact(slices.Sorted(slices.Values(c.Permission)))}
	switch c.As {
	case "session":
		who.Via = access.SessionCookie
	case "token":
		who.Via = access.APIToken
	case "machine":
		who.Kind, who.Via = access.Machine, access.AccessToken
	default:
		return &access.Principal{}
	}
	return who
}

// explained is a decision for people.
func (f *policyFile) explained(c *policyTest, d access.Decision, shown *shownDecision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "request   %s %s\n", printable(c.Method), printable(c.Path))
	who := map[string]string{
		"anonymous": "nobody who is signed in", "session": "a person with a session", "token": "a person with a token", "machine": "a machine with a token",
	}[c.As]
	if len(c.Permission) > 0 && c.As != "anonymous" {
		who += ", holding " + strings.Join(c.Permission, " ")
	}
	fmt.Fprintf(&b, "asked by  %s\n", who)
	switch {
	case shown.Rule != nil:
		fmt.Fprintf(&b, "rule      %s, line %d: %s\n", printable(f.name), shown.Rule.Line, printable(shown.Rule.text()))
	case d.Reason == access.PathRefused:
		b.WriteString("rule      none is asked\n")
	default:
		b.WriteString("rule      none is about it: access is session\n")
	}
	outcome := "refused"
	if shown.Allowed {
		outcome = "allowed"
	}
	fmt.Fprintf(&b, "decision  %s, %d %s: %s\n", outcome, shown.Status, shown.Reason, because[d.Reason])
	if len(shown.Missing) > 0 {
		fmt.Fprintf(&b, "missing   %s\n", strings.Join(shown.Missing, " "))
	}
	return b.String()
}

// because says what a reason means.
var because = map[access.Reason]string{
	access.Allowed:           "whoever asks has shown what the rule demands",
	access.PathRefused:       "the path can be read in more than one way, so that what decides and what answers may not mean the same",
	access.Unauthenticated:   "nobody is signed in",
	access.SessionRequired:   "a token was shown, and only a browser's session is good",
	access.TokenRequired:     "a session was shown, and only a token is good",
	access.UserRequired:      "a machine asks, and only people may",
	access.MachineRequired:   "a person asks, and only machines may",
	access.PermissionMissing: "whoever asks does not hold every permission",
}

// text is the rule as it may be written, in one line.
func (r *shownRule) text() string {
	text := "path: " + r.Path
	if len(r.Methods) > 0 {
		text += ", methods: [" + strings.Join(r.Methods, ", ") + "]"
	}
	text += ", access: " + r.Access
	if r.Only != "" {
		text += ", only: " + r.Only
	}
	if len(r.Permissions) > 0 {
		text += ", permissions: [" + strings.Join(r.Permissions, ", ") + "]"
	}
	return text
}
