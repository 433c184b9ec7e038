package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
)

func TestRedeem_email(t *testing.T) {
	without := func(names ...string) func(object) {
		return func(o object) {
			for _, name := range names {
				delete(o, name)
			}
		}
	}
	type want struct {
		Email    string
		Verified bool
		Asked    int // how many times userinfo was
	}
	const alice, other = "alice@example.org", "other@example.org"
	tests := []struct {
		name   string
		claims func(object)
		info   object
		mode   string
		want   want
	}{
		{name: "verified", want: want{alice, true, 0}},
		{name: "not verified", claims: set("email_verified", false), want: want{alice, false, 0}},
		{name: "the string true", claims: set("email_verified", "true"), want: want{alice, true, 0}},
		{name: "the string false", claims: set("email_verified", "false"), want: want{alice, false, 0}},
		{name: "the string True", claims: set("email_verified", "True"), want: want{alice, false, 0}},
		{name: "the number 1", claims: set("email_verified", 1), want: want{alice, false, 0}},
		{name: "null", claims: set("email_verified", nil), want: want{alice, false, 0}},
		{name: "absent", claims: without("email_verified"), want: want{alice, false, 0}},
		{name: "in another case", claims: func(o object) {
			delete(o, "email_verified")
			o["Email_Verified"] = true
		}, want: want{alice, false, 0}},
		{
			name: "userinfo fills in", claims: without("email", "email_verified"),
			info: object{"email": alice, "email_verified": "true"}, want: want{alice, true, 1},
		},
		{
			name: "the ID token speaks of no address", claims: without("email"),
			info: object{"email": other}, want: want{other, false, 1},
		},
		{
			name: "userinfo speaks of another address", claims: without("email_verified"), mode: idp.UserInfoAlways,
			info: object{"email": other, "email_verified": true}, want: want{alice, false, 1},
		},
		{
			name: "userinfo speaks of the same address", claims: without("email_verified"), mode: idp.UserInfoAlways,
			info: object{"email": alice, "email_verified": true}, want: want{alice, true, 1},
		},
		{
			name: "the ID token wins", mode: idp.UserInfoAlways,
			info: object{"email": other, "email_verified": false}, want: want{alice, true, 1},
		},
		{
			name: "the ID token says no, userinfo yes", claims: set("email_verified", false), mode: idp.UserInfoAlways,
			info: object{"email": alice, "email_verified": true}, want: want{alice, false, 1},
		},
		{name: "never asked", claims: without("email"), mode: idp.UserInfoNever, info: object{"email": other}},
		{name: "nowhere", claims: without("email"), want: want{"", false, 1}},
		{name: "no address", claims: set("email", "alice"), want: want{"", false, 0}},
		{name: "no string", claims: set("email", []string{alice}), want: want{"", false, 1}},
		{name: "with a line break", claims: set("email", "a@b.example\nBcc: c@d.example"), want: want{"", false, 1}},
		{name: "too long", claims: set("email", strings.Repeat("a", 320)+"@example.org"), want: want{"", false, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.claims, f.info = test.claims, test.info
			c := f.config()
			c.UserInfo = test.mode
			who, err := f.redeem(t, mustNew(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, want{who.Email, who.EmailVerified, f.count("/userinfo")}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRedeem_userinfo(t *testing.T) {
	tests := []struct {
		name string
		way  http.HandlerFunc
		want string
	}{
		{"another subject", status(200, `{"sub":"mallory","email":"alice@example.org","email_verified":true}`), "unauthenticated"},
		{"no subject", status(200, `{"email":"alice@example.org","email_verified":true}`), "unauthenticated"},
		{"subject in another case", status(200, `{"Sub":"alice"}`), "unauthenticated"},
		{"duplicate members", status(200, `{"sub":"mallory","sub":"alice"}`), "unavailable"},
		{"forbidden", status(403, `{}`), "unavailable"},
		{"signed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/jwt")
			_, _ = w.Write([]byte("eyJhbGciOiJub25lIn0.e30."))
		}, "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.claims = drop("email")
			f.handle["/userinfo"] = test.way
			_, err := f.redeem(t, mustNew(t, f.config()))
			if kind(err) != test.want {
				t.Errorf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			noSecrets(t, err)
		})
	}
}

func TestRedeem_claims(t *testing.T) {
	f := newFake(t)
	f.claims = func(o object) {
		for _, name := range []string{"name", "preferred_username", "sid"} {
			delete(o, name)
		}
		o["given_name"], o["family_name"], o["nickname"] = "Alice", "Example", "al"
		o["picture"] = "javascript:alert(1)"
		o["https://example.org/tenant"] = "acme"
	}
	f.info = object{"sid": "not from here", "family_name": "Other", "https://example.org/tenant": "evil"}
	c := f.config()
	c.TenantClaim, c.UserInfo = "https://example.org/tenant", idp.UserInfoAlways
	who, err := f.redeem(t, mustNew(t, c))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{who.Profile.FullName, who.Profile.Picture, who.Username, who.Session, who.Tenant}
	if diff := cmp.Diff([]string{"Alice Example", "", "al", "", "acme"}, got); diff != "" {
		t.Error(diff)
	}

	f.set(func() { f.claims = set("https://example.org/tenant", []string{"acme"}) })
	if who, err = f.redeem(t, mustNew(t, c)); err != nil || who.Tenant != "" {
		t.Errorf("a tenant that is no string: %q, %v", who.Tenant, err)
	}
}
