package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// listed is what only the configuration file can list.
type listed struct {
	providers []provider
	issuers   []issuer
}

// pairs is a map that is written "a=b,c=d", or as a map in the configuration file.
type pairs map[string]string

// UnmarshalText reads pairs.
func (p *pairs) UnmarshalText(text []byte) error {
	*p = pairs{}
	if len(text) == 0 {
		return nil
	}
	for one := range strings.SplitSeq(string(text), ",") {
		name, value, found := strings.Cut(strings.TrimSpace(one), "=")
		_, twice := (*p)[name]
		if !found || name == "" || twice {
			return errors.New("this is a list like a=b,c=d with different names")
		}
		(*p)[name] = value
	}
	return nil
}

// String writes pairs as they are read.
func (p pairs) String() string {
	list := make([]string, 0, len(p))
	for _, name := range slices.Sorted(maps.Keys(p)) {
		list = append(list, name+"="+p[name])
	}
	return strings.Join(list, ",")
}

// MarshalText is String.
func (p pairs) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// pairSettings are the names of the settings that are pairs.
var pairSettings = append(pairsOf[provider](), pairsOf[issuer]()...)

func pairsOf[T any]() (names []string) {
	for f := range fieldsOf[T]() {
		if f.Type == reflect.TypeFor[pairs]() {
			names = append(names, fieldName(f))
		}
	}
	return names
}

func isPairs(name string) bool {
	return slices.Contains(pairSettings, strings.TrimPrefix(name, providerPrefix))
}

// fieldsOf are the fields of a struct whose fields are settings.
func fieldsOf[T any]() func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		t := reflect.TypeFor[T]()
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// fieldName is the setting of a field.
func fieldName(f reflect.StructField) string {
	if name := f.Tag.Get("name"); name != "" {
		return name
	}
	return dashed(f.Name)
}

// takeList removes a list from the mapping that a configuration file is, and returns
// it. Its entries have the fields of T by their names.
func takeList[T any](root *yaml.Node, name, has string) (list []T, errs []error) {
	for root.Kind == yaml.AliasNode {
		root = root.Alias
	}
	if root.Kind != yaml.MappingNode {
		return nil, nil
	}
	var names []string
	for f := range fieldsOf[T]() {
		names = append(names, fieldName(f))
	}
	found := false
	for i := 0; i+1 < len(root.Content); {
		key, value := root.Content[i], root.Content[i+1]
		if key.Value != name {
			i += 2
			continue
		}
		root.Content = slices.Delete(root.Content, i, i+2)
		if found {
			errs = append(errs, fmt.Errorf("line %d: %s is there twice", key.Line, name))
			continue
		}
		found = true
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		switch {
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
		case value.Kind != yaml.SequenceNode:
			errs = append(errs, fmt.Errorf("line %d: %s is a list, each entry of which has %s and more", value.Line, name, has))
		default:
			for _, item := range value.Content {
				values := map[string]string{}
				flatten(item, "", names, values, &errs)
				one, wrong := readEntry[T](values)
				for _, err := range wrong {
					errs = append(errs, fmt.Errorf("line %d: %w", item.Line, err))
				}
				list = append(list, one)
			}
		}
	}
	return list, errs
}

// readEntry makes an entry of what the file says, by name.
func readEntry[T any](values map[string]string) (entry T, errs []error) {
	v := reflect.ValueOf(&entry).Elem()
	for f := range fieldsOf[T]() {
		text, ok := values[fieldName(f)]
		if !ok {
			continue
		}
		switch at := v.FieldByIndex(f.Index).Addr().Interface().(type) {
		case *string:
			*at = text
		case *secret:
			*at = secret(text)
		case *[]string:
			*at = strings.Split(text, ",")
		case *bool:
			yes, err := strconv.ParseBool(text)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s is true or false, not %q", fieldName(f), text))
			}
			*at = yes
		case *pairs:
			if err := at.UnmarshalText([]byte(text)); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", fieldName(f), err))
			}
		}
	}
	return entry, errs
}

// shown is an entry as "config print" writes it: what was given, with the secret
// masked.
func shown[T any](entry *T) map[string]any {
	out := map[string]any{}
	v := reflect.ValueOf(*entry)
	for f := range fieldsOf[T]() {
		value := v.FieldByIndex(f.Index)
		if value.IsZero() || (value.Kind() == reflect.Slice || value.Kind() == reflect.Map) && value.Len() == 0 {
			continue
		}
		if masked, ok := value.Interface().(secret); ok {
			out[fieldName(f)] = masked.String()
			continue
		}
		out[fieldName(f)] = value.Interface()
	}
	return out
}

// shownList is a list of entries as "config print" writes it.
func shownList[T any](entries []T) []any {
	list := make([]any, len(entries))
	for i := range entries {
		list[i] = shown(&entries[i])
	}
	return list
}

// joinPairs writes a map as pairs are written.
func joinPairs(n *yaml.Node, fail func(*yaml.Node)) string {
	var list []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind != yaml.ScalarNode || strings.ContainsAny(key.Value, ",=") || strings.Contains(value.Value, ",") {
			fail(value)
			continue
		}
		list = append(list, key.Value+"="+value.Value)
	}
	return strings.Join(list, ",")
}
