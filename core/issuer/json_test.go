package issuer_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

// full is rules with every field set.
func full() issuer.Rules {
	return issuer.Rules{
		Preset: "auth0", Clients: []string{"app", "job"}, Required: []string{"org_id", "a.b"}, TenantClaim: "org_id",
		Permissions: []issuer.PermissionClaim{{Claim: "scope", Strip: "https://api.example/", Add: "api:"}, {Claim: "permissions"}},
		Machines: issuer.Machines{
			Clients: []string{"<\"&>"}, ClientPrefixes: []string{"svc-"}, SubjectPrefixes: []string{"machine|"}, SubjectSuffixes: []string{"@clients"},
			Claims: []issuer.ClaimWord{{Claim: "gty", Word: "client-credentials"}, {Claim: "realm_access.roles", Word: ""}},
		},
	}
}

func parse(t testing.TB, doc string) (issuer.Rules, error) {
	t.Helper()
	v, err := token.ParseJSON(doc)
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return issuer.Parse(v)
}

func TestRules_round_trip(t *testing.T) {
	long := make([]string, 1024)
	for i := range long {
		long[i] = strings.Repeat("日", i%300) + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
	}
	tests := []struct {
		name  string
		rules issuer.Rules
		want  string // "" for not asked
	}{
		{"nothing", issuer.Rules{}, `{}`},
		{"a preset", issuer.Rules{Preset: "keycloak"}, `{"preset":"keycloak"}`},
		{"no machines", issuer.Rules{Machines: issuer.Machines{None: true}}, `{"machines":{"none":true}}`},
		{"everything", full(), ""},
		{"the longest lists and words", issuer.Rules{Clients: long, Machines: issuer.Machines{Clients: []string{strings.Repeat("<", 1024)}}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.rules.Check(); err != nil {
				t.Fatal(err)
			}
			doc := string(test.rules.AppendJSON([]byte("x")))[1:]
			if test.want != "" && doc != test.want {
				t.Errorf("%s, want %s", doc, test.want)
			}
			got, err := parse(t, doc)
			if diff := cmp.Diff(test.rules, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

// What is carried is the same text each time, whatever the order in which it is read.
func TestRules_AppendJSON(t *testing.T) {
	rules := full()
	const want = `{"preset":"auth0","clients":["app","job"],"required":["org_id","a.b"],"tenant":"org_id",` +
		`"permissions":[{"claim":"scope","strip":"https://api.example/","add":"api:"},{"claim":"permissions"}],` +
		`"machines":{"clients":["\u003C\"\u0026\u003E"],"client_prefixes":["svc-"],"subject_prefixes":["machine|"],"subject_suffixes":["@clients"],` +
		`"claims":[["gty","client-credentials"],["realm_access.roles",""]]}}`
	if diff := cmp.Diff(want, string(rules.AppendJSON(nil))); diff != "" {
		t.Error(diff)
	}
}

func TestParse_refused(t *testing.T) {
	words := make([]string, 1025)
	for i := range words {
		words[i] = strconv.Itoa(i)
	}
	if _, err := parse(t, `{"clients":["`+strings.Join(words[:1024], `","`)+`"]}`); err != nil {
		t.Fatal(err)
	}
	many := `["` + strings.Join(words, `","`) + `"]`
	for _, doc := range []string{
		`null`, `[]`, `"oidc"`, `1`, `true`,
		`{"preset":"Auth0"}`, `{"preset":"google"}`, `{"preset":"github"}`, `{"preset":""}`, `{"preset":null}`, `{"preset":1}`, `{"preset":["oidc"]}`,
		`{"Preset":"oidc"}`, `{"unknown":1}`, `{"machine":{}}`,
		`{"clients":[]}`, `{"clients":null}`, `{"clients":"app"}`, `{"clients":{"app":1}}`, `{"clients":[""]}`, `{"clients":[1]}`, `{"clients":["a","a"]}`,
		`{"clients":["a","\u0061"]}`, `{"clients":["a\u0000"]}`, `{"clients":["a\n"]}`, `{"clients":["\u0085"]}`, `{"clients":["` + strings.Repeat("x", 1025) + `"]}`,
		`{"clients":["` + strings.Repeat(`\u0061`, 1025) + `"]}`,
		`{"clients":` + many + `}`, `{"required":[null]}`, `{"tenant":""}`, `{"tenant":["a"]}`, `{"tenant":"a\u007f"}`,
		`{"permissions":[]}`, `{"permissions":{}}`, `{"permissions":["scope"]}`, `{"permissions":[{}]}`, `{"permissions":[{"claim":""}]}`,
		`{"permissions":[{"strip":"a"}]}`, `{"permissions":[{"claim":"a","strip":""}]}`, `{"permissions":[{"claim":"a","add":null}]}`, `{"permissions":[{"claim":"a","x":"b"}]}`,
		`{"permissions":[` + strings.Repeat(`{"claim":"a"},`, 1024) + `{"claim":"a"}]}`,
		`{"machines":{}}`, `{"machines":null}`, `{"machines":[]}`, `{"machines":{"none":false}}`, `{"machines":{"none":1}}`, `{"machines":{"none":true,"clients":["a"]}}`,
		`{"machines":{"clients":[]}}`, `{"machines":{"None":true}}`, `{"machines":{"subject_suffixes":[""]}}`, `{"machines":{"subject_prefixes":[""]}}`,
		`{"machines":{"claims":{}}}`, `{"machines":{"claims":[]}}`, `{"machines":{"claims":[[]]}}`, `{"machines":{"claims":[["a"]]}}`, `{"machines":{"claims":[["a","b","c"]]}}`,
		`{"machines":{"claims":[["","b"]]}}`, `{"machines":{"claims":[["a",1]]}}`, `{"machines":{"claims":[["b","x"],["a","x"]]}}`, `{"machines":{"claims":[["a","x"],["a","y"]]}}`,
		`{"machines":{"claims":["a","b"]}}`, `{"machines":{"claims":[{"a":"b"}]}}`,
	} {
		if got, err := parse(t, doc); !errors.Is(err, issuer.ErrRules) || cmp.Diff(issuer.Rules{}, got) != "" {
			t.Errorf("%.80s: %+v, %v", doc, got, err)
		}
	}
	if got, err := issuer.Parse(token.Value{}); !errors.Is(err, issuer.ErrRules) {
		t.Errorf("no value: %+v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	rules := full()
	f.Add(string(rules.AppendJSON(nil)))
	f.Add(`{"machines":{"claims":[["a","b"],["b",""]]}}`)
	f.Add(`{"preset":"microsoft","permissions":[{"claim":"roles","add":"x:"}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		v, err := token.ParseJSON(doc)
		if err != nil {
			return
		}
		r, err := issuer.Parse(v)
		if err != nil {
			return
		}
		if err := r.Check(); err != nil {
			t.Fatalf("%s: it was read, and %v", doc, err)
		}
		text := string(r.AppendJSON(nil))
		again, err := parse(t, text)
		if diff := cmp.Diff(r, again); diff != "" || err != nil {
			t.Fatalf("%s became %s: %s, %v", doc, text, diff, err)
		}
		if second := string(again.AppendJSON(nil)); second != text {
			t.Fatalf("%s became %s", text, second)
		}
	})
}
