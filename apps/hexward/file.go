package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// maxConfigFile bounds what is read of a configuration file.
const maxConfigFile = 1 << 20

// sources resolves settings that the command line leaves open: from the
// environment, else from the configuration file. It implements kong.Resolver.
// What is wrong it collects in the config's problems, so that all of it is told
// at once.
type sources struct {
	config *config
	getenv func(string) string

	file   map[string]string // value by setting
	own    map[string]bool   // settings that are given, but for the default and borrowed names
	family *family           // whose names of a provider count, if anybody's
	loaded bool
}

// setting is a value from outside the command line.
type setting struct{ value, origin string }

// Validate has nothing to do: what the sources say is only known once the
// command line is.
func (s *sources) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a setting, or nil when the sources do not say.
// Flags of a single command are not settings.
func (s *sources) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if parent.App == nil || flag.Name == "help" {
		return nil, nil
	}
	if !s.loaded {
		s.loaded = true
		s.load(ctx, parent.App)
	}
	found, ok := s.look(flag.Name)
	if !ok {
		return nil, nil
	}
	if err := fits(flag, found.value); err != nil {
		s.config.problems = append(s.config.problems, fmt.Errorf("%s: %w", found.origin, err))
		return nil, nil
	}
	s.config.origins[flag.Name] = found.origin
	return found.value, nil
}

func (s *sources) look(name string) (setting, bool) {
	if v := s.getenv(variable(name)); v != "" {
		return setting{v, variable(name)}, true
	}
	if v, ok := s.file[name]; ok {
		return setting{v, s.config.File + ": " + name}, true
	}
	return s.borrowed(name)
}

// variable is the environment variable of a setting.
func variable(name string) string {
	return "HEXWARD_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// fits reports whether a setting can have the value. The error does not repeat a
// secret.
func fits(flag *kong.Flag, value string) error {
	target := reflect.New(flag.Target.Type()).Elem()
	err := flag.Value.Mapper.Decode(&kong.DecodeContext{
		Value: flag.Value, Scan: kong.ScanFromTokens(kong.Token{Value: value, Type: kong.FlagValueToken}),
	}, target)
	if err != nil && target.Type() == reflect.TypeFor[secret]() {
		return errors.New("cannot be read")
	}
	return err
}

// load reads the file that --config or HEXWARD_CONFIG names.
func (s *sources) load(ctx *kong.Context, app *kong.Application) {
	names := make([]string, 0, len(app.Flags))
	var path string
	defer func() { s.note(names, flagged(ctx, app)) }()
	for _, f := range app.Flags {
		switch f.Name {
		case "help":
		case "config":
			path, _ = ctx.FlagValue(f).(string)
		default:
			names = append(names, f.Name)
		}
	}
	if path == "" {
		path = s.getenv(variable("config"))
	}
	if path == "" {
		return
	}
	s.config.File = path
	values, list, err := readConfigFile(path, names)
	if err != nil {
		s.config.problems = append(s.config.problems, fmt.Errorf("%s: %w", path, err))
	}
	s.file, s.config.listed = values, list
	if len(list.providers) > 0 {
		s.config.origins["providers"] = path + ": providers"
	}
	if len(list.issuers) > 0 {
		s.config.origins["issuers"] = path + ": issuers"
	}
}

// flagged returns what tells whether the command line has a setting.
func flagged(ctx *kong.Context, app *kong.Application) func(name string) bool {
	given := map[string]bool{}
	for _, step := range ctx.Path {
		if step.Flag != nil {
			given[step.Flag.Name] = true
		}
	}
	return func(name string) bool { return given[name] }
}

// readConfigFile returns what a configuration file says, by setting, and what it lists. Maps within
// it stand for names with a dash: smtp: {host: h} is smtp-host: h. The error names
// everything that is wrong; what is right is returned all the same.
func readConfigFile(path string, names []string) (values map[string]string, list listed, err error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, list, reason(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err != nil {
		return nil, list, reason(err)
	}
	if len(text) > maxConfigFile {
		return nil, list, errors.New("is over 1 MiB, which no configuration file is")
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, list, fmt.Errorf("is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if root.Kind == 0 {
		return nil, list, nil
	}
	values = map[string]string{}
	var errs []error
	var wrong []error
	list.providers, wrong = takeList[provider](root.Content[0], "providers", "a client-id")
	errs = append(errs, wrong...)
	list.issuers, wrong = takeList[issuer](root.Content[0], "issuers", "an issuer")
	errs = append(errs, wrong...)
	flatten(root.Content[0], "", names, values, &errs)
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o007 != 0 {
		if slices.ContainsFunc(list.providers, func(p provider) bool { return p.ClientSecret != "" }) {
			errs = append(errs, errors.New("has the client-secret of a provider and everybody on this machine may read it; chmod 600 it, or use client-secret-file"))
		}
		if slices.ContainsFunc(list.issuers, func(i issuer) bool { return i.Secret != "" }) {
			errs = append(errs, errors.New("has the secret of an issuer and everybody on this machine may read it; chmod 600 it, or use secret-file"))
		}
		for _, name := range names {
			if values[name] != "" && isSecret(name) {
				errs = append(errs, fmt.Errorf("has %s and everybody on this machine may read it; chmod 600 it, or use %s-file", name, name))
			}
		}
	}
	return values, list, errors.Join(errs...)
}

// isSecret tells the settings that are secrets by their name.
func isSecret(name string) bool {
	return strings.HasSuffix(name, "-password") || strings.HasSuffix(name, "-secret") || strings.HasSuffix(name, "master-key")
}

func flatten(n *yaml.Node, prefix string, names []string, into map[string]string, errs *[]error) {
	fail := func(n *yaml.Node, format string, args ...any) {
		*errs = append(*errs, fmt.Errorf("line %d: "+format, append([]any{n.Line}, args...)...))
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		fail(n, "settings are written as name: value")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := prefix + key.Value
		known := slices.Contains(names, name)
		_, twice := into[name]
		within := slices.ContainsFunc(names, func(s string) bool { return strings.HasPrefix(s, name+"-") })
		switch {
		case twice:
			fail(key, "%s is there twice", name)
		case known && value.Kind == yaml.ScalarNode:
			if value.Tag != "!!null" {
				into[name] = value.Value
			}
		case known && value.Kind == yaml.SequenceNode:
			list := make([]string, len(value.Content))
			for i, item := range value.Content {
				if item.Kind != yaml.ScalarNode {
					fail(item, "%s is a list of plain values", name)
				}
				if list[i] = item.Value; strings.Contains(item.Value, ",") {
					fail(item, "%s is a list of values without a comma", name)
				}
			}
			into[name] = strings.Join(list, ",")
		case known && isPairs(name) && value.Kind == yaml.MappingNode:
			into[name] = joinPairs(value, func(n *yaml.Node) { fail(n, "%s is a map of plain values without a comma", name) })
		case within && value.Kind == yaml.MappingNode:
			flatten(value, name+"-", names, into, errs)
		case known:
			fail(key, "%s is a plain value", name)
		default:
			fail(key, "there is no setting %s%s", name, nearest(name, append(slices.Clone(names), "providers", "issuers")))
		}
	}
}

// nearest suggests the name that was probably meant.
func nearest(name string, names []string) string {
	best, least := "", 1+max(2, len(name)/3)
	plain := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
	for _, candidate := range names {
		if d := distance(plain, candidate); d < least {
			best, least = candidate, d
		}
	}
	if best == "" {
		return `; "hexward serve --help" lists them`
	}
	return "; did you mean " + best + "?"
}

// distance is how many characters must be inserted, removed or replaced to make
// one text the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}

// reason is what the system says of a file, without its name, which the caller
// says.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readSecret returns a secret that is given as itself or as the name of a file,
// not both.
func readSecret(name string, given secret, path string) (secret, error) {
	switch {
	case given != "" && path != "":
		return "", fmt.Errorf("%s and %s-file are both given: which one?", name, name)
	case given == mask:
		return "", fmt.Errorf("%s is the mask that a secret is shown as, not the secret", name)
	case path == "":
		return given, nil
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("%s-file %s: %w", name, path, reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("%s-file %s: %w", name, path, reason(err))
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s-file %s: everybody on this machine may read it (mode %04o): chmod 600 it, and replace the secret if others use this machine",
			name, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", fmt.Errorf("%s-file %s: %w", name, path, reason(err))
	}
	read := strings.TrimRight(string(text), "\r\n")
	if read == "" {
		return "", fmt.Errorf("%s-file %s: is empty", name, path)
	}
	return secret(read), nil
}
