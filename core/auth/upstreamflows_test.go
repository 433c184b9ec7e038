package auth_test

import (
	"context"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

func init() {
	flows = append(flows, upstreamFlows...)
}

// signsIn are the calls that end a sign-in with a provider.
func signsIn(before ...string) []string {
	return append(before, "Sealer.Seal", "Sessions.Create", "Users.ByID", "Signer.Sign", "Identities.BySubject", "Audit.Record")
}

// missing are the outcomes of what a sign-in does not find at its end.
func missing(m map[string]string) map[string]string {
	m["Sessions.Create#1"], m["Users.ByID#1"] = "conflict changed_meanwhile", "conflict changed_meanwhile"
	return m
}

func finishing(prepare func(*world) ports.Person) func(*world) func(context.Context) (any, error) {
	return func(w *world) func(context.Context) (any, error) {
		in := w.begin(nobody, "google", prepare(w))
		return func(ctx context.Context) (any, error) { return given(w.finish(ctx, nobody, in)) }
	}
}

// given keeps a grant that is none from looking like one.
func given(g *auth.Grant, err error) (any, error) {
	if g == nil {
		return nil, err
	}
	return g, err
}

var upstreamFlows = []flow{
	{
		name: "BeginProvider", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				to, _, err := w.service.BeginProvider(ctx, nobody, auth.ProviderLogin{Provider: "google"})
				if to == "" {
					return nothing(err)
				}
				return to, err
			}
		},
		calls: []string{"Sealer.Seal", "Provider.Begin"},
	},
	{
		name: "FinishProvider of a newcomer", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			in := w.begin(nobody, "google", dana())
			in.Replaces = w.login("bob", otherPassword).Cookie
			return func(ctx context.Context) (any, error) { return given(w.finish(ctx, nobody, in)) }
		},
		calls: append(signsIn(
			"Sealer.Open", "Attempts.Update", "Provider.Redeem", "Identities.BySubject", "Users.ByLogin", "Users.Create", "Identities.Create",
			"Audit.Record", "Audit.Record",
		), "Sessions.ByHash", "Sessions.Delete", "Marks.Add"),
		survives: []string{"Sessions.ByHash#1", "Sessions.Delete#1", "Marks.Add#1"},
		misses:   missing(map[string]string{"Users.ByLogin#1": "ok", "Sessions.ByHash#1": "ok", "Sessions.Delete#1": "ok"}),
	},
	{
		name: "FinishProvider of somebody known", with: providers,
		start: finishing(func(w *world) ports.Person {
			w.mustCome("google", dana())
			return with(dana(), func(p *ports.Person) { p.Profile.FullName, p.Email = "Dana E", "dana@new.example" })
		}),
		calls: signsIn("Sealer.Open", "Attempts.Update", "Provider.Redeem", "Identities.BySubject", "Identities.Update", "Users.Update"),
		misses: missing(map[string]string{
			"Users.Update#1": "ok", // it is tried again
		}),
	},
	{
		name: "FinishProvider by a confirmed address", with: providers,
		start: finishing(func(*world) ports.Person { return aliceAt() }),
		calls: signsIn(
			"Sealer.Open", "Attempts.Update", "Provider.Redeem", "Identities.BySubject", "Users.ByLogin", "Users.Update", "Identities.Create", "Audit.Record",
		),
		misses: missing(map[string]string{"Users.ByLogin#1": "ok", "Users.Update#1": "ok"}), // it is tried again
	},
	{
		name: "FinishProvider that takes an account over", with: providers,
		start: finishing(func(w *world) ports.Person {
			w.squat(true)
			w.up().add(bobID, "loose", looseIss, "mallory")
			w.login("bob", otherPassword)
			return bobAt()
		}),
		calls: signsIn(
			"Sealer.Open", "Attempts.Update", "Provider.Redeem", "Identities.BySubject", "Users.ByLogin", "Users.Update",
			"Identities.ByUser", "Identities.Delete", "SessionSets.DeleteByUser", "Marks.Add", "APITokens.ByUser", "Audit.Record",
			"Users.Update", "Identities.Create", "Audit.Record",
		),
		misses: missing(map[string]string{"Users.ByLogin#1": "ok", "Users.Update#1": "ok", "Users.Update#2": "ok"}),
	},
	{
		name: "FinishProvider that links", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			p, _ := w.signedIn()
			in := w.begin(p, "google", dana())
			return func(ctx context.Context) (any, error) { return given(w.finish(ctx, p, in)) }
		},
		calls: []string{
			"Sealer.Open", "Attempts.Update", "Provider.Redeem", "Users.ByID", "SessionSets.ByUser", "Identities.BySubject",
			"Identities.Create", "Audit.Record", "Users.ByID", "SessionSets.ByUser",
		},
		misses: map[string]string{"Users.ByID#1": "unauthenticated unauthenticated", "Users.ByID#2": "unauthenticated unauthenticated"},
	},
	{
		name: "SignInWithCode", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			w.mustCome("google", dana())
			code := w.up().code("google", dana())
			return func(ctx context.Context) (any, error) {
				return given(w.service.SignInWithCode(ctx, auth.ProviderCode{Provider: "google", Code: code, RedirectURI: frontEnd}, client))
			}
		},
		calls:  signsIn("Attempts.Update", "Provider.Redeem", "Identities.BySubject", "Identities.Update"),
		misses: missing(map[string]string{}),
	},
	{
		name: "ListIdentities", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			w.up().add(aliceID, "google", googleIss, "alice-1")
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				list, err := w.service.ListIdentities(ctx, p)
				if err == nil && len(list) != 1 {
					w.t.Errorf("%d identities", len(list))
				}
				return nothing(err)
			}
		},
		calls: []string{"Identities.ByUser"},
	},
	{
		name: "Unlink", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			i := w.up().add(aliceID, "google", googleIss, "alice-1")
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) { return nothing(w.service.Unlink(ctx, p, i.ID, client)) }
		},
		calls:  []string{"Users.ByID", "Identities.ByUser", "Identities.Delete", "Audit.Record"},
		misses: map[string]string{"Users.ByID#1": "unauthenticated unauthenticated"},
	},
	{
		name: "SignOut", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			p := w.principal(w.mustCome("google", dana()))
			return func(ctx context.Context) (any, error) {
				_, err := w.service.SignOut(ctx, p, issuer+"/bye", client)
				return nothing(err)
			}
		},
		calls: []string{
			"SessionSets.ByUser", "Sealer.Open", "Sessions.Delete", "Marks.Add", "Audit.Record", "ProviderLogout.Revoke", "ProviderLogout.End",
		},
		survives: []string{"SessionSets.ByUser#1", "Sealer.Open#1", "ProviderLogout.Revoke#1", "ProviderLogout.End#1"},
		misses:   map[string]string{"Sessions.Delete#1": "ok"},
	},
	{
		name: "UpstreamToken", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			p := w.principal(w.mustCome("google", dana()))
			w.pass(2 * time.Hour)
			return func(ctx context.Context) (any, error) {
				got, _, err := w.service.UpstreamToken(ctx, p)
				if got == "" {
					return nothing(err)
				}
				return &session.Tokens{Access: got}, err
			}
		},
		calls:  []string{"SessionSets.ByUser", "Sealer.Open", "Provider.Refresh", "Sealer.Seal", "Sessions.Update"},
		misses: map[string]string{"Sessions.Update#1": "unauthenticated session_unknown"},
	},
	{
		name: "BackChannelLogout of a session", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			w.mustCome("google", dana())
			w.up().logouts["google token"] = ports.LogoutToken{Issuer: googleIss, ID: "jti-1", Session: "sid-dana"}
			return func(ctx context.Context) (any, error) {
				n, err := w.service.BackChannelLogout(ctx, "google", "token", client)
				if (n == 1) != (err == nil) {
					w.t.Errorf("%d sessions and %v", n, err)
				}
				return nothing(err)
			}
		},
		calls:  []string{"ProviderLogout.ReadLogout", "Attempts.Update", "SessionSets.ByUpstream", "Sessions.Delete", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Sessions.Delete#1": "ok"},
	},
	{
		name: "BackChannelLogout of a subject", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			w.mustCome("google", dana())
			w.up().logouts["google token"] = ports.LogoutToken{Issuer: googleIss, ID: "jti-1", Subject: "dana-1"}
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.BackChannelLogout(ctx, "google", "token", client)))
			}
		},
		calls: []string{
			"ProviderLogout.ReadLogout", "Attempts.Update", "Identities.BySubject", "SessionSets.ByUser", "Sessions.Delete", "Marks.Add", "Audit.Record",
		},
		misses: map[string]string{"Sessions.Delete#1": "ok"},
	},
	{
		name: "ResetPassword of an unproven account", with: providers,
		start: func(w *world) func(context.Context) (any, error) {
			secret := w.resetLink()
			w.edit(aliceID, func(u *user.User) { u.EmailConfirmed = false })
			w.up().add(aliceID, "loose", looseIss, "mallory")
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.ResetPassword(ctx, secret, otherPassword, client))
			}
		},
		calls: []string{
			"MailTokens.Get", "Users.ByID", "Hasher.Hash", "Users.Update", "Identities.ByUser", "Identities.Delete",
			"SessionSets.DeleteByUser", "Marks.Add", "APITokens.ByUser", "Audit.Record", "MailTokens.Consume", "Users.Update",
			"SessionSets.DeleteByUser", "MailTokens.Put", "Attempts.Update", "Marks.Add", "Mailer.Send", "Audit.Record",
		},
		survives: []string{"Mailer.Send#1"},
		misses: map[string]string{
			"MailTokens.Get#1": "forbidden token_unknown", "Users.ByID#1": "forbidden token_unknown",
			"MailTokens.Consume#1": "forbidden token_unknown",
			"Users.Update#1":       "conflict changed_meanwhile", "Users.Update#2": "forbidden token_unknown",
		},
	},
}

// upstreamAudit is what these write to the audit log.
var upstreamAudit = map[string]string{
	"BeginProvider":                             "",
	"FinishProvider of a newcomer":              "identity.link ok new→new, register ok new→new, login ok new→new",
	"FinishProvider of somebody known":          "login ok new→new",
	"FinishProvider by a confirmed address":     "identity.link ok alice→alice, login ok alice→alice",
	"FinishProvider that takes an account over": "user.dispossess ok →bob, identity.link ok bob→bob, login ok bob→bob",
	"FinishProvider that links":                 "identity.link ok alice→alice",
	"SignInWithCode":                            "login ok new→new",
	"ListIdentities":                            "",
	"Unlink":                                    "identity.unlink ok alice→alice",
	"SignOut":                                   "logout ok new→new",
	"UpstreamToken":                             "",
	"BackChannelLogout of a session":            "logout.provider ok →new",
	"BackChannelLogout of a subject":            "logout.provider ok →new",
	"ResetPassword of an unproven account":      "user.dispossess ok →alice, password.reset ok alice→alice",
}
