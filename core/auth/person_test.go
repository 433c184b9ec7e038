package auth_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// demand is whom a use case is for.
type demand string

const (
	nobodys        demand = "asks for no principal"
	anybodys       demand = "ends what the principal shows, or nothing"
	users          demand = "a user, by whatever they show"
	themselves     demand = "a user who is signed in themselves"
	administrators demand = "an administrator, of what is their tenant's"
	stewards       demand = "an administrator of the default tenant, or the operator"
)

// demands says whom each method of Service is for; see the package's comment.
var demands = map[string]demand{
	"Authenticate": nobodys, "BackChannelLogout": nobodys, "Bundle": nobodys, "BundleKeys": nobodys, "BundleStale": nobodys, "Captchas": nobodys, "CheckReset": nobodys, "CheckSetup": nobodys,
	"Confirm": nobodys, "DevelopmentUser": nobodys, "ForgotPassword": nobodys, "Introspect": nobodys, "IssueMachineToken": nobodys,
	"JWKS": nobodys, "Load": nobodys, "Login": nobodys, "PasswordPolicy": nobodys, "Refresh": nobodys, "Register": nobodys,
	"Renew": nobodys, "ResetPassword": nobodys, "RevokeToken": nobodys, "Setup": nobodys, "SetupLink": nobodys,
	"SignInWithCode": nobodys, "Sweep": nobodys, "Vouch": nobodys,

	"Logout": anybodys, "SignOut": anybodys,

	"Me": users,

	"BeginProvider": themselves, "FinishProvider": themselves, // to link an identity
	"ChangePassword": themselves, "ChangeUsername": themselves, "DeleteAccount": themselves, "DeleteAPIToken": themselves,
	"EndOtherSessions": themselves, "EndSession": themselves, "ListAPITokens": themselves, "ListIdentities": themselves,
	"ListSessions": themselves, "MakeAPIToken": themselves, "SendConfirm": themselves, "Unlink": themselves, "UpstreamToken": themselves,

	"AddClient": administrators, "AddUser": administrators, "AuditLog": administrators, "Ban": administrators,
	"ChangeClient": administrators, "DeleteClient": administrators, "DisableClient": administrators, "FindClient": administrators,
	"FindTenant": administrators, "FindUser": administrators, "Kick": administrators, "ListClients": administrators,
	"ListTenants": administrators, "Permit": administrators, "RotateClient": administrators, "SearchUsers": administrators,
	"Unban": administrators,

	"AddTenant": stewards, "Blackout": stewards, "ChangeTenant": stewards, "ListKeys": stewards, "RetireKey": stewards, "RotateKeys": stewards,
	"ListBundleKeys": stewards, "RetireBundleKey": stewards, "RotateBundleKeys": stewards,
}

// use calls a method as a principal, with arguments that change something of alice's or are zero.
func (w *world) use(ctx context.Context, name string, p *access.Principal) error {
	w.t.Helper()
	method := reflect.ValueOf(w.service).MethodByName(name)
	arguments := []reflect.Value{}
	for i := range method.Type().NumIn() {
		switch in := method.Type().In(i); in {
		case reflect.TypeFor[context.Context]():
			arguments = append(arguments, reflect.ValueOf(ctx))
		case reflect.TypeFor[*access.Principal]():
			arguments = append(arguments, reflect.ValueOf(p))
		case reflect.TypeFor[auth.ProviderLogin]():
			arguments = append(arguments, reflect.ValueOf(auth.ProviderLogin{Provider: "google", Link: true}))
		case reflect.TypeFor[auth.Callback]():
			arguments = append(arguments, reflect.ValueOf(w.begin(w.themselves(), "google", dana())))
		case reflect.TypeFor[string]():
			value := aliceID // whom, or what she is called
			if name == "ChangeUsername" && len(arguments) == 3 {
				value = "alicia"
			}
			if strings.Contains(name, "Password") || name == "DeleteAccount" {
				value = alicePassword
			}
			arguments = append(arguments, reflect.ValueOf(value))
		default:
			arguments = append(arguments, reflect.Zero(in))
		}
	}
	results := method.Call(arguments)
	err, _ := results[len(results)-1].Interface().(error)
	return err
}

// themselves returns alice, signed in.
func (w *world) themselves() *access.Principal {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, s := range w.sessions {
		if s.UserID == aliceID {
			return &access.Principal{
				Kind: access.User, Via: access.SessionCookie, Subject: aliceID, Tenant: tenant.Default, Session: id, Permissions: []string{access.Admin},
			}
		}
	}
	w.t.Fatal("alice is not signed in")
	return nil
}

// TestService_demands holds every method to whom it is for, whatever credential they show. A new method is not
// forgotten: it has to be in the table.
func TestService_demands(t *testing.T) {
	shows := func(change func(*access.Principal)) func(*world) *access.Principal {
		return func(w *world) *access.Principal {
			p := w.themselves()
			change(p)
			return p
		}
	}
	via := func(c access.Credential, session bool) func(*world) *access.Principal {
		return shows(func(p *access.Principal) {
			if p.Via = c; !session {
				p.Session = ""
			}
		})
	}
	all := []demand{anybodys, users, themselves, administrators, stewards}
	tests := []struct {
		name      string
		p         func(*world) *access.Principal
		may       []demand
		otherwise string
	}{
		{"a session", via(access.SessionCookie, true), all, ""},
		{"a session's access token in a cookie", via(access.AccessCookie, true), all, ""},
		{"a session's access token", via(access.AccessToken, true), all, ""},
		{"a token that we vouch with", via(access.VouchedToken, false), []demand{anybodys, users}, "forbidden"},
		{"a token that we vouch with for a session", via(access.VouchedToken, true), []demand{anybodys, users}, "forbidden"},
		{"an access token without a session", via(access.AccessToken, false), []demand{anybodys, users, administrators, stewards}, "forbidden person_required"},
		{"an API token", via(access.APIToken, false), []demand{anybodys, users, administrators, stewards}, "forbidden person_required"},
		{"an API token that says it has a session", via(access.APIToken, true), []demand{anybodys, users, administrators, stewards}, "forbidden person_required"},
		{"another issuer's token", via(access.ForeignToken, false), []demand{anybodys, users, administrators, stewards}, "forbidden person_required"},
		{"another issuer's token that says it has a session", via(access.ForeignToken, true), []demand{anybodys, users, administrators, stewards}, "forbidden person_required"},
		{"nothing, as the development user does", via(access.NoCredential, false), []demand{anybodys, users, administrators, stewards}, "forbidden person_required"},
		{"a session cookie without a session", via(access.SessionCookie, false), []demand{anybodys, users, administrators, stewards}, "forbidden person_required"},
		{"a session, of who is no administrator", shows(func(p *access.Principal) { p.Permissions = []string{"administrator"} }), []demand{anybodys, users, themselves}, "forbidden forbidden"},
		{"an API token, of who is no administrator", shows(func(p *access.Principal) {
			p.Via, p.Session, p.Permissions = access.APIToken, "", nil
		}), []demand{anybodys, users}, "forbidden"},
		{"a session, of another tenant's administrator", shows(func(p *access.Principal) { p.Tenant = acme }), []demand{anybodys, users, themselves, administrators}, "forbidden forbidden"},
		{"a machine that is called like a user", shows(func(p *access.Principal) { p.Kind, p.Via, p.Session = access.Machine, access.AccessToken, "" }), []demand{anybodys, administrators, stewards}, "forbidden forbidden"},
		{"nobody, with all that somebody has", shows(func(p *access.Principal) { p.Kind = access.Anonymous }), []demand{anybodys}, "unauthenticated unauthenticated"},
		{"nobody", func(*world) *access.Principal { return &access.Principal{} }, []demand{anybodys}, "unauthenticated unauthenticated"},
	}
	typ := reflect.TypeFor[*auth.Service]()
	for i := range typ.NumMethod() {
		method := typ.Method(i)
		asks := false
		for j := range method.Type.NumIn() {
			asks = asks || method.Type.In(j) == reflect.TypeFor[*access.Principal]()
		}
		is, there := demands[method.Name]
		if !there || asks == (is == nobodys) {
			t.Errorf("%s is in the table as %q; it has a principal: %t", method.Name, is, asks)
			continue
		}
		if is == nobodys {
			continue
		}
		for _, tt := range tests {
			t.Run(method.Name+" by "+tt.name, func(t *testing.T) {
				w, _ := newUpWorld(t)
				w.login("alice", alicePassword)
				may := false
				for _, d := range tt.may {
					may = may || d == is
				}
				before := w.user(aliceID)
				p := tt.p(w)
				err := w.use(t.Context(), method.Name, p)
				refused := fault.KindOf(err) == fault.Forbidden || outcome(err) == "unauthenticated unauthenticated"
				switch {
				case method.Name == "FinishProvider" && p.Subject != aliceID: // the flow is another's
				case method.Name == "ChangeUsername" && p.Kind == access.Machine: // it administers, and this is somebody else
				case method.Name == "ChangeTenant" && p.Tenant == acme && outcome(err) == "not_found tenant_unknown":
				case may && err != nil && refused && outcome(err) != "forbidden tenant":
					t.Errorf("%v", err)
				case !may && !strings.HasPrefix(outcome(err), tt.otherwise):
					t.Errorf("%v, want %s", err, tt.otherwise)
				case !may && (w.user(aliceID).Name != before.Name || w.user(aliceID).PasswordHash != before.PasswordHash || len(w.tokens) > 0):
					t.Error("it did something")
				}
			})
		}
	}
	for name := range demands {
		if _, there := typ.MethodByName(name); !there {
			t.Errorf("%s is no method any more", name)
		}
	}
}

// TestService_account_by_API_token: what a leaked token may not become.
func TestService_account_by_API_token(t *testing.T) {
	w := newWorld(t)
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"news"} })
	g := w.login("alice", alicePassword)
	_, text := w.makeAPIToken(aliceID, "news")
	id, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: text, HasBearer: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, err := range map[string]error{
		"make another token":  third(w.service.MakeAPIToken(ctx, id.Principal, auth.NewAPIToken{Name: "more", Scopes: []string{"news"}}, client)),
		"change the password": second(w.service.ChangePassword(ctx, id.Principal, alicePassword, otherPassword, client)),
		"change the name":     second(w.service.ChangeUsername(ctx, id.Principal, aliceID, "alicia", client)),
		"delete the account":  w.service.DeleteAccount(ctx, id.Principal, alicePassword, client),
		"end the sessions":    second(w.service.EndOtherSessions(ctx, id.Principal, client)),
	} {
		if outcome(err) != "forbidden person_required" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if u, err := w.service.Me(ctx, id.Principal); err != nil || u.ID != aliceID {
		t.Errorf("who it is: %v", err)
	}
	w.principal(g)
}
