package main_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	main "github.com/hexward/hexward/apps/hexward"
)

// writeConfig writes a configuration file that only its owner can read.
func writeConfig(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hexward.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const manyProviders = `
providers:
  - name: work
    title: Work
    preset: keycloak
    issuer: https://id.example/realms/staff
    client-id: hexward
    client-secret: hush-hush-hush
    scopes: [openid, email]
    tenant-claim: org
    tenants: {acme: a, globex: b}
    auth-params:
      prompt: login
    redirect-uris: [https://app.example/signed-in, com.example.app:/signed-in]
  - preset: google
    client: {id: g, secret: hush-too}
    link-by-email: true
  - preset: github
    client-id: h
    tenant: outside
  - name: cup
    discovery: https://cup.example/.well-known/openid-configuration
    client-id: i
    endpoints: {end-session: "https://cup.example/bye"}
`

func TestProviders_listed(t *testing.T) {
	file := writeConfig(t, manyProviders)
	env := map[string]string{
		"HEXWARD_PROVIDER_PRESET": "auth0", "HEXWARD_PROVIDER_DOMAIN": "example.eu.auth0.com",
		"HEXWARD_PROVIDER_CLIENT_ID": "one", "HEXWARD_PROVIDER_CLIENT_SECRET": "hush-three", "HEXWARD_PROVIDER_TENANTS": "x=y,z=w",
	}
	args := []string{"--config", file, "--data", t.TempDir()}
	stdout, stderr, code := commandWith(t, env, "", append([]string{"config", "print"}, args...)...)
	if code != 0 {
		t.Fatal(stderr)
	}
	if strings.Contains(stdout+stderr, "hush") {
		t.Errorf("a secret is shown:\n%s", stdout)
	}
	for _, want := range []string{
		"providers: # from " + file + ": providers", "provider-domain: example.eu.auth0.com # from HEXWARD_PROVIDER_DOMAIN",
		"provider-client-secret: '********' # from HEXWARD_PROVIDER_CLIENT_SECRET", "provider-tenants: x=y,z=w # from HEXWARD_PROVIDER_TENANTS",
		"tenants: acme=a,globex=b", "link-by-email: true", "endpoints: end-session=https://cup.example/bye", "client-secret: '********'",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	var printed map[string]any
	if err := yaml.Unmarshal([]byte(stdout), &printed); err != nil {
		t.Fatal(err)
	}
	if list, _ := printed["providers"].([]any); len(list) != 4 {
		t.Errorf("printed %v", printed["providers"])
	}
	stdout, _, _ = commandWith(t, env, "", append([]string{"config", "print", "--json"}, args...)...)
	var got struct {
		Providers []map[string]any `json:"providers"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Providers) != 4 || got.Providers[1]["preset"] != "google" {
		t.Errorf("%v in %s", err, stdout)
	}
	if strings.Contains(stdout, "hush") {
		t.Errorf("a secret is shown:\n%s", stdout)
	}

	// A mask that was printed is not a secret that is read.
	masked := writeConfig(t, "providers: [{preset: google, client-id: a, client-secret: '********'}]")
	if _, stderr, code := command(t, "", "config", "check", "--config", masked); code != 2 || !strings.Contains(stderr, "is the mask") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// One provider may be a map of the file too.
func TestProviders_one_in_the_file(t *testing.T) {
	file := writeConfig(t, `
provider:
  preset: cognito
  issuer: https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI
  domain: acme.auth.eu-west-1.amazoncognito.com
  client: {id: abc}
  tenants: {a: b}
`)
	stdout, stderr, code := command(t, "", "config", "print", "--config", file)
	if code != 0 || !strings.Contains(stdout, "provider-tenants: a=b # from "+file+": provider-tenants") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestProviders_refused(t *testing.T) {
	open := writeConfig(t, "hush")
	if err := os.Chmod(open, 0o604); err != nil {
		t.Fatal(err)
	}
	const good = "preset: google, client-id: a"
	for _, tt := range []struct {
		name string
		text string
		want string
	}{
		{"unknown_key", "[{" + good + ", isuer: https://a.example}]", "line 1: there is no setting isuer; did you mean issuer?"},
		{"underscore", "[{preset: google, client_id: a}]", "there is no setting client_id; did you mean client-id?\n"},
		{"nested_unknown", "[{preset: google, client: {id: a, secrt: b}}]", "did you mean client-secret?"},
		{"key_twice", "[{" + good + ", client-id: b}]", "client-id is there twice"},
		{"not_a_list", "{" + good + "}", "providers is a list"},
		{"not_maps", "[google]", "settings are written as name: value"},
		{"preset", "[{preset: gogle, client-id: a}]", "the preset is one of auth0, authress, cognito, github, google, keycloak, microsoft, oidc, not \"gogle\""},
		{"nowhere", "[{client-id: a}]", "an issuer or a discovery URL is needed"},
		{"http", "[{client-id: a, issuer: http://id.example}]", "an issuer is an absolute https URL"},
		{"looks_like_loopback", "[{client-id: a, issuer: http://127.0.0.1.evil.example}]", "an issuer is an absolute https URL"},
		{"client_missing", "[{preset: google}]", "a client id is needed"},
		{"name", "[{" + good + ", name: 'A b'}]", "a name is up to 32 lower-case letters"},
		{"names_twice", "[{" + good + "}, {" + good + "}]", "another provider is called \"google\" too"},
		{"secret_twice", "[{" + good + ", client-secret: hush, client-secret-file: x}]", "both given"},
		{"secret_file_missing", "[{" + good + ", client-secret-file: none}]", "no such file"},
		{"secret_file_for_everybody", "[{" + good + ", client-secret-file: " + open + "}]", "everybody on this machine may read it (mode 0604)"},
		{"tenant_and_tenants", "[{" + good + ", tenant: a, tenants: {b: c}}]", "tenant and tenants are both given"},
		{"tenant_of_nothing", "[{" + good + ", tenants: {b: ''}}]", "say which tenant \"b\" is here"},
		{"tenants_of_a_list", "[{" + good + ", tenants: {b: [c]}}]", "tenants is a map of plain values"},
		{"link", "[{" + good + ", link-by-email: perhaps}]", "link-by-email is true or false"},
		{"redirect_http", "[{" + good + ", redirect-uris: ['http://app.example/']}]", "neither https nor on loopback"},
		{"redirect_wildcard", "[{" + good + ", redirect-uris: ['https://*.app.example/']}]", "without a fragment or wildcard"},
		{"redirect_fragment", "[{" + good + ", redirect-uris: ['https://app.example/#a']}]", "without a fragment or wildcard"},
		{"redirect_script", "[{" + good + ", redirect-uris: ['javascript:alert(1)']}]", "is not a URL like"},
		{"scope", "[{" + good + ", scopes: [email]}]", "the scopes lack openid"},
		{"state_of_ours", "[{" + good + ", auth-params: {state: x}}]", "not for the configuration"},
		{"endpoint", "[{" + good + ", endpoints: {tokn: https://a.example}}]", "there is no tokn; they are authorization,"},
		{"endpoint_http", "[{" + good + ", endpoints: {token: http://a.example}}]", "is not https"},
		{"symmetric", "[{" + good + ", algorithms: [HS256]}]", "not \"HS256\""},
		{"title", "[{" + good + ", title: \"a\\nb\"}]", "title: is at most 100 bytes in one line"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := writeConfig(t, "providers: "+tt.text+"\n")
			_, stderr, code := command(t, "", "config", "check", "--config", file, "--data", t.TempDir())
			if code != 2 || !strings.Contains(stderr+"\n", tt.want) {
				t.Errorf("exit code %d, %q is not said: %s", code, tt.want, stderr)
			}
			if strings.Contains(stderr, "hush") {
				t.Errorf("a secret is said: %s", stderr)
			}
		})
	}

	// Everything at once, where others can read it.
	file := writeConfig(t, "site: ''\nproviders:\n  - {preset: google, client-secret: hush, sope: a}\n  - {preset: nothing}\nproviders: []\nprovder: x\n")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := command(t, "", "config", "check", "--config", file, "--data", t.TempDir(), "--callback-path", "x")
	for _, want := range []string{
		"did you mean scopes?", "line 5: providers is there twice", "did you mean providers?", "has the client-secret of a provider and everybody",
		"site: is empty", "providers, entry 1: a client id is needed", "providers, entry 2: the preset is one of", "callback-path: \"x\" is not a path",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not said", want)
		}
	}
	if code != 2 || strings.Contains(stderr, "hush") || t.Failed() {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestProviders_callback(t *testing.T) {
	for path, want := range map[string]string{
		"/oidc/callback": "", "/oidc/callback/": "", "/auth/callback": "", "/a-b_c.d~e": "",
		"oidc": "is not a path", "/": "is not a path", "//a": "is not a path", "/a/../b": "is not a path", "/a//b": "is not a path", "/a?b": "is not a path",
		"/:id": "is not a path", "/%2e": "is not a path", "/sign-in": "choose another one", "/auth/login": "choose another one",
		"/auth/x/change_username": "choose another one", "/admin/users/x": "choose another one", "/confirm/token": "choose another one",
	} {
		_, stderr, code := command(t, "", "config", "check", "--data", t.TempDir(), "--callback-path", path)
		if (code == 0) != (want == "") || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d: %s", path, code, stderr)
		}
	}
}

// The names of other systems are understood unchanged, and are the last to count.
func TestBorrowed(t *testing.T) {
	auth0 := map[string]string{
		"AUTH0_DOMAIN": "example.eu.auth0.com", "AUTH0_AUDIENCE": "https://api.example", "AUTH0_CLIENT_ID": "abc",
		"AUTH0_CLIENT_SECRET": "hush-hush", "FRONTEND_URL": "http://localhost:3000",
	}
	oidc := map[string]string{
		"OIDC_CLIENT": "def", "OIDC_CLIENT_SECRET": "hush-too", "CONF_URL": "https://id.example/.well-known/openid-configuration",
		"SCOPE": "openid profile  email", "CALLBACK_ROUTE": "/oidc/callback/", "LOGIN_REDIRECT_URL": "/welcome", "SESSION_FILE": "/tmp/none/sessions.db",
		"USE_OAUTH": "true",
	}
	tokens := map[string]string{
		"JWT_SECRET_KEY": signing, "JWT_ALGORITHM": "HS256", "JWT_ACCESS_TOKEN_EXPIRE_MINUTES": "30", "TOKEN_CACHE_SIZE": "500", "TOKEN_CACHE_TTL": "90",
	}
	with := func(base map[string]string, more ...string) map[string]string {
		out := maps.Clone(base)
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	for _, tt := range []struct {
		name string
		env  map[string]string
		file string
		args []string
		want map[string]string // by setting: the value, and where it is from
		not  []string          // settings that are empty
		err  string
	}{
		{
			name: "auth0", env: auth0, want: map[string]string{
				"provider-preset": "auth0 # from AUTH0_DOMAIN", "provider-domain": "example.eu.auth0.com # from AUTH0_DOMAIN",
				"provider-audience": "https://api.example # from AUTH0_AUDIENCE", "provider-client-id": "abc # from AUTH0_CLIENT_ID",
				"provider-client-secret": "'********' # from AUTH0_CLIENT_SECRET", "front-end": "http://localhost:3000 # from FRONTEND_URL",
				"cors-origins": "[http://localhost:3000] # from FRONTEND_URL", "development": "false",
				"provider-redirect-uris": "[http://localhost:3000, http://localhost:3000/, http://localhost:3000/callback] # from FRONTEND_URL",
			},
		},
		{name: "auth0_as_a_url", env: with(auth0, "AUTH0_DOMAIN", "https://example.eu.auth0.com/"), want: map[string]string{
			"provider-domain": "example.eu.auth0.com # from AUTH0_DOMAIN",
		}},
		{name: "oidc", env: oidc, want: map[string]string{
			"provider-preset": "oidc # from CONF_URL", "provider-discovery": "https://id.example/.well-known/openid-configuration # from CONF_URL",
			"provider-client-id": "def # from OIDC_CLIENT", "provider-client-secret": "'********' # from OIDC_CLIENT_SECRET",
			"provider-scopes": "[openid, profile, email] # from SCOPE", "callback-path": "/oidc/callback/ # from CALLBACK_ROUTE",
			"front-end": "/welcome # from LOGIN_REDIRECT_URL", "database": "/tmp/none/sessions.db # from SESSION_FILE", "development": "false",
		}},
		{name: "ours_win", env: with(auth0, "HEXWARD_PROVIDER_CLIENT_ID", "ours", "HEXWARD_FRONT_END", "/x", "HEXWARD_PROVIDER_PRESET", "auth0",
			"HEXWARD_CORS_ORIGINS", "https://app.example"), want: map[string]string{
			"provider-client-id": "ours # from HEXWARD_PROVIDER_CLIENT_ID", "front-end": "/x # from HEXWARD_FRONT_END",
			"provider-domain": "example.eu.auth0.com # from AUTH0_DOMAIN", "cors-origins": "[https://app.example] # from HEXWARD_CORS_ORIGINS",
		}},
		{name: "no_origin_of_another_front_end", env: with(auth0, "HEXWARD_FRONT_END", "/x"), not: []string{"cors-origins"}},
		{name: "the_file_wins", env: oidc, file: "callback-path: /back\ndatabase: /tmp/none/x.db\n", want: map[string]string{
			"callback-path": "/back # from (file): callback-path", "database": "/tmp/none/x.db # from (file): database",
		}},
		{name: "a_flag_wins", env: oidc, args: []string{"--callback-path", "/flag"}, want: map[string]string{"callback-path": "/flag"}},
		{
			name: "a_secret_is_not_for_another_provider", env: with(auth0, "HEXWARD_PROVIDER_ISSUER", "https://id.example", "HEXWARD_PROVIDER_CLIENT_ID", "ours"),
			want: map[string]string{"provider-client-id": "ours # from HEXWARD_PROVIDER_CLIENT_ID"},
			not:  []string{"provider-client-secret", "provider-domain", "provider-audience", "provider-preset"},
		},
		{
			name: "nor_for_one_of_a_flag", env: auth0, args: []string{"--provider-issuer", "https://id.example", "--provider-client-id", "ours"},
			not: []string{"provider-client-secret"},
		},
		{name: "scope_alone_is_no_provider", env: map[string]string{"SCOPE": "openid", "AUTH0_AUDIENCE": "x"}, not: []string{"provider-scopes", "provider-audience"}},
		{name: "no_anchor", env: map[string]string{"OIDC_CLIENT": "x", "AUTH0_CLIENT_ID": "y"}, err: "CONF_URL: is needed with OIDC_CLIENT"},
		{name: "two_at_once", env: with(auth0, "CONF_URL", oidc["CONF_URL"]), err: "put them in the list providers"},
		{name: "bypass_unclear", env: map[string]string{"USE_OAUTH": "maybe"}, err: "USE_OAUTH: is true or false, not \"maybe\""},
		{name: "bypass", env: map[string]string{"USE_OAUTH": "False", "OIDC_CLIENT": "x"}, want: map[string]string{"development": "true # from USE_OAUTH"}},
		{name: "bypass_undone", env: map[string]string{"USE_OAUTH": "false", "HEXWARD_DEVELOPMENT": "false"}, want: map[string]string{
			"development": "false # from HEXWARD_DEVELOPMENT",
		}},
		{
			name: "tokens", env: tokens, want: map[string]string{
				"signing-secret": "'********' # from JWT_SECRET_KEY", "algorithm": "HS256 # from JWT_ALGORITHM", "access-life": "30m # from JWT_ACCESS_TOKEN_EXPIRE_MINUTES",
				"token-cache": "500 # from TOKEN_CACHE_SIZE", "token-cache-ttl": "1m30s # from TOKEN_CACHE_TTL",
			},
		},
		{name: "a_secret_is_for_HS256", env: with(tokens, "JWT_ALGORITHM", ""), want: map[string]string{"algorithm": "HS256 # from JWT_SECRET_KEY"}},
		{name: "so_is_one_of_ours", env: map[string]string{"HEXWARD_SIGNING_SECRET": signing}, want: map[string]string{"algorithm": "HS256 # from signing-secret"}},
		{name: "and_one_in_a_file", args: []string{"--signing-secret-file", writeConfig(t, signing)}, want: map[string]string{
			"algorithm": "HS256 # from signing-secret-file", "signing-secret": "",
		}},
		{name: "an_algorithm_alone", env: map[string]string{"JWT_ALGORITHM": "RS256"}, want: map[string]string{"algorithm": "RS256 # from JWT_ALGORITHM"}},
		{
			name: "our_tokens_win", env: with(tokens, "HEXWARD_ACCESS_LIFE", "5m", "HEXWARD_TOKEN_CACHE", "7", "HEXWARD_TOKEN_CACHE_TTL", "1s",
				"HEXWARD_SIGNING_SECRET", signing+"x", "HEXWARD_ALGORITHM", "HS256"),
			want: map[string]string{
				"access-life": "5m # from HEXWARD_ACCESS_LIFE", "token-cache": "7 # from HEXWARD_TOKEN_CACHE", "token-cache-ttl": "1s # from HEXWARD_TOKEN_CACHE_TTL",
				"signing-secret": "'********' # from HEXWARD_SIGNING_SECRET", "algorithm": "HS256 # from HEXWARD_ALGORITHM",
			},
		},
		{name: "our_file_wins", env: tokens, args: []string{"--signing-secret-file", writeConfig(t, signing)}, not: []string{"signing-secret"}},
		{
			name: "another_algorithm_than_the_secret's", env: with(tokens, "JWT_ALGORITHM", "RS256"),
			err: "algorithm: is RS256 (from JWT_ALGORITHM), but a signing secret is for HS256",
		},
		{
			name: "another_algorithm_of_ours", env: with(tokens, "JWT_ALGORITHM", "", "HEXWARD_ALGORITHM", "EdDSA"),
			err: "algorithm: is EdDSA (from HEXWARD_ALGORITHM), but a signing secret is for HS256",
		},
		{name: "no_such_algorithm", env: map[string]string{"JWT_ALGORITHM": "HS512"}, err: "algorithm: is EdDSA, ES256, RS256 or HS256, not \"HS512\""},
		{name: "secret_too_short", env: map[string]string{"JWT_SECRET_KEY": "hush-hush"}, err: "JWT_SECRET_KEY: has 9 bytes, and needs 32 or more; make one with"},
		{name: "minutes", env: map[string]string{"JWT_ACCESS_TOKEN_EXPIRE_MINUTES": "30m"}, err: "JWT_ACCESS_TOKEN_EXPIRE_MINUTES: is a whole number of minutes, not \"30m\""},
		{name: "too_many_minutes", env: map[string]string{"JWT_ACCESS_TOKEN_EXPIRE_MINUTES": "10080"}, err: "access-life: is 1m to 24h, not 168h"},
		{name: "seconds", env: map[string]string{"TOKEN_CACHE_TTL": "-1"}, err: "TOKEN_CACHE_TTL: is a whole number of seconds"},
		{name: "entries", env: map[string]string{"TOKEN_CACHE_SIZE": "many"}, err: "TOKEN_CACHE_SIZE: "},
		{name: "front_end_in_the_clear", env: map[string]string{"FRONTEND_URL": "http://app.example"}, err: "http:// is for loopback only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args, file := append([]string{"config", "print"}, tt.args...), ""
			if tt.file != "" {
				file = writeConfig(t, tt.file)
				args = append(args, "--config", file)
			}
			stdout, stderr, code := commandWith(t, tt.env, "", args...)
			if (code == 0) != (tt.err == "") || !strings.Contains(stderr, tt.err) {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if n := strings.Count(stderr, tt.err); tt.err != "" && n != 1 {
				t.Errorf("said %d times: %s", n, stderr)
			}
			if strings.Contains(stdout+stderr, "hush") {
				t.Errorf("a secret is shown: %s%s", stdout, stderr)
			}
			var printed yaml.Node
			if err := yaml.Unmarshal([]byte(stdout), &printed); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for i, n := 0, printed.Content[0].Content; i < len(n); i += 2 {
				text := n[i+1].Value
				if n[i+1].Style == yaml.SingleQuotedStyle {
					text = "'" + text + "'"
				}
				if n[i+1].Kind == yaml.SequenceNode {
					var list []string
					for _, item := range n[i+1].Content {
						list = append(list, item.Value)
					}
					if text = "[" + strings.Join(list, ", ") + "]"; len(list) == 0 {
						text = ""
					}
				}
				if comment := n[i].LineComment + n[i+1].LineComment; comment != "" {
					text += " " + comment
				}
				got[n[i].Value] = text
			}
			for name, want := range tt.want {
				if want = strings.ReplaceAll(want, "(file)", file); got[name] != want {
					t.Errorf("%s is %q, not %q", name, got[name], want)
				}
			}
			for _, name := range tt.not {
				if got[name] != "" {
					t.Errorf("%s is %q", name, got[name])
				}
			}
		})
	}
}

// The README has a line for each.
func TestBorrowed_documented(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := main.BorrowedNames()
	if len(names) != 18 || !slices.IsSorted(names) {
		t.Errorf("the names are %v", names)
	}
	for _, name := range names {
		if !strings.Contains(string(text), "| `"+name+"`") {
			t.Errorf("README.md has no line on %s", name)
		}
	}
}

// A database elsewhere is nobody else's, and has one server.
func TestDatabase(t *testing.T) {
	open := t.TempDir()
	if err := os.Chmod(open, os.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(open, "a.db"): "everybody on this machine may write to", filepath.Dir(open): "is not a file"} {
		_, stderr, code := commandWith(t, map[string]string{"SESSION_FILE": path}, "", "config", "check", "--data", t.TempDir())
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d: %s", path, code, stderr)
		}
	}
	file, data := filepath.Join(t.TempDir(), "a.db"), t.TempDir()
	serve(t, data, "--database", file)
	key := filepath.Join(data, "master.key")
	_, stderr, code := command(t, "", "serve", "--data", t.TempDir(), "--database", file, "--master-key-file", key, "--listen", "127.0.0.1:0", "--ops-listen", "off")
	if code != 3 || !strings.Contains(stderr, "another hexward serves") {
		t.Errorf("a second server: exit code %d: %s", code, stderr)
	}
}

// The bypass is for who sits at this machine. Everything else refuses to start.
func TestDevelopment_refused(t *testing.T) {
	for _, tt := range []struct {
		name string
		args string
		want string
	}{
		{"public", "--public-url https://id.example.org", "public-url (https://id.example.org) is not a loopback one"},
		{"listener", "--listen 0.0.0.0:0 --public-url https://localhost", "can be reached from other machines"},
		{"listener_v6", "--listen [::]:0 --public-url https://localhost", "can be reached from other machines"},
		{"a_host_that_looks_local", "--listen 127.0.0.1.example.org:0 --public-url https://localhost", "can be reached from other machines"},
		{"proxies", "--trusted-proxies 127.0.0.1", "leave trusted-proxies out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, command := range []string{"serve", "config check"} {
				args := append(strings.Fields(command), "--data", t.TempDir(), "--ops-listen", "off")
				_, stderr, code := commandWith(t, map[string]string{"USE_OAUTH": "false"}, "", append(args, strings.Fields(tt.args)...)...)
				if code != 2 || !strings.Contains(stderr, tt.want) {
					t.Errorf("exit code %d: %s", code, stderr)
				}
			}
		})
	}
}
