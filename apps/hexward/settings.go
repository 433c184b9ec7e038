package main

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

type configCommand struct {
	Check configCheck `cmd:"" help:"Say everything that is wrong with the configuration; exit with 2 if anything is."`
	Print configPrint `cmd:"" help:"Print every setting with where it came from, as a configuration file. Secrets are masked."`
}

type configCheck struct{}

// Run checks.
func (*configCheck) Run(p *program) error {
	if _, err := p.config.check(); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "the configuration is good")
	for _, warning := range p.config.warnings() {
		fmt.Fprintln(p.stdout, "but:", warning)
	}
	return nil
}

type configPrint struct {
	JSON bool `help:"Print JSON."`
}

// Run prints the settings, good or not, and then what is wrong with them.
func (c *configPrint) Run(p *program) error {
	names, values := p.config.list()
	if c.JSON {
		all := map[string]any{}
		for i, name := range names {
			all[name] = values[i]
		}
		if err := printJSON(p.stdout, all); err != nil {
			return err
		}
	} else if err := p.printYAML(names, values); err != nil {
		return err
	}
	_, err := p.config.check()
	return err
}

func (p *program) printYAML(names []string, values []any) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for i, name := range names {
		value := &yaml.Node{}
		if err := value.Encode(values[i]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if origin := p.config.origins[name]; origin != "" {
			value.LineComment = "from " + origin
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: name}
		if value.Kind == yaml.SequenceNode && len(value.Content) > 0 {
			key.LineComment, value.LineComment = value.LineComment, ""
		}
		root.Content = append(root.Content, key, value)
	}
	e := yaml.NewEncoder(p.stdout)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return err
	}
	return e.Close()
}

// list returns every setting's name and value, in the order of the fields, with
// secrets masked.
func (c *config) list() (names []string, values []any) {
	names, values = listOf(reflect.ValueOf(*c), "")
	if len(c.listed.providers) > 0 {
		names, values = append(names, "providers"), append(values, shownList(c.listed.providers))
	}
	if len(c.listed.issuers) > 0 {
		names, values = append(names, "issuers"), append(values, shownList(c.listed.issuers))
	}
	return names, values
}

// listOf lists the fields of a struct, with a prefix before their names.
func listOf(v reflect.Value, prefix string) (names []string, values []any) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "File" {
			continue
		}
		if inner, ok := f.Tag.Lookup("prefix"); ok {
			more, theirs := listOf(v.Field(i), inner)
			names, values = append(names, more...), append(values, theirs...)
			continue
		}
		names = append(names, prefix+fieldName(f))
		switch value := v.Field(i).Interface().(type) {
		case time.Duration:
			values = append(values, span(value))
		case encoding.TextMarshaler:
			text, _ := value.MarshalText()
			values = append(values, string(text))
		case []string:
			values = append(values, append([]string{}, value...))
		default:
			values = append(values, value)
		}
	}
	return names, values
}

// dashed is the flag of a field: "OpsListen" is ops-listen.
func dashed(field string) string {
	var b strings.Builder
	for i, r := range field {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
