package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

type identityAnswer struct {
	ID, Provider, Issuer, Subject, Email string
	CreatedAt                            time.Time `json:"created_at"`
}

func (b *browser) identities() []identityAnswer {
	b.Helper()
	var list struct{ Identities []identityAnswer }
	a := b.do("GET", "/auth/identities", nil).want(200, "")
	if a.into(&list); list.Identities == nil {
		b.Fatalf("no array in %s", a.Body)
	}
	return list.Identities
}

// linkURL begins to link an account at a provider.
func (b *browser) linkURL(provider string) string {
	b.Helper()
	var to struct{ URL string }
	b.do("POST", "/auth/identities/"+provider+"/link", fields{"return_to": "/account"}).want(200, "").into(&to)
	return to.URL
}

func TestIdentities(t *testing.T) {
	p, q := newUpstream("acme"), newUpstream("globex")
	f := newFixture(t, withProviders(p, q))
	alice := f.browser().register("alice")
	if list := alice.identities(); len(list) != 0 {
		t.Errorf("a new user has %+v", list)
	}
	id, cookie := alice.user().ID, alice.cookies[sessionCookie]
	a := alice.came(p.accept(t, alice.linkURL("acme"), "alice-at-acme")).want(302, "")
	if to := a.Header.Get("Location"); to != publicURL+"/account" || len(a.sets) != 0 || alice.cookies[sessionCookie] != cookie {
		t.Errorf("linking leads to %s and sets %v", to, a.Header["Set-Cookie"])
	}
	f.clock.Add(int64(time.Second))
	form := alice.form("/auth/identities/globex/link", "return_to", "/account").want(302, "")
	alice.came(q.accept(t, form.Header.Get("Location"), "alice-at-globex")).want(302, "")
	list := alice.identities()
	if len(list) != 2 || list[0].Provider != "acme" || list[0].Issuer != p.origin() || list[0].Subject != "alice-at-acme" ||
		list[0].Email != "alice-at-acme@acme.example" || list[0].CreatedAt.IsZero() || list[1].Provider != "globex" {
		t.Fatalf("identities %+v", list)
	}
	if got := f.browser().through(q, "alice-at-globex").user().ID; got != id {
		t.Errorf("the linked account signs in %s, want %s", got, id)
	}

	// Somebody else's.
	bob := f.browser().through(p, "bob")
	foreign := bob.do("DELETE", "/auth/identities/"+list[0].ID, nil).want(404, "identity_unknown")
	none := bob.do("DELETE", "/auth/identities/01900000-0000-7000-8000-000000000000", nil).want(404, "identity_unknown")
	odd := bob.do("DELETE", "/auth/identities/x", nil).want(404, "identity_unknown")
	if foreign.Body != none.Body || odd.Body != none.Body {
		t.Errorf("a foreign identity tells itself from none: %s %s %s", foreign.Body, none.Body, odd.Body)
	}
	taken := bob.came(p.accept(t, bob.linkURL("acme"), "alice-at-acme")).want(409, "identity_taken")
	if len(taken.sets) > 0 || len(bob.identities()) != 1 {
		t.Errorf("bob has %+v", bob.identities())
	}
	bob.do("DELETE", "/auth/identities/"+bob.identities()[0].ID, nil).want(409, "identity_last")

	alice.do("DELETE", "/auth/identities/"+list[0].ID, nil).want(204, "")
	alice.do("DELETE", "/auth/identities/"+list[0].ID, nil).want(404, "identity_unknown")
	if got := f.browser().through(p, "alice-at-acme").user().ID; got == id {
		t.Error("an account that was removed still signs in")
	}
}

// TestIdentities_onlyOwn: what one user began to link ends in nobody else's account.
func TestIdentities_onlyOwn(t *testing.T) {
	p := newUpstream("acme")
	for _, tt := range []struct {
		name   string
		change func(f *fixture, b *browser)
	}{
		{"signed out since", func(_ *fixture, b *browser) { b.do("POST", "/auth/logout", nil).want(200, "") }},
		{"another user in the same browser", func(f *fixture, b *browser) {
			b.cookies[sessionCookie] = f.browser().register("bob").cookies[sessionCookie]
		}},
		{"another user in another browser", func(f *fixture, b *browser) { b.cookies = f.browser().register("bob").cookies }},
		{"a dead session", func(_ *fixture, b *browser) { b.cookies[sessionCookie] = "x" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, withProviders(p))
			alice := f.browser().register("alice")
			path := p.accept(t, alice.linkURL("acme"), "mallory-"+strings.ReplaceAll(tt.name, " ", "-"))
			tt.change(f, alice)
			if a := alice.came(path).want(400, "state"); a.sets[sessionCookie] != nil && a.sets[sessionCookie].MaxAge > 0 {
				t.Errorf("a refusal signs in: %v", a.Header["Set-Cookie"])
			}
			if list := f.login("alice").identities(); len(list) != 0 {
				t.Errorf("alice has %+v", list)
			}
		})
	}
}

func TestIdentities_Refusals(t *testing.T) {
	p := newUpstream("acme")
	f := newFixture(t, withProviders(p))
	f.browser().do("GET", "/auth/identities", nil).want(401, "unauthenticated")
	f.browser().do("POST", "/auth/identities/acme/link", nil).want(401, "unauthenticated")
	f.browser().do("DELETE", "/auth/identities/x", nil).want(401, "unauthenticated")
	alice := f.browser().register("alice")
	alice.do("POST", "/auth/identities/evil/link", nil).want(404, "provider_unknown")
	alice.do("POST", "/auth/identities/acme/link", fields{"return_to": "//evil.example"}).want(400, "foreign")
	alice.do("POST", "/auth/identities/acme/link", fields{"to": "/"}).want(400, "unknown")
	alice.form("/auth/identities/acme/link", "return_to", "/a", "return_to", "/b").want(400, "duplicate")
	alice.form("/auth/identities/acme/link", "return_to", "https://evil.example").want(400, "foreign")
	alice.do("POST", "/auth/identities/acme/link", "x", "Content-Type", "text/plain").want(415, "content_type")
	alice.header.Set("Sec-Fetch-Site", "cross-site")
	alice.do("POST", "/auth/identities/acme/link", nil).want(403, "cross_origin")
	alice.form("/auth/identities/acme/link").want(403, "cross_origin")
	alice.do("DELETE", "/auth/identities/x", nil).want(403, "cross_origin")
	script := f.bearer(f.tokens("alice").AccessToken)
	script.do("POST", "/auth/identities/acme/link", nil, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").want(403, "cross_origin") // it sets a cookie
	script.do("POST", "/auth/identities/acme/link", nil).want(200, "")
	p.fall(true)
	alice.header.Set("Sec-Fetch-Site", "same-origin")
	alice.do("POST", "/auth/identities/acme/link", nil).want(503, "provider_unavailable")
}

func TestIdentities_stateIsNotASignIn(t *testing.T) {
	p := newUpstream("acme")
	f := newFixture(t, withProviders(p))
	alice := f.browser().register("alice")
	path := p.accept(t, alice.linkURL("acme"), "fresh")
	u, err := url.Parse(path)
	if err != nil || u.Query().Get("state") == "" {
		t.Fatal(path, err)
	}
	alice.came(path).want(302, "")
	alice.came(path).want(400, "state")
	if n := len(alice.identities()); n != 1 {
		t.Errorf("%d identities", n)
	}
}
