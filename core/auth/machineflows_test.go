package auth_test

import (
	"context"
	"reflect"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/auth"
	machine "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

func init() { flows = append(flows, machineFlows...) }

// result is what a use case gives, and nothing for a zero value.
func result[T any](v T, err error) (any, error) {
	if reflect.ValueOf(&v).Elem().IsZero() {
		return nil, err
	}
	return v, err
}

// shown is what is shown once.
type shown struct{ what, text string }

func showing[T any](what string) func(T, string, error) (any, error) {
	return func(_ T, text string, err error) (any, error) {
		if text == "" {
			return nil, err
		}
		return shown{what, text}, err
	}
}

var acmeRoot = &access.Principal{
	Kind: access.User, Via: access.SessionCookie, Subject: rootID, Name: "root",
	Tenant: "acme", Permissions: []string{access.Admin}, Session: "0190aaaa-0000-7000-8000-0000000000ff",
}

// machineAudit is what each of these writes to the audit log.
var machineAudit = map[string]string{
	"IssueMachineToken":                             "client.token ok robot→robot",
	"IssueMachineToken for an assertion":            "client.token ok robot→robot",
	"Introspect an access token":                    "",
	"Introspect an API token":                       "",
	"RevokeToken of an access token":                "token.revoke ok →alice",
	"RevokeToken of its own by a machine":           "token.revoke ok robot→robot",
	"RevokeToken of an API token":                   "token.revoke ok →alice",
	"RevokeToken of a sign-in":                      "token.revoke ok →alice",
	"MakeAPIToken":                                  "token.make ok alice→alice",
	"ListAPITokens":                                 "",
	"DeleteAPIToken":                                "token.delete ok alice→alice",
	"AddClient":                                     "client.add ok root→new",
	"AddClient of a tenant by the operator":         "client.add ok operator→new",
	"ListClients":                                   "",
	"FindClient":                                    "",
	"ChangeClient":                                  "client.change ok root→robot",
	"RotateClient":                                  "client.rotate ok root→robot",
	"RotateClient whose secret is compromised":      "client.rotate ok root→robot",
	"DisableClient":                                 "client.disable ok root→robot",
	"DeleteClient":                                  "client.delete ok root→robot",
	"AddTenant":                                     "tenant.add ok root→globex",
	"ListTenants":                                   "",
	"ListTenants by another tenant's administrator": "",
	"FindTenant":                                    "",
	"ChangeTenant":                                  "tenant.change ok root→acme",
	"AddUser of a tenant by the operator":           "user.add ok operator→new",
	"ChangeUsername of another":                     "username.change ok root→alice",
}

var machineFlows = []flow{
	{
		name: "IssueMachineToken",
		start: func(w *world) func(context.Context) (any, error) {
			proof := w.addClient(robotID, tenant.Default, "orders:read", "orders:write")
			return func(ctx context.Context) (any, error) {
				return result(w.service.IssueMachineToken(ctx, proof, []string{"orders:read"}, client))
			}
		},
		calls:  []string{"Machines.ByID", "Signer.Sign", "Audit.Record"},
		misses: map[string]string{"Machines.ByID#1": invalidClient},
	},
	{
		name: "IssueMachineToken for an assertion",
		start: func(w *world) func(context.Context) (any, error) {
			k := w.addSigner(robotID, tenant.Default, "orders:read")
			proof := auth.ClientProof{Assertion: k.assert(w)}
			return func(ctx context.Context) (any, error) {
				return result(w.service.IssueMachineToken(ctx, proof, nil, client))
			}
		},
		calls:  []string{"Machines.ByID", "Attempts.Update", "Signer.Sign", "Audit.Record"},
		misses: map[string]string{"Machines.ByID#1": invalidClient},
	},
	{
		name: "Introspect an access token",
		start: func(w *world) func(context.Context) (any, error) {
			proof := w.addClient(robotID, tenant.Default)
			_, g := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return result(w.service.Introspect(ctx, proof, g.Access, client))
			}
		},
		calls:  []string{"Machines.ByID"},
		misses: map[string]string{"Machines.ByID#1": invalidClient},
	},
	{
		name: "Introspect an API token",
		start: func(w *world) func(context.Context) (any, error) {
			proof := w.addClient(robotID, tenant.Default)
			_, text := w.makeAPIToken(aliceID)
			return func(ctx context.Context) (any, error) {
				return result(w.service.Introspect(ctx, proof, text, client))
			}
		},
		calls:    []string{"Machines.ByID", "APITokens.ByHash", "APITokens.Touch"},
		survives: []string{"APITokens.Touch#1"},
		misses:   map[string]string{"Machines.ByID#1": invalidClient, "APITokens.ByHash#1": "ok", "APITokens.Touch#1": "ok"},
	},
	{
		name: "RevokeToken of an access token",
		start: func(w *world) func(context.Context) (any, error) {
			_, g := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.RevokeToken(ctx, nil, g.Access, client))
			}
		},
		calls: []string{"Marks.Add", "Audit.Record"},
	},
	{
		name: "RevokeToken of its own by a machine",
		start: func(w *world) func(context.Context) (any, error) {
			proof := w.addClient(robotID, tenant.Default, "orders:read")
			g, err := w.service.IssueMachineToken(w.t.Context(), proof, nil, client)
			if err != nil {
				w.t.Fatal(err)
			}
			w.note(g)
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.RevokeToken(ctx, &proof, g.Access, client))
			}
		},
		calls:  []string{"Machines.ByID", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Machines.ByID#1": invalidClient},
	},
	{
		name: "RevokeToken of an API token",
		start: func(w *world) func(context.Context) (any, error) {
			_, text := w.makeAPIToken(aliceID)
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.RevokeToken(ctx, nil, text, client))
			}
		},
		calls:  []string{"APITokens.ByHash", "APITokens.Delete", "Audit.Record"},
		misses: map[string]string{"APITokens.ByHash#1": "ok", "APITokens.Delete#1": "ok"},
	},
	{
		name: "RevokeToken of a sign-in",
		start: func(w *world) func(context.Context) (any, error) {
			_, g := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.RevokeToken(ctx, nil, g.Refresh, client))
			}
		},
		calls:  []string{"Sessions.ByFamily", "Sessions.Delete", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Sessions.ByFamily#1": "ok", "Sessions.Delete#1": "ok"},
	},
	{
		name: "MakeAPIToken",
		start: func(w *world) func(context.Context) (any, error) {
			w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"orders:read"} })
			p, _ := w.signedIn()
			in := auth.NewAPIToken{Name: "backup", Scopes: []string{"orders:read"}}
			return func(ctx context.Context) (any, error) {
				return showing[apitoken.Token]("an API token")(w.service.MakeAPIToken(ctx, p, in, client))
			}
		},
		calls: []string{"Users.ByID", "APITokens.Create", "Users.ByID", "SessionSets.ByUser", "Audit.Record"},
		misses: map[string]string{
			"Users.ByID#1": "unauthenticated unauthenticated", "APITokens.Create#1": "unauthenticated unauthenticated",
			"Users.ByID#2": "unauthenticated unauthenticated",
		},
	},
	{
		name: "ListAPITokens",
		start: func(w *world) func(context.Context) (any, error) {
			w.makeAPIToken(aliceID)
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) { return result(w.service.ListAPITokens(ctx, p)) }
		},
		calls: []string{"APITokens.ByUser"},
	},
	{
		name: "DeleteAPIToken",
		start: func(w *world) func(context.Context) (any, error) {
			id, _ := w.makeAPIToken(aliceID)
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.DeleteAPIToken(ctx, p, id, client))
			}
		},
		calls:  []string{"APITokens.Delete", "Audit.Record"},
		misses: map[string]string{"APITokens.Delete#1": "not_found token_unknown"},
	},
	{
		name: "AddClient",
		start: func(w *world) func(context.Context) (any, error) {
			in := auth.NewClient{Name: "robot", Permissions: []string{"orders:read"}}
			return func(ctx context.Context) (any, error) {
				return showing[machine.Client]("a client's secret")(w.service.AddClient(ctx, w.root(), in, client))
			}
		},
		calls: []string{"Clients.Create", "Audit.Record"},
	},
	{
		name: "AddClient of a tenant by the operator",
		start: func(w *world) func(context.Context) (any, error) {
			operator := access.Operator("root")
			operator.Tenant = "acme"
			return func(ctx context.Context) (any, error) {
				return showing[machine.Client]("a client's secret")(w.service.AddClient(ctx, &operator, auth.NewClient{Name: "robot"}, client))
			}
		},
		calls:  []string{"Tenants.ByID", "Clients.Create", "Audit.Record"},
		misses: map[string]string{"Tenants.ByID#1": "not_found tenant_unknown"},
	},
	{
		name: "ListClients",
		start: func(w *world) func(context.Context) (any, error) {
			w.addClient(robotID, tenant.Default)
			return func(ctx context.Context) (any, error) { return result(w.service.ListClients(ctx, w.root(), "", 0)) }
		},
		calls: []string{"Clients.List"},
	},
	{
		name: "FindClient",
		start: func(w *world) func(context.Context) (any, error) {
			w.addClient(robotID, tenant.Default)
			return func(ctx context.Context) (any, error) { return result(w.service.FindClient(ctx, w.root(), robotID)) }
		},
		calls:  []string{"Clients.ByID"},
		misses: map[string]string{"Clients.ByID#1": "not_found client_unknown"},
	},
	{
		name: "ChangeClient",
		start: func(w *world) func(context.Context) (any, error) {
			w.machineToken(w.addClient(robotID, tenant.Default, "orders:read", "orders:write"))
			less := []string{"orders:read"}
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.ChangeClient(ctx, w.root(), robotID, auth.ChangedClient{Permissions: &less}, client)))
			}
		},
		calls:  []string{"Clients.Update", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Clients.Update#1": "not_found client_unknown"},
	},
	{
		name: "RotateClient",
		start: func(w *world) func(context.Context) (any, error) {
			w.addClient(robotID, tenant.Default)
			return func(ctx context.Context) (any, error) {
				return showing[machine.Client]("a client's secret")(w.service.RotateClient(ctx, w.root(), robotID, false, client))
			}
		},
		calls:  []string{"Clients.Update", "Audit.Record"},
		misses: map[string]string{"Clients.Update#1": "not_found client_unknown"},
	},
	{
		name: "RotateClient whose secret is compromised",
		start: func(w *world) func(context.Context) (any, error) {
			w.machineToken(w.addClient(robotID, tenant.Default))
			return func(ctx context.Context) (any, error) {
				return showing[machine.Client]("a client's secret")(w.service.RotateClient(ctx, w.root(), robotID, true, client))
			}
		},
		calls:  []string{"Clients.Update", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Clients.Update#1": "not_found client_unknown"},
	},
	{
		name: "DisableClient",
		start: func(w *world) func(context.Context) (any, error) {
			w.machineToken(w.addClient(robotID, tenant.Default, "orders:read"))
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.DisableClient(ctx, w.root(), robotID, true, client)))
			}
		},
		calls:  []string{"Clients.Update", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Clients.Update#1": "not_found client_unknown"},
	},
	{
		name: "DeleteClient",
		start: func(w *world) func(context.Context) (any, error) {
			w.machineToken(w.addClient(robotID, tenant.Default, "orders:read"))
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.DeleteClient(ctx, w.root(), robotID, client))
			}
		},
		calls:  []string{"Clients.Update", "Marks.Add", "Clients.Delete", "Audit.Record"},
		misses: map[string]string{"Clients.Update#1": "not_found client_unknown", "Clients.Delete#1": "ok"},
	},
	{
		name: "AddTenant",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return result(w.service.AddTenant(ctx, w.root(), "globex", "Globex", []tenant.External{{Source: "auth0", ID: "org_1"}}, client))
			}
		},
		calls: []string{"Tenants.Create", "Audit.Record"},
	},
	{
		name: "ListTenants",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) { return result(w.service.ListTenants(ctx, w.root(), "", 0)) }
		},
		calls: []string{"Tenants.List"},
	},
	{
		name: "ListTenants by another tenant's administrator",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) { return result(w.service.ListTenants(ctx, acmeRoot, "", 0)) }
		},
		calls:  []string{"Tenants.ByID"},
		misses: map[string]string{"Tenants.ByID#1": "ok"},
	},
	{
		name: "FindTenant",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) { return result(w.service.FindTenant(ctx, w.root(), "acme")) }
		},
		calls:  []string{"Tenants.ByID"},
		misses: map[string]string{"Tenants.ByID#1": "not_found tenant_unknown"},
	},
	{
		name: "ChangeTenant",
		start: func(w *world) func(context.Context) (any, error) {
			name := "Acme Ltd"
			return func(ctx context.Context) (any, error) {
				return result(w.service.ChangeTenant(ctx, w.root(), "acme", auth.ChangedTenant{Name: &name}, client))
			}
		},
		calls:  []string{"Tenants.Update", "Audit.Record"},
		misses: map[string]string{"Tenants.Update#1": "not_found tenant_unknown"},
	},
	{
		name: "AddUser of a tenant by the operator",
		start: func(w *world) func(context.Context) (any, error) {
			operator := access.Operator("root")
			operator.Tenant = "acme"
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.AddUser(ctx, &operator, carol, nil, client)))
			}
		},
		calls:  []string{"Tenants.ByID", "Hasher.Hash", "Users.Create", "Audit.Record"},
		misses: map[string]string{"Tenants.ByID#1": "not_found tenant_unknown"},
	},
	{
		name: "ChangeUsername of another",
		start: func(w *world) func(context.Context) (any, error) {
			w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.ChangeUsername(ctx, w.root(), aliceID, "alicia", client)))
			}
		},
		calls:  []string{"People.Update", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"People.Update#1": "not_found user_unknown"},
	},
}
