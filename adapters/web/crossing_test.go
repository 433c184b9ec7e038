package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// object is something of the tenant globex that a path names.
type object struct {
	id, never string   // its id, and one that never was
	owner     *browser // somebody for whom it is there
	body      any      // a good one
}

// neverWas is an id that nothing has.
const neverWas = "01900000-0000-7000-8000-00000000dead"

// objects makes, for every route that names an object, one in globex. A new such
// route is to be added here: TestCrossing fails until it is.
var objects = map[string]func(f *fixture) object{
	"DELETE /auth/sessions/{id}": func(f *fixture) object {
		owner := f.login("globex-user")
		var list struct{ Sessions []struct{ ID string } }
		owner.do("GET", "/auth/sessions", nil).want(200, "").into(&list)
		return object{list.Sessions[0].ID, neverWas, owner, nil}
	},
	"DELETE /auth/identities/{id}": func(f *fixture) object {
		owner := f.login("globex-user")
		now := f.service.Now()
		one := user.Identity{
			ID: "01900000-0000-7000-8000-00000000beef", UserID: owner.user().ID, Provider: "acme", Issuer: "https://acme.example", Subject: "x",
			CreatedAt: now, UsedAt: now,
		}
		if err := f.store.Identities().Create(f.Context(), one); err != nil {
			f.Fatal(err)
		}
		return object{one.ID, neverWas, owner, nil}
	},
	"POST /auth/{id}/change_username": func(f *fixture) object {
		return object{f.login("globex-user").user().ID, neverWas, f.login("globex-root"), fields{"username": "renamed"}}
	},
	"DELETE /tokens/{id}": func(f *fixture) object {
		owner := f.login("globex-user")
		return object{owner.apiToken().ID, neverWas, owner, nil}
	},
	"GET /admin/users/{id}":             globexUser(nil),
	"POST /admin/users/{id}/ban":        globexUser(fields{"reason": "spam"}),
	"POST /admin/users/{id}/unban":      globexUser(nil),
	"POST /admin/users/{id}/kick":       globexUser(nil),
	"PUT /admin/users/{id}/permissions": globexUser(fields{"permissions": []string{"write"}}),

	"GET /admin/clients/{id}":          globexClient(nil),
	"PATCH /admin/clients/{id}":        globexClient(fields{"name": "x"}),
	"DELETE /admin/clients/{id}":       globexClient(nil),
	"POST /admin/clients/{id}/rotate":  globexClient(fields{"compromised": true}),
	"POST /admin/clients/{id}/disable": globexClient(nil),
	"POST /admin/clients/{id}/enable":  globexClient(nil),

	"GET /admin/tenants/{id}": func(f *fixture) object {
		return object{"globex", "glob-x", f.login("globex-root"), nil}
	},
	"PATCH /admin/tenants/{id}": func(f *fixture) object {
		return object{"globex", "glob-x", f.login("root"), fields{"name": "x"}}
	},
	"POST /admin/keys/{id}/retire": func(f *fixture) object { // everybody's, and the default tenant's to look after
		owner := f.login("root")
		var list struct{ Keys []struct{ ID string } }
		owner.do("GET", "/admin/keys", nil).want(200, "").into(&list)
		owner.do("POST", "/admin/keys/rotate", fields{"delay": 0}).want(201, "")
		id := list.Keys[0].ID
		return object{id, strings.Repeat("A", len(id)), owner, nil}
	},
}

func globexUser(body any) func(*fixture) object {
	return func(f *fixture) object {
		return object{f.login("globex-user").user().ID, neverWas, f.login("globex-root"), body}
	}
}

func globexClient(body any) func(*fixture) object {
	return func(f *fixture) object {
		owner := f.login("globex-root")
		return object{owner.machine("read").ID, neverWas, owner, body}
	}
}

// nobodys are the routes whose segments name nothing that a tenant has: a mailed
// secret, which is all that it takes, or a provider by the name that it is
// configured under, for everybody.
var nobodys = map[string]string{
	"POST /auth/setup/{token}":                 "secret",
	"POST /auth/confirm/{token}":               "secret",
	"POST /auth/password/{token}":              "secret",
	"GET /confirm/{token}":                     "secret",
	"POST /confirm/{token}":                    "secret",
	"GET /register/{token}":                    "secret",
	"POST /register/{token}":                   "secret",
	"GET /reset/{token}":                       "secret",
	"POST /reset/{token}":                      "secret",
	"GET /setup/{token}":                       "secret",
	"POST /setup/{token}":                      "secret",
	"POST /auth/backchannel-logout/{provider}": "configured",
	"POST /auth/identities/{provider}/link":    "configured",
}

// twoTenants is a server with the tenants acme and globex, and an administrator of the
// default one, root.
func twoTenants(t testing.TB) *fixture {
	t.Helper()
	f := newFixture(t, withProviders(newUpstream("acme")))
	f.admin()
	f.tenant("acme")
	f.tenant("globex")
	return f
}

// ofAcme returns everybody of acme who may ask.
func ofAcme(f *fixture) map[string]*browser {
	root := f.login("acme-root")
	plain := f.login("acme-user")
	return map[string]*browser{
		"administrator":                root,
		"administrator's access token": f.bearer(f.tokens("acme-root").AccessToken),
		"administrator's API token":    f.bearer(root.apiToken(access.Admin).Token),
		"user":                         plain,
		"user's API token":             f.bearer(plain.apiToken("read").Token),
		"machine":                      f.bearer(root.machine("read").token()),
		"machine that administers":     f.bearer(root.machine(access.Admin).token()),
		"nobody":                       f.browser(),
	}
}

func routeName(r web.Route) string {
	if r.Based {
		return r.Method + " /auth" + r.Path
	}
	return r.Method + " " + r.Path
}

// TestCrossing asks for what is another tenant's, by every route that names an
// object: the answer is that to an id that never was, to the byte.
func TestCrossing(t *testing.T) {
	known := map[string]bool{}
	for _, r := range web.Routes() {
		name := routeName(r)
		if !strings.Contains(r.Path, "{") {
			continue
		}
		known[name] = true
		made := objects[name]
		if made == nil {
			if nobodys[name] == "" {
				t.Errorf("%s names an object, and there is none of another tenant to try it with: add one to objects", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			f := twoTenants(t)
			_, path, _ := strings.Cut(name, " ")
			o := made(f)
			before := globex(f)
			at := func(id string) string { return strings.ReplaceAll(path, "{id}", id) }
			for who, b := range ofAcme(f) {
				theirs, never := b.do(r.Method, at(o.id), o.body), b.do(r.Method, at(o.never), o.body)
				if got, want := essence(theirs), essence(never); got != want {
					t.Errorf("to %s: %s", who, cmp.Diff(want, got))
				}
				if theirs.Status < 400 {
					t.Errorf("%s may: %d %s", who, theirs.Status, theirs.Body)
				}
			}
			if after := globex(f); after != before {
				t.Errorf("it changed: %s", cmp.Diff(before, after))
			}
			// It is there, so the answers could have differed.
			if never, a := o.owner.do(r.Method, at(o.never), o.body), o.owner.do(r.Method, at(o.id), o.body); a.Status >= 400 || never.Status != 404 {
				t.Errorf("to its owner: %d %s, and %d", a.Status, a.Body, never.Status)
			}
		})
	}
	for name := range objects {
		if !known[name] {
			t.Errorf("%s is not a route", name)
		}
	}
	for name := range nobodys {
		if !known[name] {
			t.Errorf("%s is not a route", name)
		}
	}
}

// TestCrossing_Default does the same as the default tenant's administrator, who
// looks after the tenants and the keys, and after nothing that is in a tenant.
func TestCrossing_Default(t *testing.T) {
	for _, r := range web.Routes() {
		name := routeName(r)
		made := objects[name]
		if made == nil || strings.HasPrefix(r.Path, "/admin/tenants") || strings.HasPrefix(r.Path, "/admin/keys") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f := twoTenants(t)
			_, path, _ := strings.Cut(name, " ")
			o := made(f)
			root := f.login("root")
			theirs := root.do(r.Method, strings.ReplaceAll(path, "{id}", o.id), o.body)
			never := root.do(r.Method, strings.ReplaceAll(path, "{id}", o.never), o.body)
			if got, want := essence(theirs), essence(never); got != want || theirs.Status != 404 {
				t.Errorf("%d: %s", theirs.Status, cmp.Diff(want, got))
			}
		})
	}
}

// essence is all of an answer but the date and the request's id.
func essence(a answer) string {
	h := a.Header.Clone()
	h.Del("Date")
	h.Del("X-Request-Id")
	return fmt.Sprintf("%d %v\n%s", a.Status, h, a.Body)
}

// globex is all that there is of the tenant.
func globex(f *fixture) string {
	f.Helper()
	scope := tenant.Only("globex")
	ctx := f.Context()
	d := f.store.Directory()
	people, err := d.People(scope).Search(ctx, ports.UserQuery{})
	if err != nil {
		f.Fatal(err)
	}
	clients, err := d.Clients(scope).List(ctx, "", 0)
	if err != nil {
		f.Fatal(err)
	}
	var b strings.Builder
	for _, p := range people {
		sessions, err := f.store.SessionSets().ByUser(ctx, p.ID)
		if err != nil {
			f.Fatal(err)
		}
		tokens, err := f.store.APITokens().ByUser(ctx, p.ID)
		if err != nil {
			f.Fatal(err)
		}
		identities, err := f.store.Identities().ByUser(ctx, p.ID)
		if err != nil {
			f.Fatal(err)
		}
		fmt.Fprintf(&b, "%+v with %d sessions, %d tokens, %d identities\n", p, len(sessions), len(tokens), len(identities))
	}
	for _, c := range clients {
		fmt.Fprintf(&b, "%+v\n", c)
	}
	t, err := f.store.Tenants().ByID(ctx, "globex")
	if err != nil {
		f.Fatal(err)
	}
	fmt.Fprintf(&b, "%+v\n", t)
	return b.String()
}

// TestCrossing_Named names another tenant in every way that a request has, to every
// route: nobody sees or changes anything of it.
func TestCrossing_Named(t *testing.T) {
	headers := []string{"X-Tenant", "X-Tenant-Id", "X-Auth-Tenant", "X-Hexward-Tenant", "X-Org-Id", "Tenant"}
	var pairs []string
	for _, name := range headers {
		pairs = append(pairs, name, "globex")
	}
	ways := []struct {
		name, query string
		body        any
		extra       []string
	}{
		{"headers", "", nil, append(pairs, "Cookie", "tenant=globex; hexward_tenant=globex")},
		{"query", "?tenant=globex&tenant_id=globex", nil, nil},
		{"body", "", fields{"tenant": "globex"}, nil},
		{"form", "", "tenant=globex", []string{"Content-Type", "application/x-www-form-urlencoded"}},
	}
	fill := strings.NewReplacer("{id}", neverWas, "{token}", "x", "{provider}", "acme")
	for _, r := range web.Routes() {
		t.Run(routeName(r), func(t *testing.T) {
			f := twoTenants(t)
			before := globex(f)
			_, path, _ := strings.Cut(routeName(r), " ")
			path = fill.Replace(path)
			for _, who := range []string{"acme-root", "acme-user", "root"} {
				plain := f.login(who).do(r.Method, path, nil)
				for _, way := range ways {
					if r.Method == "GET" && way.body != nil {
						continue
					}
					a := f.login(who).do(r.Method, path+way.query, way.body, way.extra...)
					if way.body == nil && a.Status != plain.Status && a.Status != http.StatusBadRequest {
						t.Errorf("%s of %s: %d %s, and without it %d %s", way.name, who, a.Status, a.Body, plain.Status, plain.Body)
					}
					unread := a.Status != 400 || a.Header.Get("Content-Type") != "application/problem+json" // a form, or nothing that they may do
					if way.name == "body" && (a.Status < 300 || !unread && !strings.Contains(a.Body, `{"name":"tenant","code":"unknown"`)) {
						t.Errorf("%s of %s is taken: %d %s", way.name, who, a.Status, a.Body)
					}
					if who == "root" && r.Path == "/admin/tenants" || r.Path == "/admin/audit" && who == "root" {
						continue // who looks after the tenants sees them, and that they were made
					}
					if strings.Contains(a.Body, "globex") || strings.Contains(fmt.Sprint(a.Header), "globex") {
						t.Errorf("%s of %s: %v %s", way.name, who, a.Header, a.Body)
					}
				}
			}
			if after := globex(f); after != before {
				t.Errorf("it changed: %s", cmp.Diff(before, after))
			}
		})
	}
}
