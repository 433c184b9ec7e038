package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// third drops the results that no failure may depend on.
func third[T, U any](_ T, _ U, err error) error { return err }

const acmeRootID = "0190aaaa-0000-7000-8000-00000000000d"

// twoTenants is a world in which the default tenant and another one have people, a machine and an administrator each, and
// initech is a tenant without any. Those of the default tenant are whom administration works on.
func twoTenants(t *testing.T) *world {
	w := newWorld(t)
	w.tenants["initech"] = tenant.Tenant{ID: "initech", Name: "Initech", CreatedAt: epoch, UpdatedAt: epoch}
	w.addUser(acmeRootID, "wile", "wile@example.org", otherPassword, access.Admin)
	w.addUser("0190aaaa-0000-7000-8000-00000000000e", "coyote", "coyote@example.org", otherPassword)
	for _, id := range []string{acmeRootID, "0190aaaa-0000-7000-8000-00000000000e"} {
		w.edit(id, func(u *user.User) { u.Tenant = acme })
	}
	w.addClient(robotID, tenant.Default, "orders:read")
	w.addClient(foreignID, acme, "orders:read")
	w.login("alice", alicePassword)
	w.events = nil
	w.reset()
	return w
}

// wile administers acme.
func wile() *access.Principal {
	return &access.Principal{
		Kind: access.User, Via: access.SessionCookie, Subject: acmeRootID, Name: "wile", Tenant: acme, Permissions: []string{access.Admin}, Session: "s",
	}
}

// belongings is all that the tenants but acme have, and what all share, as text.
func (w *world) belongings() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []any
	for _, id := range slices.Sorted(maps.Keys(w.users)) {
		if w.users[id].Tenant != acme {
			list = append(list, fmt.Sprintf("%+v", w.users[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.clients)) {
		if w.clients[id].Tenant != acme {
			list = append(list, w.clients[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.sessions)) {
		list = append(list, w.sessions[id])
	}
	for _, id := range slices.Sorted(maps.Keys(w.tenants)) {
		list = append(list, w.tenants[id])
	}
	for _, k := range slices.Sorted(maps.Keys(w.marks)) {
		list = append(list, w.marks[k])
	}
	text, err := json.Marshal(append(list, w.keys))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// TestService_tenants: no use case for administrators has one touch or see what another tenant has, and of what is there
// they are told the same, to the letter and to the port call, as of what is not.
func TestService_tenants(t *testing.T) {
	for name, use := range administration {
		t.Run(name, func(t *testing.T) {
			demand := demands[strings.Fields(name)[0]]
			if name == "ChangeUsername of another" {
				demand = administrators
			}
			run := func(prepare func(*world)) (told string) {
				w := twoTenants(t)
				prepare(w)
				before := w.belongings()
				err := use(t.Context(), w, wile())
				calls, log := w.trace(), w.log()
				if after := w.belongings(); after != before {
					t.Errorf("it changed what others have: %s", cmp.Diff(before, after))
				}
				w.secrets = map[string]string{}
				return fmt.Sprint(outcome(err), err, calls, log)
			}
			there := run(func(*world) {})
			gone := run(func(w *world) {
				w.users[bobID] = w.users[aliceID]
				delete(w.users, aliceID)
				delete(w.clients, robotID)
				delete(w.tenants, "initech")
			})
			if there != gone {
				t.Errorf("told\n%s of what is there,\n%s of what is not", there, gone)
			}
			works := slices.Contains([]string{"SearchUsers", "AddUser", "AuditLog", "AddClient", "ListClients", "ListTenants"}, name)
			switch {
			case demand == stewards && name != "ChangeTenant" && !strings.HasPrefix(there, "forbidden forbidden"):
				t.Errorf("what all tenants share: %s", there)
			case demand == administrators && !works && !strings.HasPrefix(there, "not_found "):
				t.Errorf("another tenant's: %s", there)
			case demand == administrators && works && !strings.HasPrefix(there, "ok"):
				t.Errorf("their own: %s", there)
			}
		})
	}
}

// TestService_tenants_complete: no use case for administrators is left out of the table.
func TestService_tenants_complete(t *testing.T) {
	for method, demand := range demands {
		if demand != administrators && demand != stewards {
			continue
		}
		if _, there := administration[method]; !there {
			t.Errorf("%s is for administrators, and nobody tries it", method)
		}
	}
}

// TestService_tenants_lists: each sees their own, page by page; the operator all, or one tenant's.
func TestService_tenants_lists(t *testing.T) {
	w := twoTenants(t)
	ctx := t.Context()
	w.events = []ports.Event{
		{Action: "a", Tenant: acme, Sequence: 1}, {Action: "b", Sequence: 2}, {Action: "c", Tenant: tenant.Default, Sequence: 3},
	}
	operator, within := access.Operator("root"), access.Operator("root")
	within.Tenant = acme
	for _, tt := range []struct {
		name string
		p    *access.Principal
		want string
	}{
		{"the default tenant's", w.root(), "alice root bob | robot a | acme default initech | c b"},
		{"acme's", wile(), "wile coyote | robot c | acme | a"},
		{"the operator", &operator, "alice root bob wile coyote | robot a robot c | acme default initech | c b a"},
		{"the operator, in acme", &within, "wile coyote | robot c | acme default initech | a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var people, clients, tenants, events []string
			users, err := w.service.SearchUsers(ctx, tt.p, ports.UserQuery{})
			for _, u := range users {
				people = append(people, u.Name.String())
			}
			machines, machinesErr := w.service.ListClients(ctx, tt.p, "", 0)
			for _, c := range machines {
				clients = append(clients, c.Name)
			}
			all, tenantsErr := w.service.ListTenants(ctx, tt.p, "", 0)
			for _, one := range all {
				tenants = append(tenants, one.ID)
			}
			log, logErr := w.service.AuditLog(ctx, tt.p, ports.EventQuery{})
			for _, e := range log {
				events = append(events, e.Action)
			}
			if err != nil || machinesErr != nil || tenantsErr != nil || logErr != nil {
				t.Error(err, machinesErr, tenantsErr, logErr)
			}
			got := strings.Join([]string{strings.Join(people, " "), strings.Join(clients, " "), strings.Join(tenants, " "), strings.Join(events, " ")}, " | ")
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	if list, err := w.service.ListTenants(ctx, wile(), acme, 0); err != nil || len(list) != 0 {
		t.Errorf("after their own: %v, %v", list, err)
	}
	if list, err := w.service.ListClients(ctx, w.root(), robotID, 0); err != nil || len(list) != 0 {
		t.Errorf("after the only one: %v, %v", list, err)
	}
}

// TestService_tenants_home: what somebody makes is in their tenant, and nothing that a request says can name another.
func TestService_tenants_home(t *testing.T) {
	in := func(id string) *access.Principal {
		p := access.Operator("root")
		p.Tenant = id
		return &p
	}
	stray := wile()
	stray.Tenant = ""
	for _, tt := range []struct {
		name, want string
		p          *access.Principal
	}{
		{"an administrator of acme", acme, wile()},
		{"the operator", tenant.Default, in("")},
		{"the operator, in acme", acme, in(acme)},
		{"the operator, in the default tenant", tenant.Default, in(tenant.Default)},
		{"the operator, in one that is not there", "not_found tenant_unknown", in("nowhere")},
		{"an administrator of nothing", "forbidden forbidden", stray},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoTenants(t)
			u, err := w.service.AddUser(t.Context(), tt.p, carol, nil, client)
			if err == nil && (u.Tenant != tt.want || w.user(u.ID).Tenant != tt.want) || err != nil && outcome(err) != tt.want {
				t.Errorf("a user: %q, %v, want %s", u.Tenant, err, tt.want)
			}
			c, text, err := w.service.AddClient(t.Context(), tt.p, auth.NewClient{Name: "robot"}, client)
			w.secret("a client's secret", text)
			if err == nil && (c.Tenant != tt.want || w.client(c.ID).Tenant != tt.want) || err != nil && outcome(err) != tt.want {
				t.Errorf("a client: %q, %v, want %s", c.Tenant, err, tt.want)
			}
		})
	}
	for _, made := range []reflect.Type{reflect.TypeFor[auth.NewUser](), reflect.TypeFor[auth.NewClient](), reflect.TypeFor[auth.NewAPIToken]()} {
		if _, has := made.FieldByName("Tenant"); has {
			t.Errorf("%s can name a tenant", made)
		}
	}
}

func TestService_AddTenant(t *testing.T) {
	w := twoTenants(t)
	ctx := t.Context()
	org := tenant.External{Source: "auth0", ID: "org_1"}
	made, err := w.service.AddTenant(ctx, w.root(), "globex", " Globex ", []tenant.External{org, org}, client)
	want := tenant.Tenant{ID: "globex", Name: "Globex", External: []tenant.External{org}, CreatedAt: epoch, UpdatedAt: epoch}
	if diff := cmp.Diff(want, made); diff != "" || err != nil || !cmp.Equal(w.tenants["globex"], want) {
		t.Errorf("%v %s", err, diff)
	}
	for _, tt := range []struct {
		name, id, called string
		external         []tenant.External
		want             string
	}{
		{"taken", "globex", "x", nil, "conflict id_taken"},
		{"called so already", "hooli", "x", []tenant.External{org}, "conflict external_taken"},
		{"no id", "", "x", nil, "invalid form"},
		{"capitals", "Globex", "x", nil, "invalid form"},
		{"a path", "../x", "x", nil, "invalid form"},
		{"no name", "hooli", "", nil, "invalid form"},
		{"no source", "hooli", "x", []tenant.External{{ID: "org"}}, "invalid form"},
	} {
		if _, err := w.service.AddTenant(ctx, w.root(), tt.id, tt.called, tt.external, client); outcome(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	if len(w.tenants) != 4 {
		t.Errorf("%v", w.tenants)
	}
}

func TestService_ChangeTenant(t *testing.T) {
	ctx := context.Background()
	name, none := "Acme Ltd", ""
	org, other := tenant.External{Source: "auth0", ID: "org_1"}, tenant.External{Source: "auth0", ID: "org_2"}
	for _, tt := range []struct {
		name string
		p    *access.Principal
		id   string
		in   auth.ChangedTenant
		want string
	}{
		{"name", nil, acme, auth.ChangedTenant{Name: &name}, "ok"},
		{"move", nil, acme, auth.ChangedTenant{Unlink: []tenant.External{org}, Link: []tenant.External{other}}, "ok"},
		{"nothing", nil, acme, auth.ChangedTenant{}, "ok"},
		{"no name", nil, acme, auth.ChangedTenant{Name: &none}, "invalid form"},
		{"unlink what is not linked", nil, acme, auth.ChangedTenant{Name: &name, Unlink: []tenant.External{other}}, "not_found external_unknown"},
		{"link another's", nil, "initech", auth.ChangedTenant{Name: &name, Link: []tenant.External{org}}, "conflict external_taken"},
		{"one that is not there", nil, "nowhere", auth.ChangedTenant{Name: &name}, "not_found tenant_unknown"},
		{"their own, by another tenant's administrator", wile(), acme, auth.ChangedTenant{Name: &name}, "forbidden forbidden"},
		{"the default one, by another tenant's administrator", wile(), tenant.Default, auth.ChangedTenant{Name: &name}, "not_found tenant_unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoTenants(t)
			w.tenants[acme] = tenant.Tenant{ID: acme, Name: "Acme", External: []tenant.External{org}}
			p := tt.p
			if p == nil {
				p = w.root()
			}
			before := fmt.Sprint(w.tenants)
			_, err := w.service.ChangeTenant(ctx, p, tt.id, tt.in, client)
			if outcome(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if changed := fmt.Sprint(w.tenants) != before; changed != (tt.want == "ok" && tt.name != "nothing") {
				t.Errorf("changed: %t", changed)
			}
		})
	}
}
