package idp_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

const managementSecret = "management-s3cret"

// personOf verifies a token and asks whom it is about.
func personOf(t *testing.T, i *idp.Issuer, raw string) (ports.Person, error) {
	t.Helper()
	b, err := i.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return i.Person(t.Context(), raw, &b)
}

func TestIssuer_Person(t *testing.T) {
	profile := object{
		"email": "alice@example.org", "email_verified": true, "name": "Alice A", "preferred_username": "alice.a", "org": "red",
		"picture": "https://cdn.example/a.png",
	}
	full := ports.Person{
		Subject: "alice", Session: "session-1", Username: "alice.a", Email: "alice@example.org", EmailVerified: true, Tenant: "red",
		Profile: user.Profile{FullName: "Alice A", Picture: "https://cdn.example/a.png"},
	}
	bare := ports.Person{Subject: "alice", Session: "session-1"}
	tests := []struct {
		name   string
		when   string
		claims object
		info   object
		want   ports.Person
		asked  int
	}{
		{"the token says it all", idp.UserInfoAuto, profile, nil, full, 0},
		{"the token says nothing", idp.UserInfoAuto, nil, profile, full, 1},
		{"never", idp.UserInfoNever, nil, profile, bare, 0},
		{"always", idp.UserInfoAlways, profile, object{"email": "evil@example.org"}, full, 1},
		{"a scope without openid", idp.UserInfoAuto, object{"scope": "read"}, profile, bare, 0},
		{"no scope", idp.UserInfoAuto, object{"scope": nil}, profile, bare, 0},
		{"always, with a scope without openid", idp.UserInfoAlways, object{"scope": "read"}, profile, full, 1},
		{"an address that is verified elsewhere", idp.UserInfoAlways, object{"email": "alice@example.org"}, object{
			"email": "other@example.org", "email_verified": true,
		}, ports.Person{Subject: "alice", Session: "session-1", Email: "alice@example.org"}, 1},
		{"verified as Cognito writes it", idp.UserInfoAuto, nil, object{"email": "a@example.org", "email_verified": "true"}, ports.Person{
			Subject: "alice", Session: "session-1", Email: "a@example.org", EmailVerified: true,
		}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.UserInfo, c.TenantClaim = test.when, "org" }))
			raw := f.bearer(func(_, claims object) {
				maps.Copy(claims, test.claims)
				maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
			})
			f.handle["/userinfo"] = func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+raw || r.Method != http.MethodGet {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				info := object{"sub": "alice"}
				maps.Copy(info, test.info)
				write(w, text(info))
			}
			who, err := personOf(t, i, raw)
			if err != nil {
				t.Fatal(err)
			}
			test.want.Issuer = f.URL
			if diff := cmp.Diff(test.want, who); diff != "" {
				t.Error(diff)
			}
			if n := f.count("/userinfo"); n != test.asked {
				t.Errorf("userinfo was asked %d times, want %d", n, test.asked)
			}
		})
	}
}

func TestIssuer_Person_hostile(t *testing.T) {
	about := func(sub any) http.HandlerFunc {
		return status(200, text(object{"sub": sub, "email": "evil@example.org", "email_verified": true}))
	}
	tests := []struct {
		name string
		way  http.HandlerFunc
		want string
	}{
		{"honest", about("alice"), ""},
		{"another subject", about("mallory"), "unauthenticated"},
		{"a subject in another case", about("Alice"), "unauthenticated"},
		{"no subject", status(200, `{"email":"evil@example.org"}`), "unauthenticated"},
		{"a list of subjects", about([]string{"alice"}), "unauthenticated"},
		{"the subject twice", status(200, `{"sub":"alice","sub":"mallory"}`), "unavailable"},
		{"a redirect", redirect, "unavailable"},
		{"the token is refused", status(401, `{"error":"invalid_token"}`), "unauthenticated"},
		{"the token's scope is refused", status(403, `{"error":"insufficient_scope"}`), "unauthenticated"},
		{"there is no endpoint", status(404, ""), "unavailable"},
		{"too many requests", status(429, ""), "unavailable"},
		{"10 MiB", endless, "unavailable"},
		{"a bomb", bomb, "unavailable"},
		{"garbage", garbage, "unavailable"},
		{"echo", echo, "unavailable"},
		{"a signed answer", status(200, "eyJhbGciOiJub25lIn0.e30."), "unavailable"},
		{"server error", status(500, ""), "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.handle["/userinfo"] = test.way
			_, err := personOf(t, mustIssuer(t, f.issuer()), f.bearer(nil))
			if kind(err) != test.want {
				t.Errorf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			if f.count("/elsewhere/userinfo") != 0 {
				t.Error("a redirect was followed with the token")
			}
			noSecrets(t, err)
		})
	}
	t.Run("no endpoint in discovery", func(t *testing.T) {
		for when, want := range map[string]string{idp.UserInfoAlways: "unavailable", idp.UserInfoAuto: ""} {
			f := newFake(t)
			delete(f.document, "userinfo_endpoint")
			i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.UserInfo = when }))
			if _, err := personOf(t, i, f.bearer(nil)); kind(err) != want {
				t.Errorf("%q: %v", when, err)
			}
		}
	})
}

// managed has users looked up at an interface for them.
func managed(f *fake, to string) func(*idp.IssuerConfig) {
	return func(c *idp.IssuerConfig) {
		c.People = idp.People{URL: f.URL + to, Secret: func() (string, error) { return managementSecret, nil }}
	}
}

// TestIssuer_Person_lookUp has subjects that try to be more than one segment of a path.
func TestIssuer_Person_lookUp(t *testing.T) {
	tests := []struct {
		name    string
		at      string
		subject string
		path    string // as it was asked for; empty if nobody is
	}{
		{"plain", "/users/{sub}", "alice", "/users/alice"},
		{"Auth0's", "/api/v2/users/{sub}?fields=email", "auth0|1", "/api/v2/users/auth0%7C1?fields=email"},
		{"in the query", "/users?id={sub}&x=1", "a&x=2#=", "/users?id=a%26x%3D2%23%3D&x=1"},
		{"a slash", "/users/{sub}", "a/b", "/users/a%2Fb"},
		{"a query", "/users/{sub}", "a?admin=1", "/users/a%3Fadmin%3D1"},
		{"a fragment", "/users/{sub}/profile", "a#b", "/users/a%23b/profile"},
		{"a space and a plus", "/users/{sub}", "a b+c", "/users/a%20b%2Bc"},
		{"letters beyond ASCII", "/users/{sub}", "aé", "/users/a%C3%A9"},
		{"a full-width dot and slash", "/users/{sub}", "．．／x", "/users/%EF%BC%8E%EF%BC%8E%EF%BC%8Fx"},
		{"the place itself", "/users/{sub}", "{sub}", "/users/%7Bsub%7D"},
		{"dots", "/users/{sub}", "a..b", "/users/a..b"},
		{"up", "/users/{sub}", "..", ""},
		{"here", "/users/{sub}", ".", ""},
		{"up and away", "/users/{sub}", "../admin", ""},
		{"up from within", "/users/{sub}", "a/../../admin", ""},
		{"up at the end", "/users/{sub}", "a/..", ""},
		{"up with a backslash", "/users/{sub}", `a\..\admin`, ""},
		{"up in escapes", "/users/{sub}", "%2e%2e%2fadmin", ""},
		{"up in the query", "/users?id={sub}", "../x", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			var asked []string
			path, _, _ := strings.Cut(test.at, "?")
			answer := func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.RequestURI)
				if r.Header.Get("Authorization") != "Bearer "+managementSecret {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				write(w, text(object{"sub": test.subject, "email": "alice@example.org", "email_verified": true}))
			}
			i := mustIssuer(t, f.issuer(managed(f, test.at)))
			f.handle[strings.Replace(path, "{sub}", test.subject, 1)] = answer
			who, err := personOf(t, i, f.bearer(bear(set("sub", test.subject))))
			if test.path == "" {
				if kind(err) != "unauthenticated" || asked != nil {
					t.Errorf("asked for %q: %v", asked, err)
				}
				return
			}
			if diff := cmp.Diff([]string{test.path}, asked); diff != "" || err != nil || who.Email != "alice@example.org" || !who.EmailVerified {
				t.Errorf("%s %v %+v", diff, err, who)
			}
			if f.count("/userinfo") != 0 {
				t.Error("the userinfo endpoint was asked too")
			}
		})
	}
}

func TestIssuer_Person_lookUpHostile(t *testing.T) {
	tests := []struct {
		name   string
		way    http.HandlerFunc
		change func(*idp.IssuerConfig)
		want   string
	}{
		{"honest", status(200, `{"sub":"alice","email":"a@example.org"}`), nil, ""},
		{"another subject", status(200, `{"sub":"mallory"}`), nil, "unauthenticated"},
		{"another member", status(200, `{"user_id":"alice"}`), nil, "unauthenticated"},
		{"that member", status(200, `{"user_id":"alice","sub":"x"}`), func(c *idp.IssuerConfig) { c.People.Subject = "user_id" }, ""},
		{"nobody", status(404, `{}`), nil, "unauthenticated"},
		{"our secret is wrong", status(401, `{}`), nil, "unavailable"},
		{"our secret may not", status(403, `{}`), nil, "unavailable"},
		{"a redirect", redirect, nil, "unavailable"},
		{"a list", status(200, `[{"sub":"alice"}]`), nil, "unavailable"},
		{"echo", echo, nil, "unavailable"},
		{"no secret", status(200, `{"sub":"alice"}`), func(c *idp.IssuerConfig) {
			c.People.Secret = func() (string, error) { return "", errors.New("open " + managementSecret) }
		}, "unavailable"},
		{"a secret with a line break", status(200, `{"sub":"alice"}`), func(c *idp.IssuerConfig) {
			c.People.Secret = func() (string, error) { return "a\r\nX-Evil: 1", nil }
		}, "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.handle["/users/alice"] = test.way
			c := f.issuer(managed(f, "/users/{sub}"))
			if test.change != nil {
				test.change(&c)
			}
			_, err := personOf(t, mustIssuer(t, c), f.bearer(nil))
			if kind(err) != test.want {
				t.Errorf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			if f.count("/elsewhere/users/alice") != 0 {
				t.Error("a redirect was followed with our secret")
			}
			noSecrets(t, err)
			if err != nil && strings.Contains(err.Error(), managementSecret) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}
