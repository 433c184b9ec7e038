package edge_test

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// payloads makes the run about what a bundle says that was signed well: whoever has the key makes mistakes too.
func (m *vectorMaker) payloads() {
	k := newVectorKeys()
	r := m.run("what a bundle says", m.text("trust", jwks(k.first, k.second)), 0)
	small := smallBundle(k).numbered(5000)
	user := get("GET", "/x").bearer("${small_token}")
	r.load("the one that stays", k.first.bundle(small.numbered(10)), vectorNow, "")
	raw := small.String()
	tests := []struct{ name, payload, code string }{
		{"nothing", "", "bundle_malformed"},
		{"null", "null", "bundle_malformed"},
		{"an array", "[]", "bundle_malformed"},
		{"a number", "1", "bundle_malformed"},
		{"no member", "{}", "bundle_malformed"},
		{"something after it", raw + "x", "bundle_malformed"},
		{"another after it", raw + "{}", "bundle_malformed"},
		{"the end is missing", raw[:len(raw)-1], "bundle_malformed"},
		{"a comma too many", raw[:len(raw)-1] + ",}", "bundle_malformed"},
		{"a byte order mark", "\ufeff" + raw, "bundle_malformed"},
		{"a comment", "/**/" + raw, "bundle_malformed"},
		{"a NUL in it", strings.Replace(raw, "{", "{\x00", 1), "bundle_malformed"},
		{"no UTF-8", strings.Replace(raw, "id.example", "id\xff.example", 1), "bundle_malformed"},
		{"half a surrogate", strings.Replace(raw, "id.example", `id\ud800.example`, 1), "bundle_malformed"},
		{"a tab in a text", strings.Replace(raw, "id.example", "id\t.example", 1), "bundle_malformed"},
		{"seventeen deep", small.with("site", strings.Repeat("[", 17)+strings.Repeat("]", 17)).String(), "bundle_malformed"},
		{"a member that is unknown", small.with("extra", "1").String(), "bundle_malformed"},
		{"a member of no name", small.with("", "1").String(), "bundle_malformed"},
		{"a member in upper case", small.with("Number", "9").String(), "bundle_malformed"},
		{"a prototype", small.with("__proto__", `{}`).String(), "bundle_malformed"},
		{"a member twice", strings.Replace(raw, "{", `{"number":9000,`, 1), "bundle_malformed"},
		{"a member twice, once escaped", strings.Replace(raw, "{", `{"n\u0075mber":9000,`, 1), "bundle_malformed"},

		{"no iss", small.without("iss").String(), "bundle_malformed"},
		{"iss is empty", small.with("iss", `""`).String(), "bundle_malformed"},
		{"iss is a list", small.with("iss", `["https://id.example"]`).String(), "bundle_malformed"},
		{"iss is too long", small.with("iss", `"`+strings.Repeat("a", 2049)+`"`).String(), "bundle_malformed"},
		{"no number", small.without("number").String(), "bundle_malformed"},
		{"number is zero", small.with("number", "0").String(), "bundle_malformed"},
		{"number is negative", small.with("number", "-5000").String(), "bundle_malformed"},
		{"number is no whole one", small.with("number", "5000.5").String(), "bundle_malformed"},
		{"number is a text", small.with("number", `"5000"`).String(), "bundle_malformed"},
		{"number has a zero before it", small.with("number", "05000").String(), "bundle_malformed"},
		{"number is 2^63", small.with("number", "9223372036854775808").String(), "bundle_malformed"},
		{"number wraps round", small.with("number", "18446744073709556616").String(), "bundle_malformed"},
		{"number is beyond any", small.with("number", "1e999").String(), "bundle_malformed"},
		{"number is null", small.with("number", "null").String(), "bundle_malformed"},
		{"no iat", small.without("iat").String(), "bundle_malformed"},
		{"iat is zero", small.with("iat", "0").String(), "bundle_malformed"},
		{"no exp", small.without("exp").String(), "bundle_malformed"},
		{"exp is true", small.with("exp", "true").String(), "bundle_malformed"},
		{"exp after the year 9999", small.with("iat", "253402300700").with("exp", "253402300800").String(), "bundle_malformed"},
		{"exp wraps round", small.with("exp", "9223372036854775807").String(), "bundle_malformed"},

		{"leeway of 301 seconds", small.with("leeway", "301").String(), "bundle_malformed"},
		{"leeway is negative", small.with("leeway", "-1").String(), "bundle_malformed"},
		{"aud is a text", small.with("aud", `"https://api.example"`).String(), "bundle_malformed"},
		{"aud is an empty list", small.with("aud", `[]`).String(), "bundle_malformed"},
		{"aud has an empty text", small.with("aud", `[""]`).String(), "bundle_config"},
		{"aud has a number", small.with("aud", `["a",1]`).String(), "bundle_malformed"},
		{"types is a text", small.with("types", `"at+jwt"`).String(), "bundle_malformed"},
		{"required has what is no claim", small.with("required", `["sub","shoe_size"]`).String(), "bundle_config"},
		{"required is an object", small.with("required", `{}`).String(), "bundle_malformed"},

		{"keys is a list", small.with("keys", "["+k.ed.jwk()+"]").String(), "bundle_key_malformed"},
		{"keys is null", small.with("keys", "null").String(), "bundle_key_malformed"},
		{"a key is a text", small.with("keys", `{"keys":["x"]}`).String(), "bundle_key_malformed"},
		{"a key with its private part", small.with("keys", `{"keys":[`+k.ed.jwk(`"d":"AAAA"`)+`]}`).String(), "bundle_key_private"},
		{"a key twice", small.with("keys", jwks(k.ed, k.ed)).String(), "bundle_key_duplicate"},
		{"a key that is too small", small.with("keys", `{"keys":[`+smallRSA()+`]}`).String(), "bundle_key_weak"},
		{"a key off its curve", small.with("keys", offCurve(k.ec)).String(), "bundle_key_weak"},
		{"a key of small order", small.with("keys", `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"x","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`).String(), "bundle_key_weak"},
		{"a key whose alg is another's", small.with("keys", strings.Replace(jwks(k.ec), "ES256", "ES384", 1)).String(), "bundle_key_mismatch"},
		{"a secret", small.with("keys", jwks(k.hs)).String(), "bundle_malformed"},
		{"a secret among keys", small.with("keys", jwks(k.ed, k.hs)).String(), "bundle_key_set_mixed"},
		{"129 keys", small.with("keys", `{"keys":[`+strings.TrimSuffix(strings.Repeat(`{"kty":"x"},`, 129), ",")+`]}`).String(), "bundle_key_malformed"},

		{"policy is an object", small.with("policy", `{"path":"/","access":"public"}`).String(), "bundle_policy"},
		{"policy is null", small.with("policy", `null`).String(), "bundle_policy"},
		{"policy is empty", small.with("policy", `[]`).String(), "bundle_policy"},
		{"a rule is a text", small.with("policy", `["/"]`).String(), "bundle_policy"},
		{"a rule is empty", small.with("policy", `[{}]`).String(), "bundle_policy"},
		{"a rule without access", small.with("policy", `[{"path":"/"}]`).String(), "bundle_policy"},
		{"a rule without a path", small.with("policy", `[{"access":"public"}]`).String(), "bundle_policy"},
		{"a rule with what is unknown", small.with("policy", `[{"path":"/","access":"public","Only":"user"}]`).String(), "bundle_policy"},
		{"a rule with access twice", small.with("policy", `[{"path":"/","access":"token","access":"public"}]`).String(), "bundle_malformed"},
		{"access that is none", small.with("policy", `[{"path":"/","access":"Public"}]`).String(), "bundle_policy"},
		{"access that is a list", small.with("policy", `[{"path":"/","access":["public"]}]`).String(), "bundle_policy"},
		{"only who is nobody", small.with("policy", `[{"path":"/","access":"token","only":"anonymous"}]`).String(), "bundle_policy"},
		{"a path without a slash", small.with("policy", `[{"path":"x","access":"public"}]`).String(), "bundle_policy"},
		{"a path with dots", small.with("policy", `[{"path":"/a/../b","access":"public"}]`).String(), "bundle_policy"},
		{"a path with two stars in between", small.with("policy", `[{"path":"/**/b","access":"public"}]`).String(), "bundle_policy"},
		{"a method in lower case", small.with("policy", `[{"path":"/","access":"public","methods":["get"]}]`).String(), "bundle_policy"},
		{"methods that are none", small.with("policy", `[{"path":"/","access":"public","methods":[]}]`).String(), "bundle_policy"},
		{"a permission that is none", small.with("policy", `[{"path":"/","access":"token","permissions":["a b"]}]`).String(), "bundle_policy"},
		{"a rule that nothing reaches", small.with("policy", `[{"path":"/**","access":"public"},{"path":"/admin","access":"session"}]`).String(), "bundle_policy"},

		{"site is a text", small.with("site", `"https://id.example"`).String(), "bundle_malformed"},
		{"site with what is unknown", small.with("site", `{"cookie":"x"}`).String(), "bundle_malformed"},
		{"site with an empty name", small.with("site", `{"origin":"https://id.example","access":""}`).String(), "bundle_malformed"},
		{"site whose origins are a text", small.with("site", `{"origins":"https://id.example"}`).String(), "bundle_malformed"},
		{"issuers is an object", small.with("issuers", `{}`).String(), "bundle_malformed"},
		{"an issuer without a URL", small.with("issuers", `[{"keys":{"keys":[]}}]`).String(), "bundle_malformed"},
		{"an issuer with a name and no keys", small.with("issuers", `[{"iss":"https://other.example","name":"other"}]`).String(), "bundle_malformed"},
		{"an issuer twice", small.with("issuers", `[{"iss":"https://other.example"},{"iss":"https://other.example"}]`).String(), "bundle_malformed"},
		{"an issuer that is this one", small.with("issuers", `[{"iss":"https://id.example"}]`).String(), "bundle_malformed"},
		{"an issuer with what is unknown", small.with("issuers", `[{"iss":"https://other.example","jwks_uri":"x"}]`).String(), "bundle_malformed"},
		{"API tokens are false", small.with("api_tokens", `false`).String(), "bundle_malformed"},
		{"API tokens are a number", small.with("api_tokens", `1`).String(), "bundle_malformed"},
		{"a holder without a subject", small.with("holders", `[{"hash":"AAAAAAAAAAAAAAAAAAAAAA"}]`).String(), "bundle_malformed"},
		{"a holder's hash is short", small.with("holders", `[{"hash":"AAAAAAAAAAAAAAAAAAAA","sub":"x"}]`).String(), "bundle_malformed"},
		{"a holder's hash ends in what is no zero", small.with("holders", `[{"hash":"AAAAAAAAAAAAAAAAAAAAAB","sub":"x"}]`).String(), "bundle_malformed"},
		{"holders out of order", small.with("holders", `[{"hash":"BAAAAAAAAAAAAAAAAAAAAA","sub":"x"},{"hash":"AAAAAAAAAAAAAAAAAAAAAA","sub":"y"}]`).String(), "bundle_malformed"},
		{"a holder twice", small.with("holders", `[{"hash":"AAAAAAAAAAAAAAAAAAAAAA","sub":"x"},{"hash":"AAAAAAAAAAAAAAAAAAAAAA","sub":"y"}]`).String(), "bundle_malformed"},
	}
	for _, test := range tests {
		r.load(test.name, k.first.sign(k.first.header(edge.Type), test.payload), vectorNow, test.code)
	}
	m.badMarks(r, k, small)
	r.decide("by the one that stays", user, vectorNow, 200, "allowed")

	// What is unusual and right.
	r.load("number with an exponent", k.first.bundle(small.with("number", "5e3")), vectorNow, "")
	r.load("spaces", k.first.sign(k.first.header(edge.Type), " \n"+strings.ReplaceAll(small.numbered(5001).String(), ",\"", " ,\t\"")+"\r\n"), vectorNow, "")
	r.load("a name that is escaped", k.first.sign(k.first.header(edge.Type), strings.Replace(small.numbered(5002).String(), `"iss"`, `"\u0069ss"`, 1)), vectorNow, "")
	r.decide("by that", user, vectorNow, 200, "allowed")
	r.load("no keys", k.first.bundle(small.numbered(5003).without("keys")), vectorNow, "")
	r.decide("a token, where only the server has the keys", user, vectorNow, 503, "keys_elsewhere")
	r.decide("nothing, where only the server has the keys", get("GET", "/x"), vectorNow, 401, "unauthenticated")
	r.load("keys of a kind that is unknown", k.first.bundle(small.numbered(5004).with("keys", `{"keys":[{"kty":"XYZ","kid":"ed"},{"kty":"EC","crv":"secp256k1","kid":"k"}]}`)), vectorNow, "")
	r.decide("a token, where no key is known", user, vectorNow, 503, "keys_elsewhere")
	r.load("no policy", k.first.bundle(small.numbered(5005).without("policy")), vectorNow, "")
	r.decide("a token, where a session is demanded by default", user, vectorNow, 403, "session_required")
	r.decide("a token alone, where there is no policy", get("", "").bearer("${small_token}"), vectorNow, 200, "allowed")
	r.load("any audience", k.first.bundle(small.numbered(5006).without("aud")), vectorNow, "")
	r.decide("for no audience", get("GET", "/x").bearer(k.ed.token(vectorClaims("sub", `"ada"`, "iat", "1799999990", "aud", "[]"))), vectorNow, 200, "allowed")
	r.load("other types", k.first.bundle(small.numbered(5007).with("types", `["JWT",""]`)), vectorNow, "")
	r.decide("another type", user, vectorNow, 401, "token_type")
	r.decide("no type", get("GET", "/x").bearer(k.ed.sign(`{"alg":"EdDSA","kid":"ed"}`, vectorClaims("sub", `"ada"`, "iat", "1799999990"))), vectorNow, 200, "allowed")
	r.load("nothing required", k.first.bundle(small.numbered(5008).without("required")), vectorNow, "")
	r.decide("nobody's token", get("GET", "/x").bearer(k.ed.token(vectorClaims())), vectorNow, 401, "unauthenticated")
	r.load("marks without a seed", k.first.bundle(small.numbered(5009).with("marks", "{}")), vectorNow, "")
	r.load("marks with nothing but a seed", k.first.bundle(small.numbered(5010).with("marks", `{"seed":"AAAAAAAAAAAAAAAAAAAAAQ"}`)), vectorNow, "")
	r.load("an issuer whom only the server knows", k.first.bundle(small.numbered(5011).with("keys", jwks(k.ed)).without("site")), vectorNow, "")
	r.load("the key is another one now, by the same name", k.first.bundle(small.numbered(5012).with("keys", strings.Replace(jwks(newPenman("EdDSA", "other")), `"other"`, `"ed"`, 1))), vectorNow, "")
	r.decide("the key is another one now", user, vectorNow, 401, "token_signature")
	r.load("and the first again", k.first.bundle(small.numbered(5013)), vectorNow, "")
	r.decide("by the first again", user, vectorNow, 200, "allowed")
}

// badMarks are those that no server publishes.
func (m *vectorMaker) badMarks(r *vectorRun, k vectorKeys, small members) {
	const seedText = `"seed":"AQIDBAAAAAAAAAAAAAAAAA"`
	two := marked(token.Mark{Kind: token.MarkToken, Value: "a"}, token.Mark{Kind: token.MarkToken, Value: "b"})[1]
	users := marked(token.Mark{Kind: token.MarkUser, Value: "a", Before: vectorNow}, token.Mark{Kind: token.MarkUser, Value: "b", Before: vectorNow + 5})[1]
	tests := []struct{ name, doc string }{
		{"a list", `[]`},
		{"null", `null`},
		{"a seed of zeros", `{"seed":"AAAAAAAAAAAAAAAAAAAAAA","all":1}`},
		{"a seed that is short", `{"seed":"AQIDBAAAAAAAAAAAAAAA","all":1}`},
		{"a seed that is long", `{"seed":"AQIDBAAAAAAAAAAAAAAAAAAA","all":1}`},
		{"a seed with padding", `{"seed":"AQIDBAAAAAAAAAAAAAAAAA==","all":1}`},
		{"no seed", `{"all":1800000000000}`},
		{"what is unknown", `{` + seedText + `,"keys":1}`},
		{"all is zero", `{` + seedText + `,"all":0}`},
		{"all is negative", `{` + seedText + `,"all":-1}`},
		{"all is after the year 9999", `{` + seedText + `,"all":253402300800000}`},
		{"all is a text", `{` + seedText + `,"all":"1"}`},
		{"one fewer than counted", strings.Replace(two, `"count":2`, `"count":3`, 1)},
		{"one more than counted", strings.Replace(two, `"count":2`, `"count":1`, 1)},
		{"a count of zero", `{` + seedText + `,"tokens":{"count":0,"hashes":""}}`},
		{"a count that is negative", strings.Replace(two, `"count":2`, `"count":-2`, 1)},
		{"a count beyond any", strings.Replace(two, `"count":2`, `"count":4294967298`, 1)},
		{"a count of a million and nothing", `{` + seedText + `,"tokens":{"count":1048576,"hashes":"AAAA"}}`},
		{"a hash cut short", strings.Replace(two, `"}}`, `"}}`, 1)[:len(two)-5] + `"}}`},
		{"no digits", `{` + seedText + `,"tokens":{"count":1,"hashes":"!!!!!!!!!!"}}`},
		{"zeros and nothing else", `{` + seedText + `,"tokens":{"count":1,"hashes":"` + strings.Repeat("A", 4000) + `"}}`},
		{"no hashes", `{` + seedText + `,"tokens":{"count":1}}`},
		{"tokens with times", strings.Replace(users, `"users"`, `"tokens"`, 1)},
		{"users without times", strings.Replace(two, `"tokens"`, `"users"`, 1)},
		{"users of another width", strings.Replace(users, `"width":3`, `"width":9`, 1)},
		{"users of a width beyond any", strings.Replace(users, `"width":3`, `"width":64`, 1)},
		{"users from before time began", strings.Replace(users, `"from":1800000000000`, `"from":0`, 1)},
		{"users from the year 9999 on", strings.Replace(users, `"from":1800000000000`, `"from":253402300799999`, 1)},
	}
	for i, test := range tests {
		if i >= 12 && test.doc == two || test.doc == users {
			m.t.Errorf("marks: %s: nothing is wrong with it", test.name)
		}
		r.load("marks: "+test.name, k.first.bundle(small.with("marks", test.doc)), vectorNow, "bundle_marks")
	}
	r.load("marks: as they are", k.first.bundle(small.numbered(11).with("marks", users)), vectorNow, "")
}

// smallRSA returns a JWK of 1,024 bits.
func smallRSA() string {
	key := rsaKey("small", 1024)
	return penman{alg: "RS256", kid: "small", priv: &rsa.PrivateKey{PublicKey: key.PublicKey}}.jwk()
}

// offCurve returns a set with a point that is not on its curve.
func offCurve(s penman) string {
	doc := jwks(s)
	at := strings.Index(doc, `"y":"`) + 5
	return doc[:at] + base64url(new(big.Int).SetUint64(1).FillBytes(make([]byte, 32))) + doc[at+43:]
}

// vectorClaims returns the claims of an access token: those that each has, and others, or others in their place.
func vectorClaims(more ...string) string {
	c := members{
		"iss", `"` + vectorIssuer + `"`, "aud", `"` + vectorAudience + `"`, "exp", fmt.Sprint(vectorSecond + 900),
	}
	for i := 0; i+1 < len(more); i += 2 {
		c = c.with(more[i], more[i+1])
	}
	return c.String()
}
