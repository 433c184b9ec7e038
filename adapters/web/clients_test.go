package web_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
)

type clientAnswer struct {
	ID, Tenant, Name, Secret string
	Permissions              []string
	Keys                     json.RawMessage
	Disabled                 bool
	DisabledAt               *time.Time `json:"disabled_at"`
	Secrets                  []struct {
		CreatedAt time.Time  `json:"created_at"`
		ExpiresAt *time.Time `json:"expires_at"`
	}
}

const (
	keyX      = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" // of RFC 8037 §A.2
	publicKey = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"` + keyX + `"}]}`
)

func TestClients(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	var c clientAnswer
	a := root.do("POST", "/admin/clients", fields{"name": "billing", "permissions": []string{"write", "read"}}).want(201, "")
	a.into(&c)
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Location") != "/admin/clients/"+c.ID || c.Tenant != "default" || c.Name != "billing" ||
		!cmp.Equal(c.Permissions, []string{"read", "write"}) || c.Keys != nil || c.Disabled || len(c.Secrets) != 1 || !strings.HasPrefix(c.Secret, "hxc_") {
		t.Errorf("answer %v %s", a.Header, a.Body)
	}
	m := &machine{f, c.ID, c.Secret}
	m.token()

	var got clientAnswer
	a = root.do("GET", "/admin/clients/"+c.ID, nil).want(200, "")
	if a.into(&got); got.ID != c.ID || strings.Contains(a.Body, "hxc_") || strings.Contains(a.Body, `"secret"`) {
		t.Errorf("answer %s", a.Body)
	}
	var rotated clientAnswer
	root.do("POST", "/admin/clients/"+c.ID+"/rotate", nil).want(200, "").into(&rotated)
	if rotated.Secret == c.Secret || len(rotated.Secrets) != 2 || rotated.Secrets[0].ExpiresAt == nil || rotated.Secrets[1].ExpiresAt != nil {
		t.Errorf("rotated %+v", rotated)
	}
	m.token() // the one before works on
	next := &machine{f, c.ID, rotated.Secret}
	next.token()
	root.do("POST", "/admin/clients/"+c.ID+"/rotate", fields{"compromised": true}).want(200, "").into(&rotated)
	for _, old := range []*machine{m, next} {
		f.post("/oauth/token", "grant_type=client_credentials", "Authorization", old.basic()).refused(401, "invalid_client")
	}
	m.Secret = rotated.Secret
	f.clock.Add(int64(time.Second))
	access := m.token()

	a = root.do("PATCH", "/admin/clients/"+c.ID, fields{"name": "invoices", "permissions": []string{}}).want(200, "")
	if a.into(&got); got.Name != "invoices" || len(got.Permissions) != 0 || !strings.Contains(a.Body, `"permissions":[]`) || strings.Contains(a.Body, "hxc_") {
		t.Errorf("changed %s", a.Body)
	}
	f.bearer(access).do("GET", "/auth/verify", nil).want(401, "") // it said otherwise
	root.do("PATCH", "/admin/clients/"+c.ID, fields{"keys": json.RawMessage(publicKey)}).want(200, "").into(&got)
	var keys struct{ Keys []struct{ Kid, X string } }
	if err := json.Unmarshal(got.Keys, &keys); err != nil || len(keys.Keys) != 1 || keys.Keys[0].Kid != "a" || keys.Keys[0].X != keyX || len(got.Secrets) != 0 || got.Name != "invoices" {
		t.Errorf("with keys %+v", got)
	}
	f.post("/oauth/token", "grant_type=client_credentials", "Authorization", m.basic()).refused(401, "invalid_client")
	root.do("PATCH", "/admin/clients/"+c.ID, fields{"keys": nil}).want(200, "").into(&got)
	root.do("POST", "/admin/clients/"+c.ID+"/rotate", nil).want(200, "").into(&got)
	m.Secret = got.Secret
	f.clock.Add(int64(time.Second))
	access = m.token()

	root.do("POST", "/admin/clients/"+c.ID+"/disable", nil).want(200, "").into(&got)
	if !got.Disabled || got.DisabledAt == nil {
		t.Errorf("disabled %+v", got)
	}
	f.bearer(access).do("GET", "/auth/verify", nil).want(401, "")
	root.do("POST", "/admin/clients/"+c.ID+"/enable", nil).want(200, "")
	f.clock.Add(int64(time.Second))
	access = m.token()
	root.do("DELETE", "/admin/clients/"+c.ID, nil).want(204, "")
	f.bearer(access).do("GET", "/auth/verify", nil).want(401, "")
	root.do("GET", "/admin/clients/"+c.ID, nil).want(404, "client_unknown")
	f.post("/oauth/token", "grant_type=client_credentials", "Authorization", m.basic()).refused(401, "invalid_client")
}

func TestClients_List(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	list := func(query string) (names []string, last string) {
		t.Helper()
		var got struct{ Clients []clientAnswer }
		a := root.do("GET", "/admin/clients"+query, nil).want(200, "")
		if a.into(&got); got.Clients == nil || strings.Contains(a.Body, "hxc_") {
			t.Fatalf("answer %s", a.Body)
		}
		for _, c := range got.Clients {
			names, last = append(names, c.Name), c.ID
		}
		return names, last
	}
	if names, _ := list(""); len(names) != 0 {
		t.Errorf("at first %v", names)
	}
	for _, name := range []string{"a", "b", "c"} {
		root.do("POST", "/admin/clients", fields{"name": name}).want(201, "")
		f.clock.Add(int64(time.Millisecond))
	}
	page, last := list("?limit=2")
	rest, _ := list("?limit=2&after=" + last)
	if !slices.Equal(page, []string{"a", "b"}) || !slices.Equal(rest, []string{"c"}) {
		t.Errorf("pages %v and %v", page, rest)
	}
	for _, query := range []string{"?limit=x", "?limit=-1", "?tenant=globex", "?limit=1&limit=2"} {
		root.do("GET", "/admin/clients"+query, nil).want(400, "")
	}
}

func TestClients_Bodies(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	m := root.machine("read")
	for _, tt := range []struct{ name, method, path, body, code string }{
		{"nothing", "POST", "", ``, "required"},
		{"empty name", "POST", "", `{"name":""}`, "form"},
		{"a tenant", "POST", "", `{"name":"x","tenant":"globex"}`, "unknown"},
		{"an id", "POST", "", `{"name":"x","id":"x"}`, "unknown"},
		{"a secret", "POST", "", `{"name":"x","secret":"hxc_x"}`, "unknown"},
		{"a permission that is none", "POST", "", `{"name":"x","permissions":["a b"]}`, "character"},
		{"keys as text", "POST", "", `{"name":"x","keys":"{}"}`, "type"},
		{"null keys", "POST", "", `{"name":"x","keys":null}`, "type"},
		{"keys that are none", "POST", "", `{"name":"x","keys":{}}`, ""},
		{"a private key", "POST", "", `{"name":"x","keys":{"keys":[{"kty":"oct","alg":"HS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}}`, "key_private"},
		{"another tenant", "PATCH", "/" + m.ID, `{"tenant":"globex"}`, "unknown"},
		{"secrets", "PATCH", "/" + m.ID, `{"secrets":[]}`, "unknown"},
		{"a null name", "PATCH", "/" + m.ID, `{"name":null}`, "type"},
		{"null permissions", "PATCH", "/" + m.ID, `{"permissions":null}`, "type"},
		{"compromised as text", "POST", "/" + m.ID + "/rotate", `{"compromised":"true"}`, "type"},
		{"unknown member", "POST", "/" + m.ID + "/disable", `{"until":1}`, "unknown"},
		{"unknown member", "POST", "/" + m.ID + "/enable", `{"until":1}`, "unknown"},
		{"unknown member", "DELETE", "/" + m.ID, `{"until":1}`, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := root.do(tt.method, "/admin/clients"+tt.path, tt.body)
			a.t = t
			a.want(400, tt.code)
		})
	}
	m.token()
	if tokens := f.tokens("root"); tokens.User.Permissions[0] != access.Admin {
		t.Errorf("root is %+v", tokens.User)
	}
}
