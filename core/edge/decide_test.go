package edge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

func TestVerifier_Decide(t *testing.T) {
	f := newFixture(t)
	b := f.next(t)
	b.Marks = newMarks(t,
		token.Mark{Kind: token.MarkToken, Value: "gone"}, token.Mark{Kind: token.MarkSession, Value: "over"},
		token.Mark{Kind: token.MarkUser, Value: "kicked", Before: start*1000 + 200})
	b.Issuers = []edge.Issuer{{Name: "partner", URL: "https://partner.example"}}
	f.load(t, b)
	good := f.own.token(nil)
	machine := f.own.token(map[string]any{"sub": "m1", "client_id": "m1", "sid": nil})
	vouched := f.own.token(map[string]any{"azp": access.VouchedParty})
	cookie := func(method, path, line string) *edge.Request {
		return &edge.Request{Method: method, Path: path, Cookie: line}
	}
	from := func(r *edge.Request, origin, site string) *edge.Request {
		r.Origin, r.FetchSite = origin, site
		return r
	}
	raw := func(value string) *edge.Request {
		return &edge.Request{Method: "GET", Path: "/orders/1", HasAuthorization: true, Authorization: value}
	}
	is := func(changes map[string]any) *edge.Request { return bearer("GET", "/orders/1", f.own.token(changes)) }
	const invalid = `Bearer error="invalid_token"`
	tests := []struct {
		name      string
		request   *edge.Request
		status    int
		code      string
		challenge string
		rule      int
		subject   string
	}{
		{"good", bearer("GET", "/orders/1", good), 200, "allowed", "", 1, "u1"},
		{"good, for HEAD, with a query", bearer("HEAD", "/orders/1?a=//", good), 200, "allowed", "", 1, "u1"},
		{"good, in another case of the scheme", raw("bEARER  " + good + " "), 200, "allowed", "", 1, "u1"},
		{"no rule", bearer("GET", "/else", good), 403, "session_required", "", -1, ""},
		{"nobody", &edge.Request{Method: "GET", Path: "/orders/1"}, 401, "unauthenticated", "Bearer", 1, ""},
		{"nobody where anybody may", &edge.Request{Method: "GET", Path: "/assets/a"}, 200, "allowed", "", 0, ""},
		{"somebody where anybody may", bearer("GET", "/assets/a", good), 200, "allowed", "", 0, "u1"},
		{"garbage where anybody may", bearer("GET", "/assets/a", "garbage"), 200, "allowed", "", 0, ""},
		{"revoked where anybody may", bearer("GET", "/assets/a", f.own.token(map[string]any{"jti": "gone"})), 200, "allowed", "", 0, ""},
		{"a path of two readings, of anybody", bearer("GET", "/assets//a", good), 400, "path_ambiguous", "", -1, ""},
		{"an encoded slash", bearer("GET", "/orders%2f1", good), 400, "path_ambiguous", "", -1, ""},
		{"no path", bearer("GET", "", good), 400, "path_ambiguous", "", -1, ""},
		{"a permission less", is(map[string]any{"permissions": []string{"orders"}}), 403, "forbidden", "", 1, ""},
		{"a machine for machines", bearer("POST", "/jobs/1", machine), 200, "allowed", "", 2, "m1"},
		{"a person for machines", bearer("POST", "/jobs/1", good), 403, "machine_required", "", 2, ""},
		{"a token for sessions", bearer("GET", "/me", good), 403, "session_required", "", 3, ""},
		{"vouched for", bearer("GET", "/orders/1", vouched), 200, "allowed", "", 1, "u1"},

		{"an empty header", raw(""), 401, "token_malformed", invalid, 1, ""},
		{"another scheme", raw("Basic dTpw"), 401, "token_malformed", invalid, 1, ""},
		{"the scheme alone", raw("Bearer"), 401, "token_malformed", invalid, 1, ""},
		{"a NUL for the space", raw("Bearer\x00" + good), 401, "token_malformed", invalid, 1, ""},
		{"two headers", raw("Bearer " + good + ", Bearer " + good), 401, "token_malformed", invalid, 1, ""},
		{"a header beside a good cookie", &edge.Request{
			Method: "GET", Path: "/me", HasAuthorization: true, Authorization: "Bearer x", Cookie: "hw_access=" + good,
		}, 401, "token_malformed", invalid, 3, ""},
		{"too long", raw("Bearer " + strings.Repeat("a", 16<<10+1)), 401, "token_too_long", invalid, 1, ""},
		{"expired, within the leeway", is(map[string]any{"exp": start - 59}), 200, "allowed", "", 1, "u1"},
		{"expired", is(map[string]any{"exp": start - 60}), 401, "token_expired", invalid, 1, ""},
		{"not yet", is(map[string]any{"nbf": start + 61}), 401, "token_not_yet_valid", invalid, 1, ""},
		{"from the future", is(map[string]any{"iat": start + 61}), 401, "token_issued_in_future", invalid, 1, ""},
		{"nobody's", is(map[string]any{"sub": nil}), 401, "token_claim_missing", invalid, 1, ""},
		{"of no time", is(map[string]any{"iat": nil}), 401, "token_claim_missing", invalid, 1, ""},
		{"for somebody else", is(map[string]any{"aud": "https://other.example"}), 401, "token_audience", invalid, 1, ""},
		{"an unknown issuer's", is(map[string]any{"iss": "https://evil.example"}), 401, "token_issuer", invalid, 1, ""},
		{"a trusted issuer's", is(map[string]any{"iss": "https://partner.example"}), 503, "issuer_elsewhere", "", 1, ""},
		{"another key's", bearer("GET", "/orders/1", newEd(t).token(nil)), 401, "token_key_unknown", invalid, 1, ""},
		{"another key's under this one's name", bearer("GET", "/orders/1",
			newEd(t).compact(map[string]any{"typ": "at+jwt", "kid": f.own.key.ID()}, claims(nil))), 401, "token_signature", invalid, 1, ""},
		{"unsigned", bearer("GET", "/orders/1", f.own.compact(map[string]any{"typ": "at+jwt", "alg": "none"}, claims(nil))), 401, "token_alg_refused", invalid, 1, ""},
		{"an ID token", bearer("GET", "/orders/1", f.own.compact(map[string]any{"typ": "JWT"}, claims(nil))), 401, "token_type", invalid, 1, ""},
		{"revoked alone", is(map[string]any{"jti": "gone"}), 401, "token_revoked", invalid, 1, ""},
		{"revoked with its session", is(map[string]any{"sid": "over"}), 401, "token_revoked", invalid, 1, ""},
		{"revoked with its user", is(map[string]any{"sub": "kicked", "iat_ms": start*1000 + 200}), 401, "token_revoked", invalid, 1, ""},
		{"its user's next one", is(map[string]any{"sub": "kicked", "iat_ms": start*1000 + 201}), 200, "allowed", "", 1, "kicked"},
		{"an API token", bearer("GET", "/orders/1", apiToken("1")), 503, "api_token_elsewhere", "", 1, ""},
		{"what is no API token of ours", bearer("GET", "/orders/1", "hxw_x"), 401, "token_form", `Bearer error="invalid_token"`, 1, ""},

		{"a cookie", cookie("GET", "/me", "a=b; hw_access="+good), 200, "allowed", "", 3, "u1"},
		{"a cookie where tokens are demanded", cookie("GET", "/jobs/1", "hw_access="+good), 403, "token_required", "", 2, ""},
		{"a machine's token in a cookie", cookie("GET", "/me", "hw_access="+machine), 401, "token_sessionless", "Bearer", 3, ""},
		{"a token without a session in a cookie", cookie("GET", "/me", "hw_access="+f.own.token(map[string]any{"sid": nil})), 401, "token_sessionless", "Bearer", 3, ""},
		{"a service's token in a cookie", cookie("GET", "/me", "hw_access="+vouched), 401, "token_sessionless", "Bearer", 3, ""},
		{"an API token in a cookie", cookie("GET", "/me", "hw_access=hxw_x"), 401, "token_malformed", "Bearer", 3, ""},
		{"an expired cookie", cookie("GET", "/me", "hw_access="+f.own.token(map[string]any{"exp": start - 60})), 401, "token_expired", "Bearer", 3, ""},
		{"an empty cookie", cookie("GET", "/me", "hw_access="), 401, "token_malformed", "Bearer", 3, ""},
		{"a session's id", cookie("GET", "/me", "hw_session=abc"), 401, "session_opaque", "Bearer", 3, ""},
		{"a session's id, and a good access token", cookie("GET", "/me", "hw_session=abc; hw_access="+good), 200, "allowed", "", 3, "u1"},
		{"a cookie twice", cookie("GET", "/me", "hw_access="+good+"; hw_access="+good), 401, "cookie_twice", "Bearer", 3, ""},
		{"a session twice", cookie("GET", "/me", "hw_session=a; hw_access="+good+"; hw_session="), 401, "cookie_twice", "Bearer", 3, ""},
		{"a session twice, before another cookie", cookie("GET", "/me", "hw_session=a; hw_session=b; hw_access="+good), 401, "cookie_twice", "Bearer", 3, ""},
		{"a refresh token twice", cookie("GET", "/me", "hw_refresh=a; hw_access="+good+"; hw_refresh=b"), 401, "cookie_twice", "Bearer", 3, ""},
		{
			"a machine's token with a session in a cookie", cookie("GET", "/me", "hw_access="+f.own.token(map[string]any{"sub": "m1", "client_id": "m1"})),
			401, "token_sessionless", "Bearer", 3, "",
		},
		{"a cookie alone, without a route", from(cookie("", "", "hw_access="+good), "https://evil.example", "cross-site"), 200, "allowed", "", -1, "u1"},
		{"a method without a path", cookie("GET", "", "hw_access="+good), 400, "path_ambiguous", "", -1, ""},
		{"a cookie in another case", cookie("GET", "/me", "HW_ACCESS="+good), 401, "unauthenticated", "Bearer", 3, ""},
		{"a cookie of a longer name", cookie("GET", "/me", "xhw_access="+good), 401, "unauthenticated", "Bearer", 3, ""},

		{"a write of this site's page", from(cookie("POST", "/write", "hw_access="+good), issuer, ""), 200, "allowed", "", 4, "u1"},
		{"a write of an allowed page", from(cookie("POST", "/write", "hw_access="+good), app, "cross-site"), 200, "allowed", "", 4, "u1"},
		{"a write of another page", from(cookie("POST", "/write", "hw_access="+good), "https://evil.example", ""), 403, "cross_origin", "", 4, ""},
		{"a write of the same site", from(cookie("POST", "/write", "hw_access="+good), "", "same-site"), 403, "cross_origin", "", 4, ""},
		{"a write of an origin that says another site", from(cookie("POST", "/write", "hw_access="+good), issuer, "cross-site"), 403, "cross_origin", "", 4, ""},
		{"a write of a made-up method", from(cookie("post", "/write", "hw_access="+good), "https://evil.example", ""), 403, "cross_origin", "", 4, ""},
		{"a read of another page", from(cookie("GET", "/write", "hw_access="+good), "https://evil.example", "cross-site"), 200, "allowed", "", 4, "u1"},
		{"a write of another page with a token", from(bearer("POST", "/write", good), "https://evil.example", "cross-site"), 200, "allowed", "", 4, "u1"},
		{"a write of another page where anybody may", from(cookie("POST", "/assets/a", "hw_access="+good), "https://evil.example", ""), 200, "allowed", "", 0, ""},
		{"no program of a browser", cookie("POST", "/write", "hw_access="+good), 200, "allowed", "", 4, "u1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := edge.Verdict{Status: 200, Code: "before", Principal: access.Principal{Kind: access.User, Subject: "before"}}
			f.Decide(test.request, now, &out)
			if out.Status != test.status || out.Code != test.code || out.Challenge != test.challenge || out.Rule != test.rule || out.Principal.Subject != test.subject {
				t.Errorf("got %d %s %q rule %d of %q", out.Status, out.Code, out.Challenge, out.Rule, out.Principal.Subject)
			}
			if !out.Principal.SignedIn() && out.Claims.Raw() != "" {
				t.Errorf("nobody's claims: %s", out.Claims.Raw())
			}
			if (out.Detail == "") != out.Allowed() || !out.Allowed() && (out.Principal.SignedIn() || out.Claims.Raw() != "") {
				t.Errorf("detail %q, principal %v, claims %q", out.Detail, out.Principal, out.Claims.Raw())
			}
			if !json.Valid(out.AppendJSON(nil)) {
				t.Errorf("no JSON: %s", out.AppendJSON(nil))
			}
		})
	}
}

func TestVerdict_AppendJSON(t *testing.T) {
	f := loaded(t)
	compact := f.own.token(map[string]any{"username": `a"<b`})
	var out edge.Verdict
	f.Verify(compact, now, &out)
	var got map[string]any
	if err := json.Unmarshal(out.AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	var said any
	if err := json.Unmarshal([]byte(claims(map[string]any{"username": `a"<b`})), &said); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"allowed": true, "status": 200.0, "code": "allowed", "detail": "", "challenge": "", "rule": -1.0, "claims": said,
		"principal": map[string]any{
			"subject": "u1", "name": `a"<b`, "kind": "user", "tenant": "acme", "permissions": []any{"orders:read"}, "session": "s1",
			"token": "j1", "via": "access_token", "expires": float64((start + 900) * 1000),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A bundle without our own keys, as of a server that signs with a secret.
func TestVerifier_Decide_keysElsewhere(t *testing.T) {
	f := newFixture(t)
	b := f.next(t)
	b.Keys = nil
	f.load(t, b)
	var out edge.Verdict
	if f.Verify(f.own.token(nil), now, &out); out.Status != 503 || out.Code != "keys_elsewhere" {
		t.Errorf("got %d %s", out.Status, out.Code)
	}
	if f.Decide(bearer("GET", "/assets/a", f.own.token(nil)), now, &out); !out.Allowed() || out.Principal.SignedIn() {
		t.Errorf("where anybody may: %d %s", out.Status, out.Code)
	}
}

// A signature that is verified while a newer bundle is loaded counts for nothing that is revoked by it.
func TestVerifier_FinishDecide_later(t *testing.T) {
	f := loaded(t)
	var p edge.Pending
	var out edge.Verdict
	if !f.PrepareDecide(bearer("GET", "/orders/1", f.own.token(nil)), now, &p, &out) {
		t.Fatalf("got %s", out.Code)
	}
	f.load(t, f.delta(t, token.Mark{Kind: token.MarkSession, Value: "s1"}))
	if f.FinishDecide(&p, true, now, &out); out.Code != "token_revoked" {
		t.Errorf("got %s", out.Code)
	}
	if f.PrepareDecide(bearer("GET", "/orders/1", f.own.token(nil)), now, &p, &out); p.Token.Key == nil {
		t.Fatal("no key")
	}
	if f.FinishDecide(&p, false, now, &out); out.Code != "token_signature" {
		t.Errorf("a bad signature: %s", out.Code)
	}
	if f.FinishDecide(&p, true, now, &out); out.Allowed() {
		t.Error("a signature is settled twice")
	}
	good := f.own.token(map[string]any{"sid": "s2"})
	if !f.PrepareDecide(bearer("GET", "/orders/1", good), now, &p, &out) {
		t.Fatalf("got %s", out.Code)
	}
	if f.PrepareDecide(bearer("GET", "/orders/1", "garbage"), now, &p, &out) {
		t.Fatal("a signature of garbage is wanted")
	}
	if f.FinishDecide(&p, true, now, &out); out.Allowed() {
		t.Error("the token before passes for garbage")
	}
	var none edge.Pending
	if f.FinishDecide(&none, true, now, &out); out.Allowed() {
		t.Error("what was not prepared is allowed")
	}
}

func FuzzVerifier_Decide(f *testing.F) {
	v := loaded(f)
	f.Add("GET", "/orders/1", true, "Bearer "+v.own.token(nil), "hw_access=x; hw_access", "https://evil.example", "same-site")
	f.Add("POST", "/write", false, "", "hw_access="+v.own.token(nil), "", "none")
	f.Fuzz(func(t *testing.T, method, path string, has bool, authorization, cookie, origin, site string) {
		r := edge.Request{Method: method, Path: path, HasAuthorization: has, Authorization: authorization, Cookie: cookie, Origin: origin, FetchSite: site}
		var out, halves edge.Verdict
		v.Decide(&r, now, &out)
		var p edge.Pending
		p.Token.Volatile = true
		if v.PrepareDecide(&r, now, &p, &halves) {
			v.FinishDecide(&p, p.Token.Check(), now, &halves)
		}
		text := out.AppendJSON(nil)
		if diff := cmp.Diff(string(text), string(halves.AppendJSON(nil))); diff != "" || !json.Valid(text) {
			t.Error(diff, string(text))
		}
		if out.Allowed() != (out.Status == 200) || out.Principal.SignedIn() && !out.Allowed() {
			t.Errorf("%+v", out)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	v := newFixture(f)
	b := v.next(f)
	b.Marks = newMarks(f, token.Mark{Kind: token.MarkUser, Value: "u", Before: now})
	b.Holders = []edge.Holder{{Hash: [16]byte{1}, Subject: "u1"}}
	for _, b := range []*edge.Bundle{b, v.delta(f)} {
		text, err := b.AppendJSON(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := edge.ParseBundle(text)
		if err != nil {
			return
		}
		again, err := b.AppendJSON(nil)
		if err != nil {
			if b.Keys == nil || b.Keys.Len() == 0 || b.Keys.At(0).Type() != "oct" { // a secret, which Configure alone takes
				t.Fatalf("%v: %s", err, text)
			}
			return
		}
		back, err := edge.ParseBundle(string(again))
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if third, err := back.AppendJSON(nil); err != nil || string(third) != string(again) {
			t.Errorf("%v: %s became %s", err, again, third)
		}
	})
}
