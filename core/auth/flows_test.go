package auth_test

import (
	"context"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

var flows = []flow{
	{
		name: "Register",
		with: func(w *world) func(*auth.Config) { return w.withCaptcha },
		start: func(w *world) func(context.Context) (any, error) {
			_, old := w.signedIn()
			return func(ctx context.Context) (any, error) {
				in := carol
				in.Replaces = old.Cookie
				return w.service.Register(ctx, in, client)
			}
		},
		calls: []string{
			"Attempts.Update", "Captcha.Check", "Users.ByLogin", "Hasher.Hash", "Users.Create", "Audit.Record",
			"Attempts.Update", "MailTokens.Put", "Mailer.Send",
			"Sealer.Seal", "Sessions.Create", "Users.ByID", "Signer.Sign",
			"Sessions.ByHash", "Sessions.Delete", "Marks.Add",
		},
		survives: []string{"Attempts.Update#2", "MailTokens.Put#1", "Mailer.Send#1", "Sessions.ByHash#1", "Sessions.Delete#1", "Marks.Add#1"},
		misses: map[string]string{
			"Users.ByLogin#1": "ok", "Sessions.Create#1": "unauthenticated bad_credentials", "Users.ByID#1": "unauthenticated bad_credentials",
			"Sessions.ByHash#1": "ok", "Sessions.Delete#1": "ok",
		},
	},
	{
		name: "Register verified", with: verified,
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				g, err := w.service.Register(ctx, carol, client)
				if g != nil {
					w.t.Error("a registration that waits for its link signed somebody in")
				}
				return nothing(err)
			}
		},
		calls: []string{
			"Attempts.Update", "Users.ByLogin", "Attempts.Update", "Hasher.Hash", "Users.ByLogin", "Sealer.Seal",
			"MailTokens.Put", "Mailer.Send", "Audit.Record",
		},
		misses: map[string]string{"Users.ByLogin#1": "ok", "Users.ByLogin#2": "ok"},
	},
	{
		name: "Login",
		with: func(w *world) func(*auth.Config) { return w.withCaptcha },
		start: func(w *world) func(context.Context) (any, error) {
			g, err := w.service.Login(w.t.Context(), auth.PasswordLogin{Login: "bob", Password: otherPassword, Captcha: "human"}, client)
			if err != nil {
				w.t.Fatal(err)
			}
			return func(ctx context.Context) (any, error) {
				in := auth.PasswordLogin{Login: "alice", Password: alicePassword, Captcha: "human", Replaces: g.Cookie}
				return w.service.Login(ctx, in, client)
			}
		},
		calls: []string{
			"Users.ByLogin", "Attempts.Update", "Captcha.Check", "Attempts.Update", "Hasher.Verify",
			"Sealer.Seal", "Sessions.Create", "Users.ByID", "Signer.Sign", "Attempts.Update", "Audit.Record",
			"Sessions.ByHash", "Sessions.Delete", "Marks.Add",
		},
		survives: []string{"Sessions.ByHash#1", "Sessions.Delete#1", "Marks.Add#1"},
		misses: map[string]string{
			"Users.ByLogin#1": "unauthenticated bad_credentials", "Sessions.Create#1": "unauthenticated bad_credentials",
			"Users.ByID#1": "unauthenticated bad_credentials", "Sessions.ByHash#1": "ok", "Sessions.Delete#1": "ok",
		},
	},
	{
		name: "Login with an outdated hash",
		start: func(w *world) func(context.Context) (any, error) {
			w.edit(aliceID, func(u *user.User) { u.PasswordHash = oldHash(alicePassword) })
			return func(ctx context.Context) (any, error) {
				return w.service.Login(ctx, auth.PasswordLogin{Login: "alice@example.org", Password: alicePassword}, client)
			}
		},
		calls: []string{
			"Users.ByLogin", "Attempts.Update", "Hasher.Verify", "Hasher.Hash", "Users.Update",
			"Sealer.Seal", "Sessions.Create", "Users.ByID", "Signer.Sign", "Attempts.Update", "Audit.Record",
		},
		survives: []string{"Users.Update#1"},
		misses: map[string]string{
			"Users.ByLogin#1": "unauthenticated bad_credentials", "Users.Update#1": "ok", // it is asked again below
			"Sessions.Create#1": "unauthenticated bad_credentials", "Users.ByID#1": "unauthenticated bad_credentials",
		},
	},
	{
		name: "Authenticate by a session that is not remembered",
		start: func(w *world) func(context.Context) (any, error) {
			g := w.login("alice", alicePassword)
			w.pass(2 * time.Minute)
			return func(ctx context.Context) (any, error) {
				return w.identity(ctx, auth.Credentials{Session: g.Cookie})
			}
		},
		calls:    []string{"Sessions.ByHash", "Sessions.Update"},
		survives: []string{"Sessions.Update#1"},
		misses:   map[string]string{"Sessions.ByHash#1": "unauthenticated session_unknown", "Sessions.Update#1": "unauthenticated session_unknown"},
	},
	{
		name: "Authenticate by a remembered session",
		start: func(w *world) func(context.Context) (any, error) {
			_, g := w.signedIn()
			return func(ctx context.Context) (any, error) { return w.identity(ctx, auth.Credentials{Session: g.Cookie}) }
		},
	},
	{
		name: "Authenticate by an access token",
		start: func(w *world) func(context.Context) (any, error) {
			_, g := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return w.identity(ctx, auth.Credentials{Bearer: g.Access, HasBearer: true})
			}
		},
	},
	{
		name: "Renew",
		start: func(w *world) func(context.Context) (any, error) {
			_, g := w.signedIn()
			w.rotateAll()
			return func(ctx context.Context) (any, error) {
				cookie, err := w.service.Renew(ctx, g.Cookie)
				if cookie == "" {
					return nothing(err)
				}
				w.secret("a session cookie", cookie)
				return cookie, err
			}
		},
		calls:  []string{"Sessions.ByHash", "Sessions.Update"},
		misses: map[string]string{"Sessions.ByHash#1": "unauthenticated session_unknown", "Sessions.Update#1": "unauthenticated session_unknown"},
	},
	{
		name: "Refresh",
		start: func(w *world) func(context.Context) (any, error) {
			_, g := w.signedIn()
			return func(ctx context.Context) (any, error) { return w.service.Refresh(ctx, g.Refresh, client) }
		},
		calls:  []string{"Sessions.ByFamily", "Signer.Sign", "Sessions.Update"},
		misses: map[string]string{"Sessions.ByFamily#1": "unauthenticated session_unknown", "Sessions.Update#1": "unauthenticated session_unknown"},
	},
	{
		name: "Logout",
		start: func(w *world) func(context.Context) (any, error) {
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) { return nothing(w.service.Logout(ctx, p, client)) }
		},
		calls:  []string{"Sessions.Delete", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Sessions.Delete#1": "ok"},
	},
	{
		name: "Me",
		start: func(w *world) func(context.Context) (any, error) {
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) { return nothing(second(w.service.Me(ctx, p))) }
		},
		calls:  []string{"Users.ByID"},
		misses: map[string]string{"Users.ByID#1": "unauthenticated unauthenticated"},
	},
	{
		name: "ChangeUsername",
		start: func(w *world) func(context.Context) (any, error) {
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.ChangeUsername(ctx, p, aliceID, "alicia", client)))
			}
		},
		calls:  []string{"Users.Update", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Users.Update#1": "not_found user_unknown"},
	},
	{
		name: "DeleteAccount",
		start: func(w *world) func(context.Context) (any, error) {
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.DeleteAccount(ctx, p, alicePassword, client))
			}
		},
		calls: []string{
			"Users.ByID", "Attempts.Update", "Hasher.Verify", "Attempts.Update", "Users.Delete", "Marks.Add", "Audit.Record",
		},
		misses: map[string]string{"Users.ByID#1": "unauthenticated unauthenticated", "Users.Delete#1": "ok"},
	},
	{
		name: "SendConfirm",
		start: func(w *world) func(context.Context) (any, error) {
			w.edit(aliceID, func(u *user.User) { u.EmailConfirmed = false })
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) { return nothing(w.service.SendConfirm(ctx, p, client)) }
		},
		calls:  []string{"Users.ByID", "Attempts.Update", "MailTokens.Put", "Mailer.Send", "Audit.Record"},
		misses: map[string]string{"Users.ByID#1": "unauthenticated unauthenticated"},
	},
	{
		name: "Confirm",
		start: func(w *world) func(context.Context) (any, error) {
			secret := w.confirmLink()
			return func(ctx context.Context) (any, error) { return nothing(second(w.service.Confirm(ctx, secret, client))) }
		},
		calls:  []string{"MailTokens.Consume", "Users.Update", "Audit.Record"},
		misses: map[string]string{"MailTokens.Consume#1": "forbidden token_unknown", "Users.Update#1": "forbidden token_unknown"},
	},
	{
		name: "Confirm a registration", with: verified,
		start: func(w *world) func(context.Context) (any, error) {
			if _, err := w.service.Register(w.t.Context(), carol, client); err != nil {
				w.t.Fatal(err)
			}
			secret := w.link()
			return func(ctx context.Context) (any, error) { return nothing(second(w.service.Confirm(ctx, secret, client))) }
		},
		calls:  []string{"MailTokens.Consume", "MailTokens.Consume", "Sealer.Open", "Users.Create", "Audit.Record"},
		misses: map[string]string{"MailTokens.Consume#1": "ok", "MailTokens.Consume#2": "forbidden token_unknown"},
	},
	{
		name: "ForgotPassword",
		with: func(w *world) func(*auth.Config) { return w.withCaptcha },
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.ForgotPassword(ctx, "Alice@Example.org", "human", client))
			}
		},
		calls: []string{
			"Attempts.Update", "Captcha.Check", "Attempts.Update", "Users.ByLogin", "MailTokens.Put", "Mailer.Send", "Audit.Record",
		},
		misses: map[string]string{"Users.ByLogin#1": "ok"},
	},
	{
		name: "CheckReset",
		start: func(w *world) func(context.Context) (any, error) {
			secret := w.resetLink()
			return func(ctx context.Context) (any, error) { return nothing(w.service.CheckReset(ctx, secret)) }
		},
		calls:  []string{"MailTokens.Get"},
		misses: map[string]string{"MailTokens.Get#1": "forbidden token_unknown"},
	},
	{
		name: "ResetPassword",
		start: func(w *world) func(context.Context) (any, error) {
			w.signedIn()
			secret := w.resetLink()
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.ResetPassword(ctx, secret, otherPassword, client))
			}
		},
		calls: []string{
			"MailTokens.Get", "Users.ByID", "Hasher.Hash", "MailTokens.Consume", "Users.Update",
			"SessionSets.DeleteByUser", "MailTokens.Put", "Attempts.Update", "Marks.Add", "Mailer.Send", "Audit.Record",
		},
		survives: []string{"Mailer.Send#1"},
		misses: map[string]string{
			"MailTokens.Get#1": "forbidden token_unknown", "Users.ByID#1": "forbidden token_unknown",
			"MailTokens.Consume#1": "forbidden token_unknown", "Users.Update#1": "forbidden token_unknown",
		},
	},
	{
		name: "ChangePassword",
		start: func(w *world) func(context.Context) (any, error) {
			w.login("alice", alicePassword)
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return w.service.ChangePassword(ctx, p, alicePassword, otherPassword, client)
			}
		},
		calls: []string{
			"Users.ByID", "Attempts.Update", "Hasher.Verify", "Attempts.Update", "Hasher.Hash", "Users.Update",
			"Sessions.Update", "SessionSets.DeleteByUser", "MailTokens.Put", "Attempts.Update", "Marks.Add", "Mailer.Send",
			"Sessions.ByFamily", "Signer.Sign", "Audit.Record",
		},
		survives: []string{"Mailer.Send#1"},
		misses: map[string]string{
			"Users.ByID#1": "unauthenticated unauthenticated", "Users.Update#1": "unauthenticated unauthenticated",
			"Sessions.Update#1": "unauthenticated session_unknown", "Sessions.ByFamily#1": "unauthenticated session_unknown",
		},
	},
	{
		name: "ListSessions",
		start: func(w *world) func(context.Context) (any, error) {
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				list, err := w.service.ListSessions(ctx, p)
				if err == nil && len(list) != 1 {
					w.t.Errorf("%d sessions", len(list))
				}
				return nothing(err)
			}
		},
		calls:    []string{"SessionSets.ByUser", "Sealer.Open"},
		survives: []string{"Sealer.Open#1"},
	},
	{
		name: "EndSession",
		start: func(w *world) func(context.Context) (any, error) {
			g := w.login("alice", alicePassword)
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.EndSession(ctx, p, g.Session.ID, client))
			}
		},
		calls:  []string{"SessionSets.ByUser", "Sessions.Delete", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"Sessions.Delete#1": "ok"},
	},
	{
		name: "EndOtherSessions",
		start: func(w *world) func(context.Context) (any, error) {
			w.login("alice", alicePassword)
			w.login("alice", alicePassword)
			p, _ := w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.EndOtherSessions(ctx, p, client)))
			}
		},
		calls: []string{"SessionSets.DeleteByUser", "Marks.Add", "Marks.Add", "Audit.Record"},
	},
	{
		name: "SearchUsers",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.SearchUsers(ctx, w.root(), ports.UserQuery{})))
			}
		},
		calls: []string{"People.Search"},
	},
	{
		name: "FindUser by id",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.FindUser(ctx, w.root(), aliceID)))
			}
		},
		calls:  []string{"People.ByID"},
		misses: map[string]string{"People.ByID#1": "not_found user_unknown"},
	},
	{
		name: "FindUser by name",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.FindUser(ctx, w.root(), "Alice")))
			}
		},
		calls:  []string{"People.ByID", "People.ByLogin"},
		misses: map[string]string{"People.ByID#1": "ok", "People.ByLogin#1": "not_found user_unknown"},
	},
	{
		name: "AddUser",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.AddUser(ctx, w.root(), carol, []string{"news:write"}, client)))
			}
		},
		calls: []string{"Hasher.Hash", "Users.Create", "Audit.Record"},
	},
	{
		name: "Ban",
		start: func(w *world) func(context.Context) (any, error) {
			w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.Ban(ctx, w.root(), aliceID, "spam", time.Time{}, client)))
			}
		},
		calls:  []string{"People.Update", "SessionSets.DeleteByUser", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"People.Update#1": "not_found user_unknown"},
	},
	{
		name: "Unban",
		start: func(w *world) func(context.Context) (any, error) {
			w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{From: epoch} })
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.Unban(ctx, w.root(), aliceID, client)))
			}
		},
		calls:  []string{"People.Update", "Audit.Record"},
		misses: map[string]string{"People.Update#1": "not_found user_unknown"},
	},
	{
		name: "Kick",
		start: func(w *world) func(context.Context) (any, error) {
			w.signedIn()
			return func(ctx context.Context) (any, error) { return nothing(w.service.Kick(ctx, w.root(), aliceID, client)) }
		},
		calls:  []string{"People.ByID", "SessionSets.DeleteByUser", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"People.ByID#1": "not_found user_unknown"},
	},
	{
		name: "Blackout",
		start: func(w *world) func(context.Context) (any, error) {
			w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.Blackout(ctx, w.root(), time.Time{}, client)))
			}
		},
		calls: []string{"Marks.Add", "SessionSets.DeleteBefore", "Marks.Add", "Audit.Record"},
	},
	{
		name: "Permit",
		start: func(w *world) func(context.Context) (any, error) {
			w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"admin"} })
			w.signedIn()
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.Permit(ctx, w.root(), aliceID, nil, client)))
			}
		},
		calls:  []string{"People.Update", "People.Search", "SessionSets.MarkRotate", "Marks.Add", "Audit.Record"},
		misses: map[string]string{"People.Update#1": "not_found user_unknown"},
	},
	{
		name: "AuditLog",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.AuditLog(ctx, w.root(), ports.EventQuery{})))
			}
		},
		calls: []string{"Log.Search"},
	},
	{
		name: "ListKeys",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) { return nothing(second(w.service.ListKeys(ctx, w.root()))) }
		},
		calls: []string{"Keys.List"},
	},
	{
		name: "RotateKeys",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.RotateKeys(ctx, w.root(), auth.Rotation{Delay: -1}, client)))
			}
		},
		calls: []string{
			"Keyring.Generate", "Keys.Change", "Keys.List", "Keyring.Open", "Keyring.Open", "Marks.List", "Audit.Record",
		},
	},
	{
		name: "RotateKeys with an imported key",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.RotateKeys(ctx, w.root(), auth.Rotation{PEM: []byte("a good key")}, client)))
			}
		},
		calls: []string{
			"Keyring.Import", "Keys.Change", "Keys.List", "Keyring.Open", "Keyring.Open", "Marks.List", "Audit.Record",
		},
	},
	{
		name: "RetireKey",
		start: func(w *world) func(context.Context) (any, error) {
			if _, err := w.service.RotateKeys(w.t.Context(), w.root(), auth.Rotation{}, client); err != nil {
				w.t.Fatal(err)
			}
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.RetireKey(ctx, w.root(), "key-1", true, client))
			}
		},
		calls: []string{"Keys.Change", "Keys.List", "Keyring.Open", "Marks.List", "Audit.Record"},
	},
	{
		name: "Bundle",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) { return w.service.Bundle(ctx, 0) }
		},
		calls: []string{"BundleKeys.List", "Keyring.Generate", "BundleKeys.Change", "Keyring.Open", "Numbers.Next", "Signer.SignPayload"},
	},
	{
		name: "Bundle since another",
		start: func(w *world) func(context.Context) (any, error) {
			first := w.bundle(0)
			w.fine(w.service.Kick(w.t.Context(), w.root(), aliceID, client))
			w.pass(time.Second)
			return func(ctx context.Context) (any, error) { return w.service.Bundle(ctx, first.Number) }
		},
		calls:    []string{"Numbers.Next", "Signer.SignPayload"},
		survives: []string{"Numbers.Next#1"}, // what is signed already is given out
	},
	{
		name: "BundleKeys",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) { return nothing(second(w.service.BundleKeys(ctx))) }
		},
		calls: []string{"BundleKeys.List", "Keyring.Generate", "BundleKeys.Change", "Keyring.Open"},
	},
	{
		name: "ListBundleKeys",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.ListBundleKeys(ctx, w.root())))
			}
		},
		calls: []string{"BundleKeys.List"},
	},
	{
		name: "RotateBundleKeys",
		start: func(w *world) func(context.Context) (any, error) {
			w.bundle(0)
			return func(ctx context.Context) (any, error) {
				return nothing(second(w.service.RotateBundleKeys(ctx, w.root(), auth.Rotation{Delay: -1}, client)))
			}
		},
		calls: []string{"Keyring.Generate", "BundleKeys.Change", "Keys.List", "Keyring.Open", "Marks.List", "Audit.Record"},
	},
	{
		name: "RetireBundleKey",
		start: func(w *world) func(context.Context) (any, error) {
			w.bundle(0)
			w.fine(second(w.service.RotateBundleKeys(w.t.Context(), w.root(), auth.Rotation{}, client)))
			return func(ctx context.Context) (any, error) {
				return nothing(w.service.RetireBundleKey(ctx, w.root(), "key-2", true, client))
			}
		},
		calls: []string{"BundleKeys.Change", "Keys.List", "Keyring.Open", "Marks.List", "Audit.Record"},
	},
	{
		name: "Load",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) { return nothing(w.service.Load(ctx)) }
		},
		calls: []string{"Keys.List", "Keyring.Open", "Marks.List"},
	},
	{
		name: "Load the first time",
		start: func(w *world) func(context.Context) (any, error) {
			w.keys = nil
			return func(ctx context.Context) (any, error) { return nothing(w.service.Load(ctx)) }
		},
		calls: []string{"Keys.List", "Keyring.Generate", "Keys.Change", "Keyring.Open", "Marks.List"},
	},
	{
		name: "Sweep",
		start: func(w *world) func(context.Context) (any, error) {
			if _, err := w.service.RotateKeys(w.t.Context(), w.root(), auth.Rotation{}, client); err != nil {
				w.t.Fatal(err)
			}
			w.pass(time.Hour)
			return func(ctx context.Context) (any, error) { return nothing(w.service.Sweep(ctx)) }
		},
		calls: []string{
			"SessionSets.DeleteExpired", "MailTokens.DeleteExpired", "APITokens.DeleteExpired", "Marks.DeleteExpired", "Attempts.DeleteBefore",
			"Keys.Change", "Keys.List", "Keyring.Open", "Marks.List",
		},
	},
	{
		name: "SetupLink",
		start: func(w *world) func(context.Context) (any, error) {
			w.edit(rootID, func(u *user.User) { u.Permissions = nil })
			return func(ctx context.Context) (any, error) {
				link, err := w.service.SetupLink(ctx)
				if link == "" {
					return nothing(err)
				}
				return link, err
			}
		},
		calls: []string{"People.Search", "MailTokens.Put"},
	},
	{
		name: "CheckSetup",
		start: func(w *world) func(context.Context) (any, error) {
			secret := w.setupLink()
			return func(ctx context.Context) (any, error) { return nothing(w.service.CheckSetup(ctx, secret)) }
		},
		calls:  []string{"MailTokens.Get"},
		misses: map[string]string{"MailTokens.Get#1": "forbidden token_unknown"},
	},
	{
		name: "Setup",
		start: func(w *world) func(context.Context) (any, error) {
			secret := w.setupLink()
			return func(ctx context.Context) (any, error) { return w.service.Setup(ctx, secret, carol, client) }
		},
		calls: []string{
			"MailTokens.Get", "Users.ByLogin", "Users.ByLogin", "MailTokens.Consume", "People.Search", "Hasher.Hash",
			"Users.Create", "Audit.Record", "Sealer.Seal", "Sessions.Create", "Users.ByID", "Signer.Sign",
		},
		misses: map[string]string{
			"MailTokens.Get#1": "forbidden token_unknown", "Users.ByLogin#1": "ok", "Users.ByLogin#2": "ok",
			"MailTokens.Consume#1": "forbidden token_unknown", "Sessions.Create#1": "unauthenticated bad_credentials",
			"Users.ByID#1": "unauthenticated bad_credentials",
		},
	},
}
