package edge_test

import (
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

const (
	vectorIssuer   = "https://id.example"
	vectorAudience = "https://api.example"
)

// members are those of a payload, in order: name, JSON, name, JSON …
type members []string

// with returns the members with one set, or added at the end.
func (m members) with(name, doc string) members {
	m = slices.Clone(m)
	for i := 0; i < len(m); i += 2 {
		if m[i] == name {
			m[i+1] = doc
			return m
		}
	}
	return append(m, name, doc)
}

func (m members) without(names ...string) (left members) {
	for i := 0; i < len(m); i += 2 {
		if !slices.Contains(names, m[i]) {
			left = append(left, m[i], m[i+1])
		}
	}
	return left
}

func (m members) String() string {
	var b strings.Builder
	for i := 0; i < len(m); i += 2 {
		fmt.Fprintf(&b, ",%q:%s", m[i], m[i+1])
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}

// The keys of the vectors: those that sign bundles, and those of tokens.
type vectorKeys struct {
	first, second, evil penman // of bundles
	ed, ec, rs, ps, hs  penman // of tokens
}

func newVectorKeys() vectorKeys {
	return vectorKeys{
		first: newPenman("ES256", "bundle-1"), second: newPenman("ES256", "bundle-2"), evil: newPenman("ES256", "bundle-3"),
		ed: newPenman("EdDSA", "ed"), ec: newPenman("ES256", "ec"), rs: newPenman("RS256", "rs"), ps: newPenman("PS256", "ps"), hs: newPenman("HS256", "hs"),
	}
}

// smallBundle is a payload with little in it.
func smallBundle(k vectorKeys) members {
	return members{
		"iss", `"` + vectorIssuer + `"`, "number", "1000", "iat", "1799999900", "exp", "1800003500",
		"aud", `["` + vectorAudience + `"]`, "required", `["sub","iat"]`, "leeway", "60",
		"keys", jwks(k.ed), "policy", `[{"path":"/**","access":"session_or_token"}]`,
	}
}

// numbered returns the members with a number.
func (m members) numbered(n int64) members { return m.with("number", strconv.FormatInt(n, 10)) }

// delta returns a delta to what has a base or more.
func delta(number, base int64, more ...string) members {
	return append(members{
		"iss", `"` + vectorIssuer + `"`, "number", strconv.FormatInt(number, 10), "base", strconv.FormatInt(base, 10), "iat", "1800000000", "exp", "1800003600",
	}, more...)
}

// marked returns the member with these marks.
func marked(list ...token.Mark) []string {
	marks, err := edge.NewMarks(edge.Seed{1, 2, 3, 4}, list)
	must(err)
	return []string{"marks", string(marks.AppendJSON(nil))}
}

// bundle signs a payload.
func (s penman) bundle(payload members) string { return s.sign(s.header(edge.Type), payload.String()) }

// bundles makes the runs about the loading of bundles.
func (m *vectorMaker) bundles() {
	k := newVectorKeys()
	trust := m.text("trust", jwks(k.first, k.second))
	small := smallBundle(k)
	user := get("GET", "/x").bearer(m.text("small_token", k.ed.token(vectorClaims("sub", `"ada"`, "iat", "1799999990"))))

	r := m.run("numbers and times", trust, 0)
	r.decide("before any bundle", user, vectorNow, 503, "bundle_missing")
	r.decide("before any bundle, with nothing", get("GET", "/"), vectorNow, 503, "bundle_missing")
	r.load("the first", k.first.bundle(small), vectorNow, "")
	r.decide("by the first", user, vectorNow, 200, "allowed")
	r.load("the first again", k.first.bundle(small), vectorNow, "bundle_old")
	r.load("one before it", k.first.bundle(small.numbered(999)), vectorNow, "bundle_old")
	r.load("the first of all", k.first.bundle(small.numbered(1)), vectorNow, "bundle_old")
	r.load("another issuer's", k.first.bundle(small.numbered(1001).with("iss", `"https://evil.example"`)), vectorNow, "bundle_issuer")
	r.load("an issuer's with a slash more", k.first.bundle(small.numbered(1001).with("iss", `"https://id.example/"`)), vectorNow, "bundle_issuer")
	r.load("the next, under the other key", k.second.bundle(small.numbered(1001)), vectorNow, "")
	r.load("rolled back", k.first.bundle(small.numbered(1000)), vectorNow, "bundle_old")
	r.load("a second of the same number", k.first.bundle(small.numbered(1001).with("leeway", "5")), vectorNow, "bundle_old")
	r.load("issued 301 seconds ahead", k.first.bundle(small.numbered(1002).with("iat", "1800000301")), vectorNow, "bundle_early")
	r.load("issued 301 seconds ahead, 999 ms later", k.first.bundle(small.numbered(1002).with("iat", "1800000301")), vectorNow+999, "bundle_early")
	r.load("issued 300 seconds ahead", k.first.bundle(small.numbered(1002).with("iat", "1800000300")), vectorNow, "")
	r.load("expired this second", k.first.bundle(small.numbered(1003).with("exp", "1800000000")), vectorNow, "bundle_expired")
	r.load("expired long ago", k.first.bundle(small.numbered(1003).with("iat", "1").with("exp", "2")), vectorNow, "bundle_expired")
	r.load("expires in a millisecond", k.first.bundle(small.numbered(1003).with("exp", "1800000000")), vectorNow-1, "")
	r.decide("a millisecond before its end", user, vectorNow-1, 200, "allowed")
	r.decide("at its end", user, vectorNow, 503, "bundle_expired")
	r.decide("at its end, with nothing", get("GET", "/"), vectorNow, 503, "bundle_expired")
	r.decide("at its end, a path that can be read twice", get("GET", "//"), vectorNow, 503, "bundle_expired")
	r.decide("before it was issued", user, vectorNow-200_000, 401, "token_issued_in_future")
	r.load("of 31 days", k.first.bundle(small.numbered(1004).with("exp", "1802678300")), vectorNow, "")
	r.load("of 31 days and a second", k.first.bundle(small.numbered(1005).with("exp", "1802678301")), vectorNow, "bundle_malformed")
	r.load("that ends before it begins", k.first.bundle(small.numbered(1005).with("exp", "1799999899")), vectorNow, "bundle_malformed")
	r.load("of the greatest number", k.first.bundle(small.numbered(1<<53-1)), vectorNow, "")
	r.load("of a number beyond", k.first.bundle(small.numbered(1<<53)), vectorNow, "bundle_malformed")
	r.decide("still by the greatest", user, vectorNow, 200, "allowed")
	r.configure("what nobody signed", small.String(), "")
	r.decide("by what nobody signed, long after", user, vectorNow+889_000, 200, "allowed")
	r.decide("by what nobody signed, when the token has expired", user, vectorNow+960_000, 401, "token_expired")
	r.load("any number, after what nobody signed", k.first.bundle(small.numbered(7)), vectorNow, "")
	r.retrust("keys that are none", `{"keys":[]}`, "config")
	r.retrust("secrets", jwks(k.hs), "config")
	r.retrust("no JSON", `{`, "bundle_key_malformed")
	r.decide("nothing changed by keys that were refused", user, vectorNow, 200, "allowed")
	r.retrust("another key", jwks(k.evil), "")
	r.decide("nothing is held with another key", user, vectorNow, 503, "bundle_missing")
	r.load("under a key that is trusted no more", k.first.bundle(small.numbered(2000)), vectorNow, "bundle_key_unknown")
	r.load("under the new one", k.evil.bundle(small.numbered(8)), vectorNow, "")

	r = m.run("stale for a minute", trust, 60)
	r.load("expired 59 seconds ago", k.first.bundle(small.with("exp", "1799999941")), vectorNow, "")
	r.decide("59 seconds past its end", user, vectorNow, 200, "allowed")
	r.decide("a millisecond before a minute past its end", user, vectorNow+999, 200, "allowed")
	r.decide("a minute past its end", user, vectorNow+1000, 503, "bundle_expired")
	r.load("expired a minute ago", k.first.bundle(small.numbered(1001).with("exp", "1799999940")), vectorNow, "bundle_expired")

	r = m.run("nobody is trusted", "", 0)
	r.load("a bundle", k.first.bundle(small), vectorNow, "config")
	r.decide("a token", user, vectorNow, 503, "bundle_missing")

	m.deltas(k, trust, small, user)
	m.signatures(k, trust, small, user)
}

// deltas are about bundles that add to what is held.
func (m *vectorMaker) deltas(k vectorKeys, trust string, small members, user asked) {
	other := get("GET", "/x").bearer(k.ed.token(vectorClaims("sub", `"bob"`, "iat", "1799999990", "jti", `"t-bob"`, "sid", `"s-bob"`)))
	ada := token.Mark{Kind: token.MarkUser, Value: "ada", Before: vectorNow}
	bob := token.Mark{Kind: token.MarkToken, Value: "t-bob"}
	session := token.Mark{Kind: token.MarkSession, Value: "s-bob"}

	r := m.run("deltas", trust, 0)
	r.load("to nothing", k.first.bundle(delta(1001, 1000)), vectorNow, "bundle_base")
	r.load("the base", k.first.bundle(small), vectorNow, "")
	r.load("to what is not there yet", k.first.bundle(delta(1002, 1001)), vectorNow, "bundle_base")
	r.load("without marks", k.first.bundle(delta(1001, 1000)), vectorNow, "")
	r.decide("nobody is revoked", user, vectorNow, 200, "allowed")
	r.load("that revokes Ada", k.first.bundle(delta(1002, 1000, marked(ada)...)), vectorNow, "")
	r.decide("Ada is revoked", user, vectorNow, 401, "token_revoked")
	r.decide("Bob is not", other, vectorNow, 200, "allowed")
	r.load("again", k.first.bundle(delta(1002, 1000, marked(ada)...)), vectorNow, "bundle_old")
	r.load("that revokes Bob's token", k.second.bundle(delta(1003, 1002, marked(bob)...)), vectorNow, "")
	r.decide("Bob is revoked", other, vectorNow, 401, "token_revoked")
	r.decide("Ada still is", user, vectorNow, 401, "token_revoked")
	r.load("of another seed", k.first.bundle(delta(1004, 1003, "marks", `{"seed":"AAAAAAAAAAAAAAAAAAAAAQ","all":1800000000000}`)), vectorNow, "bundle_seed")
	r.load("another issuer's", k.first.bundle(delta(1004, 1003).with("iss", `"https://evil.example"`)), vectorNow, "bundle_issuer")
	r.load("under a key that nobody trusts", k.evil.bundle(delta(1004, 1003)), vectorNow, "bundle_key_unknown")
	for _, name := range []string{"aud", "types", "required", "leeway", "keys", "policy", "site", "issuers", "api_tokens", "holders"} {
		value := map[string]string{
			"leeway": "60", "keys": jwks(k.ed), "policy": `[{"path":"/**","access":"public"}]`, "site": `{"origin":"https://x"}`, "api_tokens": "true",
			"issuers": `[{"name":"x","iss":"https://x"}]`, "holders": `[{"hash":"AAAAAAAAAAAAAAAAAAAAAA","sub":"x"}]`,
		}[name]
		if value == "" {
			value = `["x"]`
		}
		r.load("with "+name, k.first.bundle(delta(1004, 1003, name, value)), vectorNow, "bundle_malformed")
	}
	r.load("whose base is itself", k.first.bundle(delta(1004, 1004)), vectorNow, "bundle_malformed")
	r.load("whose base is later", k.first.bundle(delta(1004, 1005)), vectorNow, "bundle_malformed")
	r.load("whose base is zero", k.first.bundle(delta(1004, 0)), vectorNow, "bundle_malformed")
	r.load("whose base is negative", k.first.bundle(delta(1004, -1)), vectorNow, "bundle_malformed")
	r.load("expired", k.first.bundle(delta(1004, 1003).with("exp", "1800000000")), vectorNow, "bundle_expired")
	r.load("that ends later", k.first.bundle(delta(1004, 1).with("exp", "1800009999")), vectorNow, "")
	r.decide("past the end of the base, by the delta's", user, 1800003500_000, 401, "token_expired")
	r.load("a whole one without marks", k.first.bundle(small.numbered(1005)), vectorNow, "")
	r.decide("Ada is not revoked any more", user, vectorNow, 200, "allowed")
	r.load("an old delta", k.first.bundle(delta(1003, 1002, marked(bob)...)), vectorNow, "bundle_old")
	r.decide("Bob is not revoked any more", other, vectorNow, 200, "allowed")
	r.load("a whole one with a mark of each kind", k.first.bundle(append(small.numbered(1006), marked(ada, session)...)), vectorNow, "")
	r.decide("Bob's session is revoked", other, vectorNow, 401, "token_revoked")
	r.load("that revokes everything", k.first.bundle(delta(1007, 1006, marked(token.Mark{Kind: token.MarkAll, Before: vectorNow - 10_000})...)), vectorNow, "")
	r.decide("everybody from before is revoked", get("GET", "/x").bearer(k.ed.token(vectorClaims("sub", `"eve"`, "iat", "1799999990"))), vectorNow, 401, "token_revoked")
	r.decide("nobody from after is", get("GET", "/x").bearer(k.ed.token(vectorClaims("sub", `"eve"`, "iat", "1799999991"))), vectorNow, 200, "allowed")
	r.configure("what nobody signed", small.String(), "")
	r.load("to what nobody signed", k.first.bundle(delta(2001, 1)), vectorNow, "bundle_base")
}

// signatures are about who signed a bundle, and how: whatever is refused, what was held is decided by.
func (m *vectorMaker) signatures(k vectorKeys, trust string, small members, user asked) {
	r := m.run("who signed", trust, 0)
	r.load("ours", k.first.bundle(small), vectorNow, "")
	next := small.numbered(2000).String()
	good := k.first.bundle(small.numbered(2000))
	head, tail := good[:strings.LastIndexByte(good, '.')+1], good[strings.LastIndexByte(good, '.')+1:]
	header := func(text string) string { return k.first.sign(text, next) }
	own := k.first.header(edge.Type)
	input := strings.TrimSuffix(head, ".")
	signature := k.first.signature(input)
	order := k.first.priv.(*ecdsa.PrivateKey).Params().N
	both := func(r, s *big.Int) string {
		return head + base64url(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}
	first, second := k.first.pair(input)
	der, err := asn1.Marshal(struct{ R, S *big.Int }{first, second})
	must(err)
	impostor := k.evil
	impostor.kid = "bundle-1"
	secret := penman{alg: "HS256", kid: "bundle-1", priv: []byte(k.first.jwk())}
	flipped := []byte(tail)
	flipped[10] ^= 1
	tests := []struct{ name, compact, code string }{
		{"a key that nobody trusts", k.evil.bundle(small.numbered(2000)), "bundle_key_unknown"},
		{"a key that nobody trusts, by the name of one that is", impostor.bundle(small.numbered(2000)), "bundle_signature"},
		{"a key of tokens", k.ec.sign(k.ec.header(edge.Type), next), "bundle_key_unknown"},
		{"a key of tokens, of another algorithm", k.ed.sign(k.ed.header(edge.Type), next), "bundle_alg_refused"},
		{"no name of a key", header(`{"alg":"ES256","typ":"` + edge.Type + `"}`), "bundle_key_unknown"},
		{"an empty name of a key", header(`{"alg":"ES256","typ":"` + edge.Type + `","kid":""}`), "bundle_malformed"},
		{"the other key's name", header(k.second.header(edge.Type)), "bundle_signature"},
		{"no typ", header(`{"alg":"ES256","kid":"bundle-1"}`), "bundle_type"},
		{"typ of an access token", header(k.first.header("at+jwt")), "bundle_type"},
		{"typ JWT", header(k.first.header("JWT")), "bundle_type"},
		{"typ with a suffix", header(k.first.header(edge.Type + "2")), "bundle_type"},
		{"an access token", k.ec.token(vectorClaims()), "bundle_type"},
		{"an access token of another algorithm", m.file.Texts["small_token"], "bundle_alg_refused"},
		{"alg none", base64url([]byte(`{"alg":"none","typ":"`+edge.Type+`","kid":"bundle-1"}`)) + "." + base64url([]byte(next)) + ".", "bundle_alg_refused"},
		{"alg none with a signature", header(`{"alg":"none","typ":"` + edge.Type + `","kid":"bundle-1"}`), "bundle_alg_refused"},
		{"no alg", header(`{"typ":"` + edge.Type + `","kid":"bundle-1"}`), "bundle_alg_refused"},
		{"alg HS256 with the public key for a secret", secret.bundle(small.numbered(2000)), "bundle_alg_refused"},
		{"alg HS256 without a name", secret.sign(`{"alg":"HS256","typ":"`+edge.Type+`"}`, next), "bundle_alg_refused"},
		{"alg ES384", header(`{"alg":"ES384","typ":"` + edge.Type + `","kid":"bundle-1"}`), "bundle_alg_refused"},
		{"alg es256", header(`{"alg":"es256","typ":"` + edge.Type + `","kid":"bundle-1"}`), "bundle_alg_refused"},
		{"alg twice", header(`{"alg":"ES256","alg":"ES256","typ":"` + edge.Type + `","kid":"bundle-1"}`), "bundle_malformed"},
		{"Alg too", header(strings.Replace(own, "{", `{"Alg":"none",`, 1)), "bundle_header_refused"},
		{"crit", header(strings.Replace(own, "{", `{"crit":["b64"],`, 1)), "bundle_crit"},
		{"b64", header(strings.Replace(own, "{", `{"b64":true,`, 1)), "bundle_header_refused"},
		{"zip", header(strings.Replace(own, "{", `{"zip":"DEF",`, 1)), "bundle_header_refused"},
		{"jwk", header(strings.Replace(own, "{", `{"jwk":`+k.evil.jwk()+`,`, 1)), "bundle_header_refused"},
		{"jku", header(strings.Replace(own, "{", `{"jku":"https://evil.example/keys",`, 1)), "bundle_header_refused"},
		{"x5c", header(strings.Replace(own, "{", `{"x5c":[],`, 1)), "bundle_header_refused"},
		{"x5u", header(strings.Replace(own, "{", `{"x5u":"https://evil.example",`, 1)), "bundle_header_refused"},
		{"a header that is an array", header(`["ES256"]`), "bundle_malformed"},
		{"a header with a line end after it", header(own + "\n"), ""}, // JSON allows whitespace
		{"a payload of another", base64url([]byte(own)) + "." + base64url([]byte(small.numbered(2003).String())) + "." + tail, "bundle_signature"},
		{"no signature", head, "bundle_signature"},
		{"no signature and no point", input, "bundle_malformed"},
		{"half of the signature", head + base64url(signature[:32]), "bundle_signature"},
		{"a signature of 63 bytes", head + base64url(signature[:63]), "bundle_signature"},
		{"a signature of 65 bytes", head + base64url(append(slices.Clone(signature), 0)), "bundle_signature"},
		{"a signature with a zero before it", head + base64url(append([]byte{0}, signature...)), "bundle_signature"},
		{"a signature as X.509 has it", head + base64url(der), "bundle_signature"},
		{"a bit of the signature changed", head + string(flipped), "bundle_signature"},
		{"a signature of zeros", head + base64url(make([]byte, 64)), "bundle_signature"},
		{"R is zero", both(new(big.Int), second), "bundle_signature"},
		{"S is zero", both(first, new(big.Int)), "bundle_signature"},
		{"R and S are one", both(big.NewInt(1), big.NewInt(1)), "bundle_signature"},
		{"R is the order", both(order, second), "bundle_signature"},
		{"S is the order", both(first, order), "bundle_signature"},
		{"S is above the order", both(first, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))), "bundle_signature"},
		{"R and S exchanged", both(second, first), "bundle_signature"},
		{"padding", good + "==", "bundle_malformed"},
		{"a line end after it", good + "\n", "bundle_malformed"},
		{"a space before it", " " + good, "bundle_malformed"},
		{"the other alphabet", strings.ReplaceAll(head+"-_", "-_", "+/"), "bundle_malformed"},
		{"bits that are not zero at the end", head + tail[:85] + "B", "bundle_malformed"},
		{"four parts", good + "." + tail, "bundle_malformed"},
		{"two parts", input, "bundle_malformed"},
		{"one part", "x", "bundle_malformed"},
		{"points", "..", "bundle_malformed"},
		{"nothing", "", "bundle_malformed"},
		{"half", good[:len(good)/2], "bundle_malformed"},
		{"JSON", next, "bundle_malformed"},
		{"JSON of a JWS", `{"protected":"","payload":"","signature":""}`, "bundle_malformed"},
		{"bytes that are no text", "\xff\xfe" + good, "bundle_malformed"},
		{"NUL", good + "\x00", "bundle_malformed"},
		{"16 MiB", strings.Repeat("A", edge.MaxBundle), "bundle_malformed"},
		{"the other signature that verifies", head + base64url(twin(signature, order)), "bundle_old"}, // than the line end's, which came first
	}
	for _, test := range tests {
		r.load(test.name, test.compact, vectorNow, test.code)
	}
	r.decide("by what was not refused", user, vectorNow, 200, "allowed")
	r.load("an application's media type", k.first.sign(k.first.header("application/"+strings.ToUpper(edge.Type)), small.numbered(2001).String()), vectorNow, "")
	loose := base64.StdEncoding.EncodeToString([]byte(own))
	r.load("a header in base64 with padding", loose+"="+good[strings.IndexByte(good, '.'):], vectorNow, "bundle_malformed")

	r.room("no room for less than nothing", -1, 0)
	r.room("no room beyond 16 MiB", edge.MaxBundle+1, 0)
	r.room("no room for 2 GiB", 1<<31-1, 0)
	r.room("room for nothing", 0, 1)
	r.room("room for 16 MiB", edge.MaxBundle, 1)
	r.decide("after that", user, vectorNow, 200, "allowed")

	for _, alg := range []string{"EdDSA", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		s := newPenman(alg, "bundle-"+strings.ToLower(alg))
		r := m.run("bundles signed by "+alg, jwks(s), 0)
		signed := s.bundle(small)
		r.load("ours", signed, vectorNow, "")
		r.load("without a name of a key", s.sign(`{"alg":"`+alg+`","typ":"`+edge.Type+`"}`, small.numbered(1001).String()), vectorNow, "")
		r.load("another payload", base64url([]byte(s.header(edge.Type)))+"."+base64url([]byte(next))+signed[strings.LastIndexByte(signed, '.'):], vectorNow, "bundle_signature")
		r.load("a key of ES256", k.first.bundle(small.numbered(1002)), vectorNow, "bundle_alg_refused")
		r.decide("by it", user, vectorNow, 200, "allowed")
	}
}
