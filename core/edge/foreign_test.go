package edge_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	rules "github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

const (
	partnerURL = "https://partner.example"
	otherURL   = "https://other.example"
)

// abroad is a fixture with two other issuers in its bundle: partner, whose people are known, and other, whose people the server makes
// users, and who says tenants.
type abroad struct {
	*fixture
	partner, other signer
}

func newAbroad(t testing.TB, changes ...func(*edge.Bundle)) *abroad {
	t.Helper()
	f := &abroad{fixture: newFixture(t), partner: newEC(t), other: newEd(t)}
	f.load(t, f.bundle(t, changes...))
	return f
}

func (f *abroad) bundle(t testing.TB, changes ...func(*edge.Bundle)) *edge.Bundle {
	b := f.next(t)
	b.Issuers = []edge.Issuer{
		{
			URL: partnerURL, Keys: keySet(t, f.partner.key), Name: "partner", Audiences: []string{audience}, Types: []string{"at+jwt"},
			Algorithms: []string{"ES256", "EdDSA"}, Life: 3600, Users: edge.UsersKnown, Tenant: "acme",
			Rules: rules.Rules{TenantClaim: "org", Permissions: []rules.PermissionClaim{{Claim: "scope"}}},
		},
		{
			URL: otherURL, Keys: keySet(t, f.other.key), Name: "other", Audiences: []string{audience}, Types: []string{"at+jwt", ""},
			Algorithms: []string{"EdDSA"}, Life: 3600, Users: edge.UsersMade, Tenants: []edge.Tenant{{"org-a", "acme"}, {"org-b", "globex"}},
			Rules: rules.Rules{TenantClaim: "org", Clients: []string{"app", "job"}, Required: []string{"org"}},
		},
		{URL: "https://server.example"},
	}
	b.Holders = sortHolders([]edge.Holder{
		{Hash: edge.HashSubject(partnerURL, "alice"), Subject: "u1", Name: "ada", Tenant: "acme", Permissions: []string{"orders:read"}},
		{Hash: edge.HashSubject(partnerURL, "bob"), Subject: "u2", Name: "bob", Tenant: "acme", BannedUntil: now + 1},
		{Hash: edge.HashSubject(partnerURL, "carol"), Subject: "u3", Name: "carol", Tenant: "globex"},
		{Hash: edge.HashSubject(partnerURL, "dan"), Subject: "u4", Name: "dan", Tenant: "acme", BannedUntil: now},
		{Hash: edge.HashSubject(partnerURL, "script"), Subject: "u5", Tenant: "acme", Token: "t1"}, // somebody made an API token of a subject's hash
		{Hash: edge.HashSubject(otherURL, "erin"), Subject: "u6", Name: "erin", Tenant: "globex", Permissions: []string{"orders:read"}},
	})
	for _, change := range changes {
		change(b)
	}
	return b
}

// as is a token of an issuer, by a signer's key, about a subject.
func as(s signer, url, subject string, changes map[string]any) string {
	c := map[string]any{
		"iss": url, "sub": subject, "client_id": "app", "tenant": nil, "username": nil, "permissions": nil, "sid": nil, "iat_ms": nil,
	}
	maps.Copy(c, changes)
	return s.token(c)
}

func TestVerifier_Decide_foreign(t *testing.T) {
	f := newAbroad(t)
	b := f.bundle(t)
	b.Marks = newMarks(t,
		token.Mark{Kind: token.MarkUser, Value: "foreign:u1", Before: (start - 10) * 1000},
		token.Mark{Kind: token.MarkUser, Value: "foreign:partner|gone", Before: (start + 10) * 1000},
		token.Mark{Kind: token.MarkUser, Value: "foreign:identity " + otherURL + " deleted", Before: (start + 10) * 1000},
		token.Mark{Kind: token.MarkToken, Value: "j7"}, token.Mark{Kind: token.MarkSession, Value: "s7"}, token.Mark{Kind: token.MarkUser, Value: "u6", Before: now},
	)
	f.load(t, b)
	p, o := f.partner, f.other
	with := func(name string, v any) map[string]any { return map[string]any{name: v} }
	orgA, orgB := with("org", "org-a"), with("org", "org-b")
	job := map[string]any{"sub": "job", "client_id": "job", "scope": "orders:read admin orders:write"}
	inCookie := func(text string) *edge.Request {
		return &edge.Request{Method: "GET", Path: "/orders/1", Cookie: "hw_access=" + text}
	}
	get := func(text string) *edge.Request { return bearer("GET", "/orders/1", text) }
	good := as(p, partnerURL, "alice", nil)
	tests := []struct {
		name    string
		request *edge.Request
		status  int
		code    string
		subject string
	}{
		{"a person", get(good), 200, "allowed", "u1"},
		{"a machine", bearer("GET", "/jobs/1", as(p, partnerURL, "", job)), 200, "allowed", "partner|job"},
		{"a person where a machine is demanded", bearer("GET", "/jobs/1", good), 403, "machine_required", ""},
		{"a person where a session is demanded", bearer("GET", "/me", good), 403, "session_required", ""},
		{"a person where anybody may", bearer("GET", "/assets/a", good), 200, "allowed", "u1"},
		{"garbage where anybody may", bearer("GET", "/assets/a", as(o, partnerURL, "alice", nil)), 200, "allowed", ""},
		{"in a cookie", inCookie(good), 401, "token_alg_refused", ""},
		{"in a cookie, without a kid", inCookie(o.compact(map[string]any{"typ": "at+jwt", "kid": nil}, claims(with("iss", otherURL)))), 401, "token_key_unknown", ""},

		{"our name, another's key", get(as(o, issuer, "u1", with("client_id", audience))), 401, "token_key_unknown", ""},
		{"our name, another's key under our kid", get(p.compact(map[string]any{"typ": "at+jwt", "kid": f.own.key.ID(), "alg": "ES256"}, claims(nil))), 401, "token_alg_refused", ""},
		{"another's name, our key", get(as(f.own, partnerURL, "alice", nil)), 401, "token_key_unknown", ""},
		{"one issuer's name, the other's key", get(as(o, partnerURL, "alice", nil)), 401, "token_key_unknown", ""},
		{"one issuer's name and kid, the other's key", get(o.compact(map[string]any{"typ": "at+jwt", "kid": p.key.ID()}, claims(with("iss", partnerURL)))), 401, "token_alg_refused", ""},
		{"a name that begins alike", get(as(p, partnerURL+"/", "alice", nil)), 401, "token_issuer", ""},
		{"nobody's name", get(as(p, "https://evil.example", "alice", nil)), 401, "token_issuer", ""},
		{"no name", get(as(p, partnerURL, "alice", with("iss", nil))), 401, "token_claim_missing", ""},
		{"two names", get(as(p, partnerURL, "alice", with("iss", []string{partnerURL, otherURL}))), 401, "token_claims_malformed", ""},
		{"a name of whom the server has the keys", get(as(p, "https://server.example", "alice", nil)), 503, "issuer_elsewhere", ""},
		{"that one's, where anybody may", bearer("GET", "/assets/a", as(p, "https://server.example", "alice", nil)), 200, "allowed", ""},

		{"a bad signature", get(good[:len(good)-8] + "AAAAAAAA"), 401, "token_signature", ""},
		{"unsigned", get(p.compact(map[string]any{"typ": "at+jwt", "alg": "none"}, claims(with("iss", partnerURL)))), 401, "token_alg_refused", ""},
		{"another type", get(p.compact(map[string]any{"typ": "JWT"}, claims(with("iss", partnerURL)))), 401, "token_type", ""},
		{"no type, where there need be none", get(o.compact(map[string]any{}, claims(map[string]any{"iss": otherURL, "org": "org-a", "client_id": "app", "nonce": "n"}))), 401, "token_type", ""},
		{"another audience", get(as(p, partnerURL, "alice", with("aud", issuer))), 401, "token_audience", ""},
		{"expired", get(as(p, partnerURL, "alice", with("exp", start-60))), 401, "token_expired", ""},
		{"not expired, with the leeway", get(as(p, partnerURL, "alice", with("exp", start-59))), 200, "allowed", "u1"},
		{"issued in the future", get(as(p, partnerURL, "alice", with("iat", start+61))), 401, "token_issued_in_future", ""},
		{"without a time of issue", get(as(p, partnerURL, "alice", with("iat", nil))), 401, "token_claim_missing", ""},
		{"issued at 0", get(as(p, partnerURL, "alice", with("iat", 0))), 401, "token_claim_missing", ""},
		{"just old enough", get(as(p, partnerURL, "dan", with("iat", start-3600-60))), 403, "forbidden", ""},
		{"too old", get(as(p, partnerURL, "dan", with("iat", start-3600-61))), 401, "token_too_old", ""},
		{"without a subject", get(as(p, partnerURL, "", nil)), 401, "token_claim_missing", ""},
		{"a subject with a line feed", get(as(p, partnerURL, "a\nb", nil)), 401, "token_claims_malformed", ""},
		{"bound to a key", get(as(p, partnerURL, "alice", with("cnf", map[string]string{"jkt": "x"}))), 401, "token_type", ""},
		{"too long", get(as(p, partnerURL, "alice", with("x", strings.Repeat("x", 16<<10)))), 401, "token_too_long", ""},
		{"long", get(as(p, partnerURL, "alice", with("x", strings.Repeat("x", 9<<10)))), 200, "allowed", "u1"},

		{"a stranger", get(as(p, partnerURL, "mallory", nil)), 401, "token_stranger", ""},
		{"a subject like somebody's", get(as(p, partnerURL, "Alice", nil)), 401, "token_stranger", ""},
		{"another issuer's subject", get(as(p, partnerURL, "erin", nil)), 401, "token_stranger", ""},
		{"an API token's hash", get(as(p, partnerURL, "script", nil)), 401, "token_stranger", ""},
		{"banned", get(as(p, partnerURL, "bob", nil)), 401, "banned", ""},
		{"of another tenant", get(as(p, partnerURL, "carol", nil)), 401, "tenant", ""},
		{"of another tenant and banned", get(as(p, partnerURL, "carol", with("org", "x"))), 401, "tenant", ""},
		{"a person who would be made", get(as(o, otherURL, "frank", orgA)), 503, "user_unknown_here", ""},
		{"a person who was deleted", get(as(o, otherURL, "deleted", orgA)), 401, "token_revoked", ""},
		{"a person who is known", get(as(o, otherURL, "erin", orgB)), 200, "allowed", "u6"},
		{"a person in another tenant than hers", get(as(o, otherURL, "erin", orgA)), 401, "tenant", ""},
		{"no tenant", get(as(o, otherURL, "erin", with("org", "org-"))), 401, "tenant", ""},
		{"a tenant between others", get(as(o, otherURL, "erin", with("org", "org-aa"))), 401, "tenant", ""},
		{"a tenant behind all", get(as(o, otherURL, "erin", with("org", "zzz"))), 401, "tenant", ""},
		{"a claim that is required", get(as(o, otherURL, "erin", nil)), 401, "token_claim_missing", ""},
		{"a client that is not listed", get(as(o, otherURL, "erin", map[string]any{"org": "org-b", "client_id": "x"})), 401, "token_audience", ""},

		{"revoked", get(as(p, partnerURL, "alice", with("iat", start-10))), 401, "token_revoked", ""},
		{"issued after that", get(as(p, partnerURL, "alice", with("iat", start-9))), 200, "allowed", "u1"},
		{"by its own time in milliseconds", get(as(p, partnerURL, "alice", map[string]any{"iat": start - 10, "iat_ms": (start-10)*1000 + 999})), 401, "token_revoked", ""},
		{"a machine that was revoked", get(as(p, partnerURL, "gone", with("client_id", "gone"))), 401, "token_revoked", ""},
		{"an id that one of our tokens had", get(as(p, partnerURL, "alice", with("jti", "j7"))), 200, "allowed", "u1"},
		{"a session that one of our tokens had", get(as(p, partnerURL, "alice", with("sid", "s7"))), 200, "allowed", "u1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var v edge.Verdict
			f.Decide(test.request, now, &v)
			if v.Status != test.status || v.Code != test.code || v.Principal.Subject != test.subject {
				t.Errorf("%d %s of %q, want %d %s of %q", v.Status, v.Code, v.Principal.Subject, test.status, test.code, test.subject)
			}
			if v.Principal.SignedIn() != (v.Claims.Raw() != "") {
				t.Errorf("claims %q of %+v", v.Claims.Raw(), v.Principal)
			}
			if v.Principal.Session != "" {
				t.Errorf("a session: %+v", v.Principal)
			}
			if want := map[bool]string{true: `Bearer error="invalid_token"`}[v.Status == 401 && test.request.HasAuthorization]; want != "" && v.Challenge != want || v.Status != 401 && v.Challenge != "" {
				t.Errorf("challenge %q", v.Challenge)
			}
		})
	}

	// One Pending after another, in whatever order, has the same verdicts.
	var pending edge.Pending
	pending.Token.Volatile = true
	for n := range 2 * len(tests) {
		test := tests[n*7%len(tests)]
		var whole, halves edge.Verdict
		f.Decide(test.request, now, &whole)
		if f.PrepareDecide(test.request, now, &pending, &halves) {
			f.FinishDecide(&pending, pending.Token.Check(), now, &halves)
		}
		if diff := cmp.Diff(string(whole.AppendJSON(nil)), string(halves.AppendJSON(nil))); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestVerifier_Decide_foreignPrincipal(t *testing.T) {
	f := newAbroad(t)
	var v edge.Verdict
	f.Verify(as(f.partner, partnerURL, "alice", map[string]any{"scope": "b admin orders:read", "username": "root", "tenant": "evil"}), now, &v)
	if diff := cmp.Diff(access.Principal{
		Kind: access.User, Via: access.ForeignToken, Subject: "u1", Name: "ada", Tenant: "acme", Permissions: []string{"b", "orders:read"},
		Token: "j1", Expires: (start + 900) * 1000,
	}, v.Principal); diff != "" {
		t.Error(diff)
	}
	f.Verify(as(f.partner, partnerURL, "job", map[string]any{"client_id": "job", "scope": "b admin"}), now, &v)
	if diff := cmp.Diff(access.Principal{
		Kind: access.Machine, Via: access.ForeignToken, Subject: "partner|job", Tenant: "acme", Permissions: []string{"b"}, Token: "j1", Expires: (start + 900) * 1000,
	}, v.Principal); diff != "" {
		t.Error(diff)
	}
	before := v.Principal // stays as it is
	f.Verify(as(f.partner, partnerURL, "jab", map[string]any{"client_id": "jab", "scope": "x y z"}), now, &v)
	if before.Subject != "partner|job" || before.Permissions[0] != "b" {
		t.Errorf("became %+v", before)
	}
}

// What is revoked while a signature is verified, or taken out of the bundle, is seen before anybody is let in.
func TestVerifier_FinishDecide_foreign(t *testing.T) {
	f := newAbroad(t)
	r := bearer("GET", "/orders/1", as(f.partner, partnerURL, "alice", nil))
	var p edge.Pending
	var v edge.Verdict
	if !f.PrepareDecide(r, now, &p, &v) || p.Token.Key.ID() != f.partner.key.ID() {
		t.Fatalf("got %s", v.Code)
	}
	f.load(t, f.delta(t, token.Mark{Kind: token.MarkUser, Value: "foreign:u1", Before: now}))
	if f.FinishDecide(&p, true, now, &v); v.Code != "token_revoked" {
		t.Errorf("got %s", v.Code)
	}
	if !f.PrepareDecide(r, now, &p, &v) {
		t.Fatalf("after a delta: %s", v.Code)
	}
	if f.FinishDecide(&p, false, now, &v); v.Code != "token_signature" {
		t.Errorf("got %s", v.Code)
	}
	// A token of ours with a Pending that had another's.
	if !f.PrepareDecide(bearer("GET", "/orders/1", f.own.token(nil)), now, &p, &v) {
		t.Fatal(v.Code)
	}
	if f.FinishDecide(&p, true, now, &v); v.Principal.Via != access.AccessToken {
		t.Errorf("%s, %+v", v.Code, v.Principal)
	}
}

// weak is an algorithm that refuses every key.
type weak struct{ token.Algorithm }

func (weak) Primitive(*token.Key) (token.Primitive, error) { return nil, token.ErrKeyWeak }

// An algorithm that is not verified here makes its tokens the server's, and no others; a key that cannot be used does not keep the bundle from being loaded.
func TestVerifier_Decide_foreignAlgorithms(t *testing.T) {
	only := func(list ...token.Algorithm) func(*edge.Config) {
		return func(c *edge.Config) { c.Algorithms = list }
	}
	ed, ec := newEd(t), newEC(t)
	tests := []struct {
		name   string
		config func(*edge.Config)
		ed, ec string
	}{
		{"both", only(token.EdDSA, token.ES256), "allowed", "allowed"},
		{"one", only(token.ES256), "issuer_elsewhere", "allowed"},
		{"one that refuses its keys", only(weak{token.EdDSA}, token.ES256), "issuer_elsewhere", "issuer_elsewhere"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, test.config)
			b := f.next(t)
			b.Keys = nil
			b.Issuers = []edge.Issuer{{
				URL: partnerURL, Keys: keySet(t, ed.key, ec.key), Name: "partner", Types: []string{"at+jwt"},
				Algorithms: []string{"EdDSA", "ES256", "RS512"}, Life: 3600, Users: edge.UsersRefused, Tenant: "acme",
			}}
			f.load(t, b)
			for _, one := range []struct {
				signer
				want string
			}{{ed, test.ed}, {ec, test.ec}} {
				var v edge.Verdict
				f.Verify(as(one.signer, partnerURL, "job", map[string]any{"client_id": "job"}), now, &v)
				if v.Code != one.want {
					t.Errorf("%s: %s, want %s", one.alg, v.Code, one.want)
				}
			}
			var v edge.Verdict
			f.Verify(as(ec, partnerURL, "alice", nil), now, &v)
			if want := map[string]string{"allowed": "token_user"}[test.ec]; want != "" && v.Code != want {
				t.Errorf("a person: %s", v.Code)
			}
		})
	}
}

// Issuers that contradict each other, or ourselves, are none to decide by.
func TestVerifier_Load_issuers(t *testing.T) {
	f := newAbroad(t)
	for name, change := range map[string]func(*edge.Bundle){
		"ourselves":           func(b *edge.Bundle) { b.Issuers[0].URL = issuer },
		"twice":               func(b *edge.Bundle) { b.Issuers[0].URL = otherURL },
		"twice, once without": func(b *edge.Bundle) { b.Issuers[2].URL = otherURL },
	} {
		if err := f.Load(f.publisher.bundle(t, f.bundle(t, change)), now); !errors.Is(err, edge.ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*edge.Issuer){
		"no URL":              func(i *edge.Issuer) { i.URL = "" },
		"no name":             func(i *edge.Issuer) { i.Name = "" },
		"no type":             func(i *edge.Issuer) { i.Types = nil },
		"no algorithm":        func(i *edge.Issuer) { i.Algorithms = nil },
		"no life":             func(i *edge.Issuer) { i.Life = 0 },
		"a life without end":  func(i *edge.Issuer) { i.Life = edge.MaxForeignLife + 1 },
		"no users":            func(i *edge.Issuer) { i.Users = "" },
		"other users":         func(i *edge.Issuer) { i.Users = "Known" },
		"a secret":            func(i *edge.Issuer) { i.Keys = keySet(t, secretKey(t)) },
		"tenants unsorted":    func(i *edge.Issuer) { i.Tenants = []edge.Tenant{{"b", "x"}, {"a", "x"}} },
		"a tenant twice":      func(i *edge.Issuer) { i.Tenants = []edge.Tenant{{"a", "x"}, {"a", "y"}} },
		"a tenant of nobody":  func(i *edge.Issuer) { i.Tenants = []edge.Tenant{{"", "x"}} },
		"a tenant that is no": func(i *edge.Issuer) { i.Tenants = []edge.Tenant{{"a", ""}} },
		"rules":               func(i *edge.Issuer) { i.Rules.Preset = "google" },
		"a long name":         func(i *edge.Issuer) { i.Name = strings.Repeat("x", 2049) },
		"no key":              func(i *edge.Issuer) { i.Keys = keySet(t) },
	} {
		b := f.bundle(t, func(b *edge.Bundle) { change(&b.Issuers[0]) })
		if _, err := b.AppendJSON(nil); !errors.Is(err, edge.ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.Configure(b); !errors.Is(err, edge.ErrBundle) {
			t.Errorf("%s, configured: %v", name, err)
		}
	}
	b := f.bundle(t)
	for n := range edge.MaxIssuers {
		b.Issuers = append(b.Issuers, edge.Issuer{URL: "https://" + strconv.Itoa(n) + ".example"})
	}
	if _, err := b.AppendJSON(nil); !errors.Is(err, edge.ErrBundle) {
		t.Errorf("too many: %v", err)
	}
}

func secretKey(t testing.TB) *token.Key {
	t.Helper()
	key, err := token.NewHMACKey("k", "HS256", []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestIssuers_round_trip(t *testing.T) {
	f := newAbroad(t)
	b := f.bundle(t)
	text, err := b.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := edge.ParseBundle(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Issuers {
		if k := b.Issuers[i].Keys; k != nil {
			want, _ := k.MarshalJWKS()
			have, _ := got.Issuers[i].Keys.MarshalJWKS()
			if string(want) != string(have) {
				t.Errorf("keys %s, were %s", have, want)
			}
		}
		b.Issuers[i].Keys, got.Issuers[i].Keys = nil, nil
	}
	if diff := cmp.Diff(b.Issuers, got.Issuers); diff != "" {
		t.Error(diff)
	}
}

func TestParseBundle_issuers(t *testing.T) {
	f := newAbroad(t)
	jwks, _ := keySet(t, f.other.key).MarshalJWKS()
	head, full := `{"iss":"https://i.example","number":1,"iat":1,"exp":2,"issuers":`, `{"iss":"https://o.example","keys":`+string(jwks)+
		`,"name":"o","types":["at+jwt"],"alg":["EdDSA"],"life":60,"users":"known","rules":{}}`
	if _, err := edge.ParseBundle(head + "[" + full + `,{"iss":"x"}]}`); err != nil {
		t.Fatal(err)
	}
	without := func(part string) string {
		if !strings.Contains(full, part) {
			t.Fatalf("%s is not in %s", part, full)
		}
		return "[" + strings.Replace(full, part, "", 1) + "]"
	}
	instead := func(old, replacement string) string { return "[" + strings.Replace(full, old, replacement, 1) + "]" }
	for _, issuers := range []string{
		`[]`, `{}`, `null`, `[{}]`, `["x"]`, `[{"iss":""}]`, `[{"iss":1}]`, `[{"iss":"x","name":"n"}]`, `[{"iss":"x","rules":{}}]`, `[{"iss":"x","y":1}]`,
		without(`"name":"o",`), without(`"types":["at+jwt"],`), without(`"alg":["EdDSA"],`), without(`"life":60,`), without(`"users":"known",`), without(`,"rules":{}`),
		instead(`"life":60`, `"life":-60`), instead(`"life":60`, `"life":"60"`), instead(`"life":60`, `"life":2678401`), instead(`"users":"known"`, `"users":"anybody"`),
		instead(`{"keys":[`, `{"keys":[{"kty":"oct","k":"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s","alg":"HS256"},`),
		instead(string(jwks), `{"keys":[]}`), instead(string(jwks), `[]`), instead(string(jwks), `null`),
		instead(string(jwks), `{"keys":[{"kty":"oct","k":"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s","alg":"HS256"}]}`),
		instead(`"kty":"OKP"`, `"kty":"OKP","d":"AAAA"`),
		instead(`"rules":{}`, `"rules":{"preset":"x"}`), instead(`"rules":{}`, `"rules":[]`),
		instead(`"rules":{}`, `"rules":{},"tenants":{}`), instead(`"rules":{}`, `"rules":{},"tenants":[]`), instead(`"rules":{}`, `"rules":{},"tenants":[["a"]]`),
		instead(`"rules":{}`, `"rules":{},"tenants":[["a","b","c"]]`), instead(`"rules":{}`, `"rules":{},"tenants":[["b","x"],["a","x"]]`),
		instead(`"rules":{}`, `"rules":{},"tenants":[["a",1]]`), instead(`"rules":{}`, `"rules":{},"tenant":""`),
	} {
		if _, err := edge.ParseBundle(head + issuers + "}"); err == nil {
			t.Errorf("%.120s is taken", issuers)
		}
	}
}

// Whatever an issuer signs: nobody becomes an administrator, a session, or somebody without a tenant, and there is no panic.
func FuzzVerifier_foreign(f *testing.F) {
	v := newAbroad(f)
	head := `{"typ":"at+jwt","alg":"ES256","kid":"` + v.partner.key.ID() + `"}`
	for _, changes := range []map[string]any{
		nil, {"client_id": "job", "sub": "job"}, {"scope": "admin a"}, {"org": "x"}, {"iat": start - 4000}, {"cnf": 1}, {"events": nil}, {"sub": "bob"},
	} {
		all := map[string]any{"iss": partnerURL, "sub": "alice"}
		maps.Copy(all, changes)
		f.Add(claims(all))
	}
	f.Add(`{"iss":"https:\/\/partner.example","\u0073ub":"alice","aud":["https://api.example"],"exp":1.8e9,"iat":18e8,"permissions":["admin"]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		text := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".AAAA"
		var p, volatile edge.Pending
		volatile.Token.Volatile = true
		var out, again edge.Verdict
		for _, one := range []struct {
			p   *edge.Pending
			out *edge.Verdict
		}{{&p, &out}, {&volatile, &again}} {
			if v.PrepareDecide(bearer("GET", "/write", text), now, one.p, one.out) {
				v.FinishDecide(one.p, true, now, one.out)
			}
		}
		who := &out.Principal
		if out.Allowed() && (who.Has(access.Admin) || who.Session != "" || who.Tenant == "" || who.Subject == "" || who.Via != access.ForeignToken) {
			t.Errorf("%s: %+v", payload, who)
		}
		if diff := cmp.Diff(string(out.AppendJSON(nil)), string(again.AppendJSON(nil))); diff != "" {
			t.Errorf("%s: %s", payload, diff)
		}
	})
}
