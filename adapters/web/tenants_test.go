package web_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

type tenantAnswer struct {
	ID, Name string
	External []struct{ Source, ID string }
}

// tenant makes a tenant with an administrator and a user, whose names are its id's
// with "-root" and "-user" behind.
func (f *fixture) tenant(id string) {
	f.Helper()
	operator := access.Operator("test")
	if _, err := f.service.AddTenant(f.Context(), &operator, id, "Tenant "+id, nil, webClient); err != nil {
		f.Fatal(err)
	}
	operator.Tenant = id
	for name, permissions := range map[string][]string{id + "-root": {access.Admin}, id + "-user": {"read"}} {
		in := auth.NewUser{Username: name, Email: name + "@mail.example", Password: password}
		if _, err := f.service.AddUser(f.Context(), &operator, in, permissions, webClient); err != nil {
			f.Fatal(err)
		}
	}
}

func TestTenants(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	var got tenantAnswer
	a := root.do("POST", "/admin/tenants", fields{"id": "acme", "name": "Acme", "external": []fields{{"source": "google", "id": "acme.example"}}}).want(201, "")
	a.into(&got)
	if a.Header.Get("Location") != "/admin/tenants/acme" || got.ID != "acme" || got.Name != "Acme" || len(got.External) != 1 || got.External[0].ID != "acme.example" {
		t.Errorf("answer %v %s", a.Header, a.Body)
	}
	root.do("POST", "/admin/tenants", fields{"id": "acme", "name": "Other"}).want(409, "id_taken")
	root.do("POST", "/admin/tenants", fields{"id": "other", "name": "Other", "external": []fields{{"source": "google", "id": "acme.example"}}}).want(409, "external_taken")
	root.do("PATCH", "/admin/tenants/acme", fields{
		"name": "Acme Inc", "link": []fields{{"source": "okta", "id": "org1"}}, "unlink": []fields{{"source": "google", "id": "acme.example"}},
	}).want(200, "").into(&got)
	if got.Name != "Acme Inc" || len(got.External) != 1 || got.External[0].Source != "okta" {
		t.Errorf("changed %+v", got)
	}
	root.do("PATCH", "/admin/tenants/acme", fields{"unlink": []fields{{"source": "google", "id": "acme.example"}}}).want(404, "external_unknown")
	root.do("GET", "/admin/tenants/acme", nil).want(200, "").into(&got)
	for _, id := range []string{"nobody", "ACME", "acme%20", "x%C3%A4", "-", nobody} {
		root.do("GET", "/admin/tenants/"+id, nil).want(404, "tenant_unknown")
		root.do("PATCH", "/admin/tenants/"+id, fields{"name": "x"}).want(404, "tenant_unknown")
	}
	for _, tt := range []struct{ name, body, code string }{
		{"nothing", ``, "required"},
		{"capital letters", `{"id":"Acme","name":"x"}`, "form"},
		{"no name", `{"id":"x","name":""}`, "form"},
		{"external as object", `{"id":"x","name":"x","external":{"source":"a","id":"b"}}`, "type"},
		{"external as text", `{"id":"x","name":"x","external":["a"]}`, "type"},
		{"external without id", `{"id":"x","name":"x","external":[{"source":"a"}]}`, "type"},
		{"external with more", `{"id":"x","name":"x","external":[{"source":"a","id":"b","tenant":"c"}]}`, "type"},
		{"external twice", `{"id":"x","name":"x","external":[{"source":"a","id":"b","id":"c"}]}`, "malformed_json"},
		{"external that is empty", `{"id":"x","name":"x","external":[{"source":"","id":""}]}`, "form"},
		{"unknown member", `{"id":"x","name":"x","admin":"me"}`, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := root.do("POST", "/admin/tenants", tt.body)
			a.t = t
			a.want(400, tt.code)
		})
	}
	root.do("PATCH", "/admin/tenants/acme", `{"id":"other"}`).want(400, "unknown")
}

// Every administrator sees their own tenant, and those of the default one all.
func TestTenants_Administrators(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	f.tenant("acme")
	f.tenant("globex")
	acme := f.login("acme-root")
	seen := func(b *browser, query string) (ids []string) {
		t.Helper()
		var got struct{ Tenants []tenantAnswer }
		a := b.do("GET", "/admin/tenants"+query, nil).want(200, "")
		if a.into(&got); got.Tenants == nil {
			t.Fatalf("no array in %s", a.Body)
		}
		for _, tt := range got.Tenants {
			ids = append(ids, tt.ID)
		}
		return ids
	}
	if ids := seen(acme, ""); !slices.Equal(ids, []string{"acme"}) {
		t.Errorf("acme's administrator sees %v", ids)
	}
	if ids := seen(acme, "?after=acme"); len(ids) != 0 {
		t.Errorf("after their own they see %v", ids)
	}
	all := seen(root, "")
	if !slices.Contains(all, "acme") || !slices.Contains(all, "globex") {
		t.Errorf("the default tenant's administrator sees %v", all)
	}
	if page := append(seen(root, "?limit=1"), seen(root, "?limit=100&after="+all[0])...); !cmp.Equal(page, all) {
		t.Errorf("pages %v, want %v", page, all)
	}
	acme.do("GET", "/admin/tenants/acme", nil).want(200, "")
	acme.do("PATCH", "/admin/tenants/acme", fields{"name": "x"}).want(403, "forbidden")
	acme.do("POST", "/admin/tenants", fields{"id": "mine", "name": "x"}).want(403, "forbidden")

	// What all tenants share is not theirs.
	acme.do("GET", "/admin/keys", nil).want(403, "forbidden")
	acme.do("POST", "/admin/keys/rotate", nil).want(403, "forbidden")
	acme.do("POST", "/admin/blackout", nil).want(403, "forbidden")
	root.do("GET", "/admin/keys", nil).want(200, "")

	// Whom and what they make is their tenant's.
	var made struct{ Tenant string }
	acme.do("POST", "/admin/users", fields{"username": "new", "email": "new@mail.example", "password": password}).want(201, "").into(&made)
	if made.Tenant != "acme" {
		t.Errorf("a new user is in %q", made.Tenant)
	}
	acme.do("POST", "/admin/clients", fields{"name": "x"}).want(201, "").into(&made)
	if made.Tenant != "acme" {
		t.Errorf("a new client is in %q", made.Tenant)
	}
}

const nobody = "00000000-0000-0000-0000-000000000000"
