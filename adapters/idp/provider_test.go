package idp_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

func query(t *testing.T, at string) url.Values {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestBegin(t *testing.T) {
	f := newFake(t)
	c := f.config()
	c.Audience, c.AuthParams = "https://api.example", map[string]string{"prompt": "login"}
	at, err := mustNew(t, c).Begin(t.Context(), ports.AuthRequest{
		RedirectURI: callback, State: "the state", Nonce: "the nonce", Verifier: verifier,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"tenant": {"a"}, "client_id": {clientID}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {"the state"}, "nonce": {"the nonce"},
		// RFC 7636 appendix B has this verifier and challenge.
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
		"audience": {"https://api.example"}, "prompt": {"login"},
	}
	if diff := cmp.Diff(want, query(t, at)); diff != "" {
		t.Error(diff)
	}
}

func TestBegin_incomplete(t *testing.T) {
	f := newFake(t)
	full := ports.AuthRequest{RedirectURI: callback, State: "s", Nonce: "n", Verifier: verifier}
	for name, cut := range map[string]func(*ports.AuthRequest){
		"redirect": func(r *ports.AuthRequest) { r.RedirectURI = "" },
		"state":    func(r *ports.AuthRequest) { r.State = "" },
		"nonce":    func(r *ports.AuthRequest) { r.Nonce = "" },
		"verifier": func(r *ports.AuthRequest) { r.Verifier = "" },
	} {
		t.Run(name, func(t *testing.T) {
			r := full
			cut(&r)
			if at, err := mustNew(t, f.config()).Begin(t.Context(), r); err == nil {
				t.Errorf("Begin without it leads to %s", at)
			}
		})
	}
}

func TestRedeem(t *testing.T) {
	for _, k := range []key{ecKey, ec384Key, ec521Key, rsaKey, pssKey, edKey} {
		t.Run(k.alg, func(t *testing.T) {
			f := newFake(t)
			f.key, f.keys = k, []object{k.jwk(), newEC("other").jwk()}
			p := mustNew(t, f.config())
			got, err := f.redeem(t, p)
			if err != nil {
				t.Fatal(err)
			}
			id := got.Tokens.ID
			want := ports.Person{
				Issuer: f.URL, Subject: "alice", Session: "session-1", Username: "alice.a", Email: "alice@example.org",
				EmailVerified: true, Profile: user.Profile{FullName: "Alice A", Picture: "https://cdn.example/a.png"},
				Tokens: session.Tokens{ID: id, Access: accessToken, Refresh: refreshToken, Expires: start.Add(10 * time.Minute)},
			}
			if diff := cmp.Diff(want, got); diff != "" || id == "" {
				t.Errorf("person: %s", diff)
			}
			if f.auth != [2]string{url.QueryEscape(clientID), url.QueryEscape(clientSecret)} {
				t.Errorf("the client authenticated with %q", f.auth)
			}
			if f.form.Has("client_secret") || f.form.Get("code_verifier") != verifier {
				t.Errorf("the token request was %v", f.form)
			}
			if n := f.count("/userinfo"); n != 0 {
				t.Errorf("userinfo was asked %d times for what the ID token says", n)
			}
			status := p.Status()
			if diff := cmp.Diff(idp.Status{Discovered: start, KeysAt: start, Keys: []string{k.kid, "other"}}, status); diff != "" {
				t.Errorf("status: %s", diff)
			}
		})
	}
}
