package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const sharedSecret = "Vj1p0ZqR8sWc-hush-4uXkT7mLbN2yDfGe9"

const manyIssuers = `
issuers:
  - name: auth0
    preset: auth0
    domain: example.eu.auth0.com
    audiences: [https://api.example.com]
    permissions: [permissions]
    users: made
  - preset: cognito
    issuer: https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI
    clients: [4f1abc, 4f1def]
    permissions: ["scope https://api.example.com/* *", "cognito:groups * team:*"]
    tenants: {red: the-reds}
    tenant-required: true
  - name: keys
    issuer: https://id.example/realms/staff
    preset: keycloak
    jwks: https://id.example/realms/staff/protocol/openid-connect/certs
    audiences: [hexward]
    userinfo: never
    machine:
      subject-prefixes: [sc_, svc_]
      claims: {kind: machine}
  - name: old
    issuer: https://old.example
    algorithms: [HS256]
    secret: ` + sharedSecret + `
    types: [none, JWT]
    audiences: [us]
    users: refused
`

func TestIssuers_listed(t *testing.T) {
	file := writeConfig(t, manyIssuers)
	args := []string{"--config", file, "--data", t.TempDir()}
	stdout, stderr, code := command(t, "", append([]string{"config", "print"}, args...)...)
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{
		"issuers: # from " + file + ": issuers", "secret: '********'", "machine-claims: kind=machine", "tenants: red=the-reds", "tenant-required: true",
		"userinfo: never", "preset: cognito", "- scope https://api.example.com/* *",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	var printed map[string]any
	if err := yaml.Unmarshal([]byte(stdout), &printed); err != nil {
		t.Fatal(err)
	}
	if list, _ := printed["issuers"].([]any); len(list) != 4 {
		t.Errorf("printed %v", printed["issuers"])
	}
	asJSON, _, _ := command(t, "", append([]string{"config", "print", "--json"}, args...)...)
	var got struct {
		Issuers []map[string]any `json:"issuers"`
	}
	if err := json.Unmarshal([]byte(asJSON), &got); err != nil || len(got.Issuers) != 4 || got.Issuers[0]["domain"] != "example.eu.auth0.com" {
		t.Errorf("%v in %s", err, asJSON)
	}
	if strings.Contains(stdout+stderr+asJSON, "hush") {
		t.Errorf("a secret is shown:\n%s", stdout)
	}
}

func TestIssuers_refused(t *testing.T) {
	dir := t.TempDir()
	open, closed := filepath.Join(dir, "open"), filepath.Join(dir, "closed")
	for file, mode := range map[string]os.FileMode{open: 0o604, closed: 0o600} {
		if err := os.WriteFile(file, []byte("hush"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	const good = "issuer: https://id.example, audiences: [us]"
	for _, tt := range []struct {
		name string
		text string
		want string // "" for a good one
	}{
		{"good", "[{" + good + "}]", ""},
		{"people", "[{" + good + ", people: {url: 'https://id.example/users/{sub}', secret-file: " + closed + "}}]", ""},
		{"two", "[{" + good + "}, {name: b, issuer: https://b.example, audiences: [us]}]", ""},
		{"unknown_key", "[{" + good + ", audence: us}]", "did you mean audiences?"},
		{"not_a_list", "{" + good + "}", "issuers is a list, each entry of which has an issuer and more"},
		{"no_audience", "[{issuer: https://id.example}]", "issuers, entry 1: an audience is needed"},
		{"audience_with_a_comma", "[{issuer: https://id.example, audiences: ['a,b']}]", "audiences is a list of values without a comma"},
		{"nowhere", "[{audiences: [us]}]", "an issuer or a discovery URL is needed"},
		{"http", "[{issuer: http://id.example, audiences: [us]}]", "an issuer is an absolute https URL"},
		{"opaque", "[{" + good + ", preset: github}]", "the preset is one of auth0, authress, cognito, keycloak, microsoft, oidc"},
		{"cognito_without_clients", "[{preset: cognito, " + good + "}]", "the clients whose tokens are taken are needed"},
		{"names_twice", "[{" + good + "}, {issuer: https://b.example, audiences: [us]}]", "another issuer is called \"oidc\" too"},
		{"issuer_twice", "[{" + good + "}, {name: b, " + good + "}]", "are those of this service, or of another issuer in the list"},
		{"this_service", "[{issuer: http://127.0.0.1:8080, audiences: [us]}]", "are those of this service"},
		{"users", "[{" + good + ", users: some}]", "users: is made (just in time), known (those who signed in with it before) or refused, not \"some\""},
		{"link_without_making", "[{" + good + ", link-by-email: true}]", "link-by-email: is for users: made"},
		{"tenant_and_tenants", "[{" + good + ", tenant: a, tenants: {b: c}}]", "tenant and tenants are both given"},
		{"tenant_of_nothing", "[{" + good + ", tenants: {b: ''}}]", "say which tenant \"b\" is here"},
		{"tenant_that_is_none", "[{" + good + ", tenant: 'A b'}]", "\"A b\" is no tenant's id"},
		{"permission", "[{" + good + ", permissions: ['scope read:*']}]", "is neither the name of a claim, nor as"},
		{"permission_without_stars", "[{" + good + ", permissions: ['scope a b']}]", "is neither the name of a claim, nor as"},
		{"machines_of_every_subject", "[{" + good + ", machine-subject-prefixes: ['']}]", "machines: subject prefixes"},
		{"machines_and_none", "[{" + good + ", no-machines: true, machine-clients: [a]}]", "machines: there are rules"},
		{"secret_without_algorithm", "[{" + good + ", secret: " + sharedSecret + "}]", "a secret is for the algorithm HS256"},
		{"secret_too_short", "[{" + good + ", algorithms: [HS256], secret: hush}]", "needs 32 or more"},
		{"secret_missing", "[{" + good + ", algorithms: [HS256]}]", "HS256 needs the secret that the issuer signs with"},
		{"both_kinds", "[{" + good + ", algorithms: [HS256, RS256], secret: " + sharedSecret + "}]", "HS256 alone"},
		{"mask", "[{" + good + ", algorithms: [HS256], secret: '********'}]", "is the mask"},
		{"secret_file_for_everybody", "[{" + good + ", algorithms: [HS256], secret-file: " + open + "}]", "everybody on this machine may read it (mode 0604)"},
		{"people_secret_for_everybody", "[{" + good + ", people-url: 'https://id.example/{sub}', people-secret-file: " + open + "}]", "everybody on this machine may read it (mode 0604)"},
		{"people_without_secret", "[{" + good + ", people-url: 'https://id.example/{sub}'}]", "people: a secret is needed"},
		{"people_at_another_host", "[{" + good + ", people-url: 'https://{sub}.example/', people-secret-file: " + closed + "}]", "not of the host"},
		{"edge_without_a_bundle", "[{name: a, issuer: 'https://a.example', audiences: [us], edge: true}]", "set bundle to secret"},
		{"edge_with_a_secret", "[{name: a, issuer: 'https://a.example', audiences: [us], algorithms: [HS256], secret: " + sharedSecret + ", edge: true}]", "a secret, which is in no bundle"},
		{"everybody_at_microsoft", "[{preset: microsoft, issuer: 'https://login.microsoftonline.com/common/v2.0', audiences: [us]}]", "the issuer is that of one tenant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := writeConfig(t, "issuers: "+tt.text+"\n")
			_, stderr, code := command(t, "", "config", "check", "--config", file, "--data", t.TempDir())
			if want := map[bool]int{true: 0, false: 2}[tt.want == ""]; code != want || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q is not said: %s", code, tt.want, stderr)
			}
			if strings.Contains(stderr, "hush") {
				t.Errorf("a secret is said: %s", stderr)
			}
		})
	}

	// Where others can read it.
	file := writeConfig(t, manyIssuers)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := command(t, "", "config", "check", "--config", file, "--data", t.TempDir()); code != 2 || !strings.Contains(stderr, "has the secret of an issuer and everybody") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
