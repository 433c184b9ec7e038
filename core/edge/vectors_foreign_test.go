package edge_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/token"
)

// The other issuers of the vectors.
const (
	vectorPartner = "https://partner.example"
	vectorOther   = "https://other.example"
)

// holderDoc is a holder as JSON, with its hash.
type holderDoc struct {
	hash []byte
	more string
}

// holders returns the member with these holders.
func holders(list ...holderDoc) string {
	slices.SortFunc(list, func(a, b holderDoc) int { return bytes.Compare(a.hash, b.hash) })
	docs := make([]string, len(list))
	for i, h := range list {
		docs[i] = `{"hash":"` + base64url(h.hash) + `",` + h.more + `}`
	}
	return "[" + strings.Join(docs, ",") + "]"
}

// subjectHolder is whom another issuer's subject is here.
func subjectHolder(issuer, subject, more string) holderDoc {
	text := append([]byte("subject "), binary.BigEndian.AppendUint32(nil, uint32(len(issuer)))...)
	sum := sha256.Sum256(append(append(text, issuer...), subject...))
	return holderDoc{sum[:16], more}
}

// vectorAPIToken returns an API token with these digits, repeated.
func vectorAPIToken(digits string) string {
	const base = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	text := "hxw_" + strings.Repeat(digits, 43)[:43]
	check := make([]byte, 6)
	for i, sum := 5, crc32.ChecksumIEEE([]byte(text)); i >= 0; i, sum = i-1, sum/62 {
		check[i] = base[sum%62]
	}
	return text + string(check)
}

func tokenHolder(text, more string) holderDoc {
	sum := sha256.Sum256([]byte(text))
	return holderDoc{sum[:16], more}
}

// foreign makes the runs about what others issued, and about API tokens.
func (m *vectorMaker) foreign() {
	k := newVectorKeys()
	partner, other := newPenman("ES256", "partner-1"), newPenman("EdDSA", "other-1")
	issuer := func(more string) string {
		return `{"iss":"` + vectorPartner + `","keys":` + jwks(partner) + `,"name":"partner","aud":["` + vectorAudience + `"],"types":["at+jwt"],"alg":["ES256","EdDSA"],` +
			`"life":3600,"users":"known","tenant":"acme","rules":` + more + `}`
	}
	issuers := `[` + issuer(`{"tenant":"org","permissions":[{"claim":"scope"},{"claim":"realm.roles","strip":"r-","add":"role:"}]}`) +
		`,{"iss":"` + vectorOther + `","keys":` + jwks(other) + `,"name":"other","types":["at+jwt",""],"alg":["EdDSA"],"life":600,"users":"made",` +
		`"tenants":[["org-a","acme"],["org-b","globex"]],"rules":{"tenant":"org","clients":["app","job"],"required":["org"],"machines":{"clients":["job"]}}}` +
		`,{"iss":"https://server.example"}]`
	people := holders(
		subjectHolder(vectorPartner, "alice", `"sub":"u-ada","name":"ada","tenant":"acme","permissions":["admin","orders:read"]`),
		subjectHolder(vectorPartner, "bob", `"sub":"u-bob","name":"bob","tenant":"acme","banned":1800000000001`),
		subjectHolder(vectorPartner, "carol", `"sub":"u-carol","name":"carol","tenant":"globex"`),
		subjectHolder(vectorPartner, "dan", `"sub":"u-dan","name":"dan","tenant":"acme","banned":1800000000000`),
		subjectHolder(vectorPartner, "script", `"sub":"u-eve","tenant":"acme","jti":"t-9"`),
		subjectHolder(vectorPartner, "revoked", `"sub":"u-gone","tenant":"acme"`),
		subjectHolder(vectorOther, "erin", `"sub":"u-erin","name":"erin","tenant":"globex","permissions":["orders:read"]`),
	)
	r := m.run("tokens of other issuers", "${trust}", 0)
	r.load("the bundle", k.first.bundle(append(fullBundle(k).with("issuers", issuers).with("holders", people), marked(
		token.Mark{Kind: token.MarkUser, Value: "foreign:u-gone", Before: vectorNow}, token.Mark{Kind: token.MarkUser, Value: "u-ada", Before: vectorNow},
		token.Mark{Kind: token.MarkUser, Value: "foreign:partner|stopped", Before: vectorNow - 10_000},
		token.Mark{Kind: token.MarkUser, Value: "foreign:identity " + vectorOther + " deleted", Before: vectorNow},
	)...)), vectorNow, "")
	as := func(s penman, url, subject string, more ...string) string {
		return s.token(vectorClaims(append([]string{"iss", `"` + url + `"`, "sub", `"` + subject + `"`, "iat", "1799999990", "client_id", `"app"`}, more...)...))
	}
	alice := as(partner, vectorPartner, "alice")
	ask := func(text string) asked { return get("GET", "/any/x").bearer(text) }
	for _, test := range []struct {
		name    string
		asked   asked
		status  int
		code    string
		subject string
	}{
		{"a person", ask(alice), 200, "allowed", "u-ada"},
		{"a person who may", get("GET", "/orders/1").bearer(alice), 200, "allowed", "u-ada"},
		{"a person, with what the token gives", get("POST", "/orders/1").bearer(as(partner, vectorPartner, "alice", "scope", `"orders:write admin"`)), 200, "allowed", "u-ada"},
		{"a person where a session is demanded", get("GET", "/session/x").bearer(alice), 403, "session_required", ""},
		{"a person where a machine is demanded", get("GET", "/machines/x").bearer(alice), 403, "machine_required", ""},
		{"a person where anybody may", get("GET", "/public/x").bearer(alice), 200, "allowed", "u-ada"},
		{"a person without a route", get("", "").bearer(alice), 200, "allowed", "u-ada"},
		{"in a cookie", get("GET", "/any/x").cookie(accessCookie + "=" + alice), 401, "token_key_unknown", ""},
		{"a machine", get("GET", "/machines/x").bearer(as(partner, vectorPartner, "app")), 200, "allowed", "partner|app"},
		{"a machine with permissions", get("GET", "/orders/1").bearer(as(partner, vectorPartner, "app", "scope", `"orders:read admin"`)), 200, "allowed", "partner|app"},
		{"a machine with words in an object", ask(as(partner, vectorPartner, "app", "realm", `{"roles":["r-a","x","r-","r-admin",1]}`)), 200, "allowed", "partner|app"},
		{"a machine that was stopped", get("GET", "/machines/x").bearer(as(partner, vectorPartner, "stopped", "client_id", `"stopped"`)), 401, "token_revoked", ""},
		{"a machine by its client", get("GET", "/machines/x").bearer(as(other, vectorOther, "any", "client_id", `"job"`, "org", `"org-a"`)), 200, "allowed", "other|any"},
		{"a person of the other", ask(as(other, vectorOther, "erin", "org", `"org-b"`)), 200, "allowed", "u-erin"},
		{"a person of the other, of another tenant", ask(as(other, vectorOther, "erin", "org", `"org-a"`)), 401, "tenant", ""},
		{"of a tenant that is unknown", ask(as(other, vectorOther, "erin", "org", `"org-c"`)), 401, "tenant", ""},
		{"of no tenant", ask(as(other, vectorOther, "erin", "org", `""`)), 401, "token_claim_missing", ""},
		{"without the claim that is required", ask(as(other, vectorOther, "erin")), 401, "token_claim_missing", ""},
		{"issued to another client", ask(as(other, vectorOther, "erin", "org", `"org-b"`, "client_id", `"evil"`)), 401, "token_audience", ""},
		{"whom the server would make", ask(as(other, vectorOther, "newcomer", "org", `"org-b"`)), 503, "user_unknown_here", ""},
		{"whom the server would make, where anybody may", get("GET", "/public/x").bearer(as(other, vectorOther, "newcomer", "org", `"org-b"`)), 200, "allowed", ""},
		{"who was deleted", ask(as(other, vectorOther, "deleted", "org", `"org-b"`)), 401, "token_revoked", ""},
		{"a stranger", ask(as(partner, vectorPartner, "mallory")), 401, "token_stranger", ""},
		{"who is banned for a millisecond more", ask(as(partner, vectorPartner, "bob")), 401, "banned", ""},
		{"who was banned until now", ask(as(partner, vectorPartner, "dan")), 200, "allowed", "u-dan"},
		{"who belongs elsewhere", ask(as(partner, vectorPartner, "carol")), 401, "tenant", ""},
		{"whose hash is an API token's", ask(as(partner, vectorPartner, "script")), 401, "token_stranger", ""},
		{"who is revoked", ask(as(partner, vectorPartner, "revoked")), 401, "token_revoked", ""},
		{"of whom the server has the keys", ask(as(partner, "https://server.example", "alice")), 503, "issuer_elsewhere", ""},
		{"of nobody we know", ask(as(partner, "https://evil.example", "alice")), 401, "token_issuer", ""},
		{"of a name that begins alike", ask(as(partner, vectorPartner+"/", "alice")), 401, "token_issuer", ""},
		{"of no issuer", ask(partner.token(`{"sub":"alice","aud":"` + vectorAudience + `","iat":1799999990,"exp":1800000900}`)), 401, "token_claim_missing", ""},
		{"of an issuer that is a list", ask(as(partner, vectorPartner, "alice", "iss", `["`+vectorPartner+`"]`)), 401, "token_claims_malformed", ""},
		{"of an issuer that is escaped", ask(as(partner, vectorPartner, "alice", "iss", `"https:\/\/partner.ex\u0061mple"`)), 200, "allowed", "u-ada"},
		{"our name, another's key", ask(as(other, vectorIssuer, "u-ada")), 401, "token_key_unknown", ""},
		{"another's name, our key", ask(as(k.ec, vectorPartner, "alice")), 401, "token_key_unknown", ""},
		{"one's name, the other's key", ask(as(other, vectorPartner, "alice")), 401, "token_key_unknown", ""},
		{"our token", ask("${user}"), 401, "token_revoked", ""},
		{"another audience", ask(as(partner, vectorPartner, "alice", "aud", `"x"`)), 401, "token_audience", ""},
		{"another type", ask(partner.sign(partner.header("JWT"), vectorClaims("iss", `"`+vectorPartner+`"`))), 401, "token_type", ""},
		{"an ID token without a type", ask(other.sign(`{"alg":"EdDSA","kid":"other-1"}`, vectorClaims("iss", `"`+vectorOther+`"`, "sub", `"erin"`, "iat", "1799999990", "org", `"org-b"`, "client_id", `"app"`, "nonce", `"n"`))), 401, "token_type", ""},
		{"bound to a key", ask(as(partner, vectorPartner, "alice", "cnf", `{"jkt":"x"}`)), 401, "token_type", ""},
		{"a bad signature", ask(alice[:len(alice)-8] + "AAAAAAAA"), 401, "token_signature", ""},
		{"unsigned", ask(partner.sign(`{"alg":"none","typ":"at+jwt"}`, vectorClaims("iss", `"`+vectorPartner+`"`))), 401, "token_alg_refused", ""},
		{"without a time of issue", ask(partner.token(vectorClaims("iss", `"`+vectorPartner+`"`, "sub", `"alice"`))), 401, "token_claim_missing", ""},
		{"as old as may be", ask(as(partner, vectorPartner, "alice", "iat", "1799996340")), 200, "allowed", "u-ada"},
		{"a second too old", ask(as(partner, vectorPartner, "alice", "iat", "1799996339")), 401, "token_too_old", ""},
		{"issued in the future", ask(as(partner, vectorPartner, "alice", "iat", "1800000061")), 401, "token_issued_in_future", ""},
		{"expired, with the leeway", ask(as(partner, vectorPartner, "alice", "exp", "1799999941")), 200, "allowed", "u-ada"},
		{"expired", ask(as(partner, vectorPartner, "alice", "exp", "1799999940")), 401, "token_expired", ""},
		{"a subject with a line end", ask(as(partner, vectorPartner, `a\nb`)), 401, "token_claims_malformed", ""},
		{"a subject as long as may be", ask(as(partner, vectorPartner, strings.Repeat("a", 512))), 401, "token_stranger", ""},
		{"a subject that is too long", ask(as(partner, vectorPartner, strings.Repeat("a", 513))), 401, "token_claims_malformed", ""},
		{"longer than our own may be", ask(as(partner, vectorPartner, "alice", "x", `"`+strings.Repeat("x", 9<<10)+`"`)), 200, "allowed", "u-ada"},
		{"too long", ask(as(partner, vectorPartner, "alice", "x", `"`+strings.Repeat("x", 13<<10)+`"`)), 401, "token_too_long", ""},
		{"garbage, where there are other issuers", ask("a.b.c"), 401, "token_malformed", ""},
	} {
		v := r.decide(test.name, test.asked, vectorNow, test.status, test.code)
		if v.Principal.Subject != test.subject {
			m.t.Errorf("%s: is about %q, want %q", test.name, v.Principal.Subject, test.subject)
		}
		if slices.Contains(v.Principal.Permissions, "admin") {
			m.t.Errorf("%s: another issuer's token opens the administration", test.name)
		}
	}
	r.load("that revokes all", k.first.bundle(delta(1001, 1000, marked(token.Mark{Kind: token.MarkAll, Before: vectorNow})...)), vectorNow, "")
	r.decide("a person, when all is revoked", ask(alice), vectorNow, 401, "token_revoked")
	r.load("of nobody else", k.first.bundle(fullBundle(k).numbered(1002)), vectorNow, "")
	r.decide("a person of an issuer who is trusted no more", ask(alice), vectorNow, 401, "token_key_unknown")

	number := int64(1002)
	for _, test := range []struct{ name, rules string }{
		{"that are null", `null`},
		{"that are a list", `[]`},
		{"with what is unknown", `{"x":1}`},
		{"of a preset that is unknown", `{"preset":"x"}`},
		{"with an empty list", `{"clients":[]}`},
		{"with an empty word", `{"clients":[""]}`},
		{"with a word twice", `{"clients":["a","a"]}`},
		{"with a line end", `{"clients":["a\n"]}`},
		{"with a word that is long", `{"clients":["` + strings.Repeat("a", 1025) + `"]}`},
		{"with no claim", `{"permissions":[{"strip":"x"}]}`},
		{"with machines and none", `{"machines":{"none":true,"clients":["a"]}}`},
		{"with machines that are false", `{"machines":{"none":false}}`},
		{"with claims out of order", `{"machines":{"claims":[["b","x"],["a","x"]]}}`},
	} {
		number++
		r.load("rules "+test.name, k.first.bundle(fullBundle(k).numbered(number).with("issuers", "["+issuer(test.rules)+"]")), vectorNow, "bundle_malformed")
	}
	for _, test := range []struct{ name, was, is string }{
		{"without types", `"types":["at+jwt"],`, ``},
		{"without algorithms", `"alg":["ES256","EdDSA"],`, ``},
		{"without a name", `"name":"partner",`, ``},
		{"without a life", `"life":3600,`, ``},
		{"with a life of 31 days and a second", `"life":3600`, `"life":2678401`},
		{"without users", `"users":"known",`, ``},
		{"with users that are none", `"users":"known"`, `"users":"all"`},
		{"with a secret", jwks(partner), jwks(k.hs)},
		{"with a key of its own", jwks(partner), `{"keys":[` + partner.jwk(`"d":"AAAA"`) + `]}`},
		{"with tenants out of order", `"tenant":"acme"`, `"tenants":[["b","x"],["a","y"]]`},
		{"with tenants that are texts", `"tenant":"acme"`, `"tenants":["a"]`},
		{"with a tenant of three", `"tenant":"acme"`, `"tenants":[["a","b","c"]]`},
	} {
		number++
		doc := strings.Replace(issuer("{}"), test.was, test.is, 1)
		if doc == issuer("{}") {
			m.t.Errorf("an issuer %s is the same", test.name)
		}
		r.load("an issuer "+test.name, k.first.bundle(fullBundle(k).numbered(number).with("issuers", "["+doc+"]")), vectorNow, "bundle_malformed")
	}
	m.apiTokens(k)
}

// apiTokens are about what scripts show.
func (m *vectorMaker) apiTokens(k vectorKeys) {
	r := m.run("API tokens", "${trust}", 0)
	good, reader, over, banned, unknown := vectorAPIToken("Good1"), vectorAPIToken("Read2"), vectorAPIToken("Over3"), vectorAPIToken("Ban4"), vectorAPIToken("Who5")
	list := holders(
		tokenHolder(good, `"sub":"u-ada","name":"ada","tenant":"acme","permissions":["orders:read","orders:write"],"jti":"k-1"`),
		tokenHolder(reader, `"sub":"u-ada","name":"ada","tenant":"acme","jti":"k-2","exp":1800000001000`),
		tokenHolder(over, `"sub":"u-ada","jti":"k-3","exp":1800000000000`),
		tokenHolder(banned, `"sub":"u-bob","jti":"k-4","banned":1800000000500`),
		tokenHolder(vectorAPIToken("Sub6"), `"sub":"u-eve"`),
	)
	bundle := fullBundle(k).with("api_tokens", "true").with("holders", list)
	r.load("without API tokens", k.first.bundle(fullBundle(k).numbered(999)), vectorNow, "")
	r.decide("where only the server knows them", get("GET", "/any/x").bearer(good), vectorNow, 503, "api_token_elsewhere")
	r.decide("malformed, where only the server knows them", get("GET", "/any/x").bearer("hxw_x"), vectorNow, 401, "token_form")
	r.decide("where only the server knows them, and anybody may", get("GET", "/public/x").bearer(good), vectorNow, 200, "allowed")
	r.load("with API tokens", k.first.bundle(bundle), vectorNow, "")
	for _, test := range []struct {
		name         string
		asked        asked
		status       int
		code         string
		subject, jti string
	}{
		{"good", get("GET", "/any/x").bearer(good), 200, "allowed", "u-ada", "k-1"},
		{"good, to write", get("POST", "/orders/1").bearer(good), 200, "allowed", "u-ada", "k-1"},
		{"good, from elsewhere", get("POST", "/orders/1").bearer(good).site("cross-site"), 200, "allowed", "u-ada", "k-1"},
		{"good, without a route", get("", "").bearer(good), 200, "allowed", "u-ada", "k-1"},
		{"good, where a session is demanded", get("GET", "/session/x").bearer(good), 403, "session_required", "", ""},
		{"good, where a machine is demanded", get("GET", "/machines/x").bearer(good), 403, "machine_required", "", ""},
		{"good, where a token is demanded", get("GET", "/token/x").bearer(good), 200, "allowed", "u-ada", "k-1"},
		{"good, where anybody may", get("GET", "/public/x").bearer(good), 200, "allowed", "u-ada", "k-1"},
		{"without permissions", get("GET", "/orders/1").bearer(reader), 403, "forbidden", "", ""},
		{"that ends in a second", get("GET", "/any/x").bearer(reader), 200, "allowed", "u-ada", "k-2"},
		{"that ends now", get("GET", "/any/x").bearer(over), 401, "token_unknown", "", ""},
		{"of who is banned", get("GET", "/any/x").bearer(banned), 401, "token_unknown", "", ""},
		{"that nobody has", get("GET", "/any/x").bearer(unknown), 401, "token_unknown", "", ""},
		{"whose hash is a subject's", get("GET", "/any/x").bearer(vectorAPIToken("Sub6")), 401, "token_unknown", "", ""},
		{"with a typo", get("GET", "/any/x").bearer(strings.Replace(good, "Good1G", "Good1g", 1)), 401, "token_form", "", ""},
		{"with another checksum", get("GET", "/any/x").bearer(good[:len(good)-6] + "000000"), 401, "token_form", "", ""},
		{"cut short", get("GET", "/any/x").bearer(good[:len(good)-1]), 401, "token_form", "", ""},
		{"with more", get("GET", "/any/x").bearer(good + "0"), 401, "token_form", "", ""},
		{"with nothing behind its prefix", get("GET", "/any/x").bearer("hxw_"), 401, "token_form", "", ""},
		{"with points", get("GET", "/any/x").bearer("hxw_.b.c"), 401, "token_form", "", ""},
		{"in another case", get("GET", "/any/x").bearer("HXW_" + good[4:]), 401, "token_malformed", "", ""},
		{"in a cookie", get("GET", "/any/x").cookie(accessCookie + "=" + good), 401, "token_malformed", "", ""},
		{"as Basic", get("GET", "/any/x").with(inAuthorization, "Basic "+good), 401, "token_malformed", "", ""},
	} {
		v := r.decide(test.name, test.asked, vectorNow, test.status, test.code)
		if v.Principal.Subject != test.subject || v.Principal.Token != test.jti {
			m.t.Errorf("%s: is about %q by %q, want %q by %q", test.name, v.Principal.Subject, v.Principal.Token, test.subject, test.jti)
		}
	}
	r.decide("a millisecond before its end", get("GET", "/any/x").bearer(reader), vectorNow+999, 200, "allowed")
	r.decide("at its end", get("GET", "/any/x").bearer(reader), vectorNow+1000, 401, "token_unknown")
	r.decide("a millisecond before the ban's end", get("GET", "/any/x").bearer(banned), vectorNow+499, 401, "token_unknown")
	r.decide("at the ban's end", get("GET", "/any/x").bearer(banned), vectorNow+500, 200, "allowed")
	r.load("a delta", k.first.bundle(delta(1001, 1000, marked(token.Mark{Kind: token.MarkUser, Value: "u-ada", Before: vectorNow}, token.Mark{Kind: token.MarkToken, Value: "k-1"})...)), vectorNow, "")
	r.decide("good, when its owner's tokens are revoked", get("GET", "/any/x").bearer(good), vectorNow, 200, "allowed") // the holders are what says so
	r.load("without one of them", k.first.bundle(bundle.numbered(1002).with("holders", holders(tokenHolder(reader, `"sub":"u-ada","jti":"k-2"`)))), vectorNow, "")
	r.decide("good, when it is gone", get("GET", "/any/x").bearer(good), vectorNow, 401, "token_unknown")
	r.decide("that ends no more", get("GET", "/any/x").bearer(reader), vectorNow+3_000_000, 200, "allowed")
	r.load("holders that are not meant for tokens", k.first.bundle(bundle.numbered(1003).without("api_tokens")), vectorNow, "")
	r.decide("good, when the server keeps them to itself", get("GET", "/any/x").bearer(good), vectorNow, 503, "api_token_elsewhere")
}
