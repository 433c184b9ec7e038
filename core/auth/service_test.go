package auth_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
)

func TestNew_missing(t *testing.T) {
	whole := (&world{t: t}).config()
	fields := reflect.TypeFor[auth.Config]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		switch name {
		case "Captcha", "Settings", "Identities", "Providers", "Issuers", "Edge", "Verified", "Refused": // may be left out; checked below, or with providers
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := whole
			reflect.ValueOf(&c).Elem().Field(i).SetZero()
			s, err := auth.New(c)
			if s != nil || err == nil || !strings.Contains(err.Error(), name+" is required") {
				t.Errorf("New without %s = %v, %v", name, s, err)
			}
		})
	}
	t.Run("everything at once", func(t *testing.T) {
		_, err := auth.New(auth.Config{})
		if err == nil {
			t.Fatal("New accepts nothing")
		}
		for i := range fields.NumField() {
			if name := fields.Field(i).Name; !slices.Contains([]string{"Captcha", "Settings", "Identities", "Providers", "Issuers", "Edge", "Verified", "Refused"}, name) && !strings.Contains(err.Error(), name+" is required") {
				t.Errorf("the error does not name %s: %v", name, err)
			}
		}
		for _, part := range []string{"issuer", "audience", "access token lives", "session lives", "links", "cache", "algorithm", "registration", "Settings.Link"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not name the setting %q: %v", part, err)
			}
		}
	})
}

func TestNew_settings(t *testing.T) {
	tests := []struct {
		name string
		set  func(*auth.Settings)
		want string // part of the error; empty when accepted
	}{
		{"defaults", func(*auth.Settings) {}, ""},
		{"issuer", func(s *auth.Settings) { s.Issuer = "" }, "issuer"},
		{"audience", func(s *auth.Settings) { s.Audience = "" }, "audience"},
		{"algorithm", func(s *auth.Settings) { s.Algorithm = "none" }, `"none"`},
		{"access life short", func(s *auth.Settings) { s.AccessLife = 59 * time.Second }, "access token lives"},
		{"access life least", func(s *auth.Settings) { s.AccessLife = time.Minute }, ""},
		{"access life long", func(s *auth.Settings) { s.AccessLife = 24*time.Hour + 1 }, "access token lives"},
		{"idle", func(s *auth.Settings) { s.Life.Idle = 0 }, "session lives"},
		{"absolute below idle", func(s *auth.Settings) { s.Life = session.Life{Idle: time.Hour, Absolute: time.Minute} }, "absolute"},
		{"key delay", func(s *auth.Settings) { s.KeyDelay = -1 }, "key delay"},
		{"confirm life", func(s *auth.Settings) { s.ConfirmLife = 0 }, "links"},
		{"reset life", func(s *auth.Settings) { s.ResetLife = 0 }, "links"},
		{"no cache", func(s *auth.Settings) { s.SessionCache = 0 }, "cache"},
		{"registration", func(s *auth.Settings) { s.Registration = "anyone" }, `"anyone"`},
		{"link", func(s *auth.Settings) { s.Link = nil }, "Settings.Link"},
		{"limit off", func(s *auth.Settings) { s.AccountLimit = user.Limit{} }, ""},
		{"limit without window", func(s *auth.Settings) { s.AccountLimit = user.Limit{Count: 1} }, "an account"},
		{"negative limit", func(s *auth.Settings) { s.AddressLimit.Count = -1 }, "a client network"},
		{"mail limit in no time", func(s *auth.Settings) { s.MailLimit.Window = time.Millisecond }, "mails"},
		{"token cache off", func(s *auth.Settings) { s.TokenCacheTTL = 0 }, ""},
		{"token cache", func(s *auth.Settings) { s.TokenCacheTTL = time.Second - 1 }, "verification is remembered"},
		{"token cache for long", func(s *auth.Settings) { s.TokenCacheTTL = 24*time.Hour + 1 }, "verification is remembered"},
		{"vouch life", func(s *auth.Settings) { s.VouchLife = 10*time.Second - 1 }, "about who is asking"},
		{"vouch life long", func(s *auth.Settings) { s.VouchLife = s.AccessLife + 1 }, "about who is asking"},
		{"foreign life", func(s *auth.Settings) { s.ForeignLife = time.Minute - 1 }, "another issuer"},
		{"foreign life long", func(s *auth.Settings) { s.ForeignLife = 31*24*time.Hour + 1 }, "another issuer"},
		{"bundle life", func(s *auth.Settings) { s.BundleLife = time.Minute - 1 }, "a bundle lives"},
		{"bundle life long", func(s *auth.Settings) { s.BundleLife = 31*24*time.Hour + 1 }, "a bundle lives"},
		{"bundle life longest", func(s *auth.Settings) { s.BundleLife = 31 * 24 * time.Hour }, ""},
		{"overlap", func(s *auth.Settings) { s.SecretOverlap = -1 }, "overlap"},
		{"secret", func(s *auth.Settings) { s.Secret, s.Algorithm = []byte(sharedSecret), "HS256" }, ""},
		{"short secret", func(s *auth.Settings) { s.Secret, s.Algorithm = []byte(sharedSecret[:31]), "HS256" }, "at least 32 bytes, not 31"},
		{"secret for another algorithm", func(s *auth.Settings) { s.Secret = []byte(sharedSecret) }, `HS256, not with "EdDSA"`},
		{"password over the bound", func(s *auth.Settings) { s.Passwords.Min = 2000 }, "password"},
		{"negative password", func(s *auth.Settings) { s.Passwords.Min = -1 }, "password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := (&world{t: t}).config()
			tt.set(&c.Settings)
			_, err := auth.New(c)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("New: %v, want %q", err, tt.want)
			}
		})
	}
}

func TestService_notLoaded(t *testing.T) {
	w := newWorld(t)
	s, err := auth.New(w.config())
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Login(t.Context(), auth.PasswordLogin{Login: "alice", Password: alicePassword}, client)
	if g != nil || outcome(err) != "unavailable not_ready" {
		t.Errorf("Login before Load = %v, %v", g, err)
	}
	if n := len(w.sessionsOf(aliceID)); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if _, err := s.Authenticate(t.Context(), auth.Credentials{Access: "a.b.c"}); outcome(err) != "unavailable not_ready" {
		t.Errorf("Authenticate before Load: %v", err)
	}
	if doc, tag := s.JWKS(); doc != nil || tag != "" {
		t.Errorf("JWKS before Load = %q, %q", doc, tag)
	}
}

// TestService_Load_foreign: what another process did counts here after a Load.
func TestService_Load_foreign(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, g := w.signedIn()
	other := w.serve()
	if err := other.Kick(ctx, w.root(), aliceID, client); err != nil {
		t.Fatal(err)
	}
	if _, err := other.RotateKeys(ctx, w.root(), auth.Rotation{}, client); err != nil {
		t.Fatal(err)
	}
	fresh, err := other.Login(ctx, auth.PasswordLogin{Login: "bob", Password: otherPassword}, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(fresh)
	if _, err := w.service.Authenticate(ctx, auth.Credentials{Access: fresh.Access}); outcome(err) != "unauthenticated token_key_unknown" {
		t.Fatalf("before Load: %v, want an unknown key", err)
	}
	if err := w.service.Load(ctx); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]auth.Credentials{"cookie": {Session: g.Cookie}, "access token": {Access: g.Access}} {
		if _, err := w.service.Authenticate(ctx, c); !strings.HasPrefix(outcome(err), "unauthenticated") {
			t.Errorf("the %s of a session that another process ended: %v", name, outcome(err))
		}
	}
	if _, err := w.service.Authenticate(ctx, auth.Credentials{Access: fresh.Access}); err != nil {
		t.Errorf("a token signed by another process' key: %v", err)
	}
}

// TestService_Load_partly: one store that is down does not keep Load from the
// rest.
func TestService_Load_partly(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, g := w.signedIn()
	if err := w.serve().Kick(ctx, w.root(), aliceID, client); err != nil {
		t.Fatal(err)
	}
	w.reset()
	w.before["Keys.List#1"] = func() error { return errDown }
	if err := w.service.Load(ctx); outcome(err) != "unavailable down" {
		t.Fatalf("Load: %v", err)
	}
	for name, c := range map[string]auth.Credentials{"cookie": {Session: g.Cookie}, "access token": {Access: g.Access}} {
		if _, err := w.service.Authenticate(ctx, c); !strings.HasPrefix(outcome(err), "unauthenticated") {
			t.Errorf("%s: %v", name, outcome(err))
		}
	}
}

func TestService_Sweep(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, _ := w.signedIn()
	if err := w.service.ForgotPassword(ctx, "alice@example.org", "", client); err != nil {
		t.Fatal(err)
	}
	if err := w.service.Logout(ctx, p, client); err != nil {
		t.Fatal(err)
	}
	w.login("bob", otherPassword)
	if _, err := w.service.RotateKeys(ctx, w.root(), auth.Rotation{}, client); err != nil {
		t.Fatal(err)
	}
	count := func() []int {
		return []int{len(w.sessions), len(w.mails), len(w.marks), len(w.attempts), len(w.keys)}
	}
	before := count()
	if err := w.service.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, count()); diff != "" {
		t.Errorf("Sweep removed what is in use: %s", diff)
	}
	w.pass(8 * 24 * time.Hour)
	if err := w.service.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 0, 0, 0, 1}, count()); diff != "" {
		t.Errorf("after Sweep sessions, mails, marks, attempts, keys: %s", diff)
	}
	t.Run("every store is swept though others fail", func(t *testing.T) {
		w.reset()
		calls := []string{
			"SessionSets.DeleteExpired", "MailTokens.DeleteExpired", "Marks.DeleteExpired", "Attempts.DeleteBefore",
		}
		down := map[string]error{}
		for _, c := range calls {
			down[c] = errors.New(c + " failed")
			w.before[c+"#1"] = func() error { return down[c] }
		}
		err := w.service.Sweep(ctx)
		for _, c := range calls {
			if !errors.Is(err, down[c]) {
				t.Errorf("%s: its failure is not reported: %v", c, err)
			}
		}
	})
}

func TestService_forms(t *testing.T) {
	w := newWorld(t)
	if w.service.Captchas() || !w.serve(w.withCaptcha).Captchas() {
		t.Error("Captchas is wrong")
	}
	if got := w.service.PasswordPolicy(); got != user.DefaultPolicy {
		t.Errorf("PasswordPolicy = %v", got)
	}
}

// TestService_ids: every id is a UUIDv7 (RFC 9562 §5.7), and they ascend with time.
func TestService_ids(t *testing.T) {
	w := newWorld(t)
	w.tick = time.Millisecond
	var ids []string
	for range 20 {
		if err := w.service.ForgotPassword(t.Context(), "nobody@example.org", "", auth.Client{}); err != nil && outcome(err) != "throttled too_many_attempts" {
			t.Fatal(err)
		}
		w.pass(time.Hour)
	}
	for _, e := range w.events {
		ids = append(ids, e.ID)
		if len(e.ID) != 36 || e.ID[8] != '-' || e.ID[13] != '-' || e.ID[18] != '-' || e.ID[23] != '-' ||
			e.ID[14] != '7' || !strings.ContainsRune("89ab", rune(e.ID[19])) || strings.Trim(e.ID, "0123456789abcdef-") != "" {
			t.Errorf("%q is no UUIDv7", e.ID)
		}
	}
	if len(ids) != 20 {
		t.Fatalf("%d events", len(ids))
	}
	for i := 1; i < len(ids); i++ {
		if ids[i-1] >= ids[i] {
			t.Errorf("%s is not before %s", ids[i-1], ids[i])
		}
	}
	var ms int64
	for _, c := range strings.ReplaceAll(ids[0], "-", "")[:12] {
		ms = ms<<4 + int64(strings.IndexRune("0123456789abcdef", c))
	}
	if got := time.UnixMilli(ms); got.Before(epoch) || got.After(epoch.Add(time.Minute)) {
		t.Errorf("%s says that it was made at %v", ids[0], got)
	}
}
