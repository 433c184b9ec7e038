package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/hexward/hexward/core/access"
)

// policyFile is a policy, and where its rules are.
type policyFile struct {
	*access.Policy
	name  string
	lines []int // of each rule
}

// loadPolicy reads the policy of a file. The error says everything that is wrong with it, with the file's name and
// the lines, and unjoin takes it apart.
func loadPolicy(path string) (*access.Policy, error) {
	f, err := readPolicy(path)
	if err != nil {
		return nil, err
	}
	return f.Policy, nil
}

// readPolicy is loadPolicy with the lines.
func readPolicy(path string) (*policyFile, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o002 != 0 {
		return nil, fmt.Errorf("%s: everybody on this machine may write it, and with it who may do what (mode %04o): chmod o-w it", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	if len(text) > maxConfigFile {
		return nil, fmt.Errorf("%s: is over 1 MiB, which no policy is", path)
	}
	p, err := parsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p.name = path
	return p, nil
}

// jsonToYAML replaces what JSON has and YAML has not: tabs between values, and slashes that are escaped.
var jsonToYAML = strings.NewReplacer("\t", " ", `\/`, `/`, `\\`, `\\`)

// policyParser reads the rules of a policy file and collects what is wrong with them.
type policyParser struct {
	rules []access.Rule
	at    []written // of each of the rules
	found []finding
}

// finding is one thing that is wrong.
type finding struct {
	line int
	err  error
}

// written is where the parts of a rule are.
type written struct {
	line   int
	fields map[string]int
}

func (p *policyParser) wrong(line int, format string, args ...any) {
	p.found = append(p.found, finding{line, fmt.Errorf("line %d: %w", line, fmt.Errorf(format, args...))})
}

// parsePolicy reads a policy: a list of rules in YAML or JSON, in the order in which they are asked.
//
//	# anybody
//	- path: /assets/**
//	  access: public
//	- path: /api/orders/*
//	  methods: [GET, POST]
//	  access: session_or_token
//	  permissions: [orders:read]
//	- path: /jobs/**
//	  access: token
//	  only: machine
//
// A rule without methods is about every method, and one without access demands a session. The error joins everything that
// is wrong, by line. What could be read in two ways is refused: aliases, several documents, empty values and
// lists, names that are there twice.
func parsePolicy(text []byte) (*policyFile, error) {
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		text = []byte(jsonToYAML.Replace(string(text)))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root, more yaml.Node
	if err := decoder.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, notYAML(err)
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return nil, errors.New("has no rules")
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, fmt.Errorf("line %d: is a second document; a policy is one", more.Line)
	case !errors.Is(err, io.EOF):
		return nil, notYAML(err)
	}
	list := root.Content[0]
	if list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
		return nil, errors.New("has no rules")
	}
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: a policy is a list of rules, like - path: /assets/**", list.Line)
	}
	if len(list.Content) == 0 {
		return nil, errors.New("has no rules")
	}
	if len(list.Content) > access.MaxRules {
		return nil, fmt.Errorf("has %d rules, which is more than %d", len(list.Content), access.MaxRules)
	}
	p := &policyParser{}
	for _, n := range list.Content {
		p.rule(n)
	}
	policy, err := access.NewPolicy(p.rules)
	p.explain(err)
	if len(p.found) > 0 {
		slices.SortStableFunc(p.found, func(a, b finding) int { return cmp.Compare(a.line, b.line) })
		errs := make([]error, len(p.found))
		for i := range p.found {
			errs[i] = p.found[i].err
		}
		return nil, errors.Join(errs...)
	}
	f := &policyFile{Policy: policy}
	for _, at := range p.at {
		f.lines = append(f.lines, at.line)
	}
	return f, nil
}

func notYAML(err error) error {
	return fmt.Errorf("is neither YAML nor JSON: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}

// ruleNames are what a rule has.
var ruleNames = []string{"path", "methods", "access", "permissions", "only"}

// rule reads one rule. One whose path or methods cannot be read is held against no other.
func (p *policyParser) rule(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.wrong(n.Line, "a rule is written as path: /…, methods: […] and so on")
		return
	}
	rule, at, good := access.Rule{}, written{n.Line, map[string]int{}}, true
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		if key.Kind != yaml.ScalarNode || !slices.Contains(ruleNames, name) {
			p.wrong(key.Line, "a rule has no %s%s", strconv.Quote(name), meant(name))
			continue
		}
		if at.fields[name] != 0 {
			p.wrong(key.Line, "%s is there twice", name)
			continue
		}
		at.fields[name] = key.Line
		ok := true
		switch name {
		case "path":
			rule.Path, ok = p.scalar(name, value)
			good = good && ok
		case "methods":
			rule.Methods, ok = p.list(name, value, "leave it out for every method")
			good = good && ok
		case "permissions":
			rule.Permissions, _ = p.list(name, value, "leave it out for none")
		case "access":
			if rule.Demand, ok = access.ParseDemand(value.Value); !ok || value.Kind != yaml.ScalarNode {
				p.wrong(value.Line, "access: is public, session, session_or_token or token, not %s", shownNode(value))
			}
		case "only":
			switch {
			case value.Kind == yaml.ScalarNode && value.Value == access.User.String():
				rule.Only = access.User
			case value.Kind == yaml.ScalarNode && value.Value == access.Machine.String():
				rule.Only = access.Machine
			default:
				p.wrong(value.Line, "only: is user or machine, not %s; leave it out for both", shownNode(value))
			}
		}
	}
	if at.fields["path"] == 0 {
		p.wrong(n.Line, "a rule has a path")
		good = false
	}
	if good {
		p.rules, p.at = append(p.rules, rule), append(p.at, at)
	}
}

// scalar reads a plain value.
func (p *policyParser) scalar(name string, n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		p.wrong(n.Line, "%s: is plain text, not %s", name, shownNode(n))
		return "", false
	}
	return n.Value, true
}

// list reads a list of plain values.
func (p *policyParser) list(name string, n *yaml.Node, none string) (values []string, ok bool) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		p.wrong(n.Line, "%s: is a list with something in it, not %s; %s", name, shownNode(n), none)
		return nil, false
	}
	ok = true
	for _, item := range n.Content {
		value, good := p.scalar(name, item)
		values, ok = append(values, value), ok && good
	}
	return values, ok
}

// explain says what NewPolicy says, by lines.
func (p *policyParser) explain(err error) {
	if err == nil {
		return
	}
	for _, e := range unjoin(err) {
		var wrong *access.RuleError
		if !errors.As(e, &wrong) || wrong.Index < 0 {
			p.wrong(1, "%w", e)
			continue
		}
		at := p.at[wrong.Index]
		line, text := at.line, wrong.Problem()
		if wrong.Field != "" {
			text = wrong.Field + ": " + text
			if at.fields[wrong.Field] != 0 {
				line = at.fields[wrong.Field]
			}
		}
		for i, by := range wrong.By {
			text += []string{" by the rule of line ", ", "}[min(i, 1)] + strconv.Itoa(p.at[by].line)
		}
		p.wrong(line, "%s", text)
	}
}

// shownNode says what was found in the place of something else.
func shownNode(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.Tag == "!!null" || n.Value == "":
		return "nothing"
	case len(n.Value) > 60:
		return strconv.Quote(n.Value[:60]) + "…"
	default:
		return strconv.Quote(n.Value)
	}
}

// meant suggests what the name in a rule is probably for.
func meant(name string) string {
	best, least := "", 1+max(2, len(name)/3)
	for _, candidate := range ruleNames {
		if d := distance(strings.ToLower(name), candidate); d < least && len(name) < 40 {
			best, least = candidate, d
		}
	}
	if best == "" {
		return "; it has " + strings.Join(ruleNames, ", ")
	}
	return "; did you mean " + best + "?"
}
