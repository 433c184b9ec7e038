package edge_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/token"
)

// tokens makes the runs about tokens alone.
func (m *vectorMaker) tokens() {
	k := newVectorKeys()
	m.published()
	m.algorithms(k)
	m.times(k)
	m.revocations(k)
	m.claims(k)
}

// published replays the tokens that core/token has, with the reasons that are written there, a run for each algorithm.
func (m *vectorMaker) published() {
	doc, err := os.ReadFile("../token/testdata/tokens.json")
	must(err)
	var v struct {
		Now       int64
		Issuer    string
		Audiences []string
		Types     []string
		Leeway    int64
		Sets      map[string]struct{ Keys []json.RawMessage }
		Tokens    []struct{ Name, Alg, Set, Compact, Reason string }
	}
	must(json.Unmarshal(doc, &v))
	runs := map[string]*vectorRun{}
	for _, one := range v.Tokens {
		r := runs[one.Alg]
		if r == nil {
			r = m.run("tokens of "+one.Alg, "", 0)
			runs[one.Alg] = r
			var keys []string
			for _, key := range v.Sets[one.Set].Keys {
				if strings.Contains(string(key), `"`+one.Alg+`"`) {
					keys = append(keys, string(key))
				}
			}
			list := func(texts []string) string { return `["` + strings.Join(texts, `","`) + `"]` }
			r.configure("the keys", members{
				"iss", `"` + v.Issuer + `"`, "aud", list(v.Audiences), "types", list(v.Types), "leeway", fmt.Sprint(v.Leeway), "keys", `{"keys":[` + strings.Join(keys, ",") + `]}`,
			}.String(), "")
		}
		status, code := 401, "token_"+one.Reason
		switch {
		case one.Reason == "none" && strings.Contains(claimsOf(one.Compact), `"sub":`):
			status, code = 200, "allowed"
		case one.Reason == "none": // a good token about nobody
			code = "unauthenticated"
		case strings.ContainsAny(one.Compact, "\n") || one.Compact == "":
			code = "token_malformed" // the header already is
		}
		r.decide(one.Name, get("", "").bearer(one.Compact), v.Now*1000, status, code)
	}
	if len(runs) != 4 {
		m.t.Errorf("tokens of %d algorithms, want 4", len(runs))
	}
}

// algorithms has a good and a bad token of each.
func (m *vectorMaker) algorithms(k vectorKeys) {
	r := m.run("every algorithm", "${trust}", 0)
	algorithms := []string{"EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	var pens []penman
	for _, alg := range algorithms {
		pens = append(pens, newPenman(alg, "k-"+strings.ToLower(alg)))
	}
	secrets := []penman{newPenman("HS256", "k-hs256"), newPenman("HS384", "k-hs384"), newPenman("HS512", "k-hs512")}
	claims := vectorClaims("sub", `"u-ada"`, "iat", "1799999990", "jti", `"t-1"`)
	about := func(s penman) {
		ask := func(name, compact, code string) {
			status := 401
			if code == "allowed" {
				status = 200
			}
			r.decide(s.alg+": "+name, get("", "").bearer(compact), vectorNow, status, code)
		}
		good := s.token(claims)
		dot := strings.LastIndexByte(good, '.')
		head := good[:dot+1]
		signature := s.signature(good[:dot])
		ask("good", good, "allowed")
		ask("good again", good, "allowed")
		for _, at := range []int{0, len(signature) / 2, len(signature) - 1} {
			bad := slices.Clone(signature)
			bad[at] ^= 0x40
			ask(fmt.Sprintf("byte %d changed", at), head+base64url(bad), "token_signature")
		}
		ask("another payload", base64url([]byte(s.header("at+jwt")))+"."+base64url([]byte(strings.Replace(claims, "u-ada", "u-eve", 1)))+good[dot:], "token_signature")
		ask("one byte less", head+base64url(signature[:len(signature)-1]), "token_signature")
		ask("one byte more", head+base64url(append(slices.Clone(signature), 0)), "token_signature")
		ask("a zero before it", head+base64url(append([]byte{0}, signature...)), "token_signature")
		ask("nothing", head, "token_signature")
		ask("zeros", head+base64url(make([]byte, len(signature))), "token_signature")
		ask("ones", head+base64url([]byte(strings.Repeat("\xff", len(signature)))), "token_signature")
		for _, alg := range append(slices.Clone(algorithms), "HS256", "none", "None", "ES256K", "EdDSA ", "") {
			if alg != s.alg {
				ask("said to be "+alg, s.sign(fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":%q}`, alg, s.kid), claims), "token_alg_refused")
			}
		}
		ask("without the name of its key", s.sign(`{"alg":"`+s.alg+`","typ":"at+jwt"}`, claims), "allowed")
		ask("of another name", s.sign(`{"alg":"`+s.alg+`","typ":"at+jwt","kid":"k-other"}`, claims), "token_key_unknown")
	}
	r.load("a key of each", k.first.bundle(smallBundle(k).with("keys", jwks(pens...))), vectorNow, "")
	for _, s := range pens {
		about(s)
	}
	public := penman{alg: "HS256", kid: "k-es256", priv: []byte(pens[1].jwk())}
	r.decide("HS256 with a public key for a secret", get("", "").bearer(public.token(claims)), vectorNow, 401, "token_alg_refused")
	r.decide("HS256 without a name", get("", "").bearer(public.sign(`{"alg":"HS256","typ":"at+jwt"}`, claims)), vectorNow, 401, "token_alg_refused")
	m.edwards(r, pens[0], claims)

	r.configure("a secret of each", smallBundle(k).with("keys", jwks(secrets...)).String(), "")
	for _, s := range secrets {
		about(s)
	}
	r.configure("secrets among keys", smallBundle(k).with("keys", jwks(secrets[0], pens[0])).String(), "bundle_key_set_mixed")
	r.configure("a secret that is short", smallBundle(k).with("keys", `{"keys":[{"kty":"oct","alg":"HS256","k":"AAAA"}]}`).String(), "bundle_key_weak")
	r.configure("a secret that names no algorithm", smallBundle(k).with("keys", `{"keys":[{"kty":"oct","k":"`+strings.Repeat("A", 43)+`"}]}`).String(), "bundle_key_mismatch")
	r.configure("nothing", "{}", "bundle_malformed")
	r.decide("after that", get("", "").bearer(secrets[0].token(claims)), vectorNow, 200, "allowed")
}

// edwards are signatures of Ed25519 that implementations are known to disagree about (RFC 8032 §5.1.7).
func (m *vectorMaker) edwards(r *vectorRun, s penman, claims string) {
	input := strings.TrimSuffix(s.token(claims), "."+base64url(s.signature(base64url([]byte(s.header("at+jwt")))+"."+base64url([]byte(claims)))))
	signature := s.signature(input)
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	scalar := slices.Clone(signature[32:])
	slices.Reverse(scalar)
	above := new(big.Int).Add(new(big.Int).SetBytes(scalar), order).FillBytes(make([]byte, 32))
	slices.Reverse(above)
	high := slices.Clone(signature)
	high[63] |= 0xe0
	sign := slices.Clone(signature)
	sign[31] ^= 0x80
	for _, test := range []struct {
		name string
		with []byte
	}{
		{"S beyond the order", append(slices.Clone(signature[:32]), above...)},
		{"the highest bits of S", high},
		{"the other sign of R", sign},
		{"R is the neutral element", append(append([]byte{1}, make([]byte, 31)...), signature[32:]...)},
		{"R is not reduced", append([]byte("\xee"+strings.Repeat("\xff", 30)+"\x7f"), signature[32:]...)},
		{"R is no point", append(append([]byte{2}, make([]byte, 31)...), signature[32:]...)},
		{"S is zero", append(slices.Clone(signature[:32]), make([]byte, 32)...)},
		{"R and S exchanged", append(slices.Clone(signature[32:]), signature[:32]...)},
	} {
		r.decide("EdDSA: "+test.name, get("", "").bearer(input+"."+base64url(test.with)), vectorNow, 401, "token_signature")
	}
}

// times are about the boundaries of exp, nbf and iat, with a leeway and without, to the millisecond.
func (m *vectorMaker) times(k vectorKeys) {
	for _, leeway := range []int64{0, 60, 300} {
		payload := smallBundle(k).with("exp", fmt.Sprint(vectorSecond+86400))
		if payload = payload.with("leeway", fmt.Sprint(leeway)); leeway == 0 {
			payload = payload.without("leeway")
		}
		r := m.run(fmt.Sprintf("times, with a leeway of %d seconds", leeway), "${trust}", 0)
		r.load("the bundle", k.first.bundle(payload), vectorNow, "")
		compact := m.text(fmt.Sprintf("timed_%d", leeway), k.ed.token(vectorClaims(
			"sub", `"u-ada"`, "iat", "1800000300", "nbf", "1800000600", "exp", "1800001200",
		)))
		const second = 1000
		for _, test := range []struct {
			name, code string
			now        int64
		}{
			{"long before iat", "token_not_yet_valid", 1800000300*second - leeway*second - 600_000},
			{"a millisecond before nbf", "token_not_yet_valid", 1800000600*second - leeway*second - 1},
			{"at nbf", "allowed", 1800000600*second - leeway*second},
			{"between", "allowed", 1800000900 * second},
			{"a millisecond before exp", "allowed", 1800001200*second + leeway*second - 1},
			{"at exp", "token_expired", 1800001200*second + leeway*second},
			{"after exp", "token_expired", 1800001200*second + leeway*second + 1},
			{"at the end of the next day less", "token_expired", (vectorSecond+86400)*second - 1},
			{"at the end of the bundle", "bundle_expired", (vectorSecond + 86400) * second},
			{"at no time", "token_not_yet_valid", 0},
			{"before time began", "token_not_yet_valid", -1},
		} {
			status := map[string]int{"allowed": 200, "bundle_expired": 503}[test.code]
			if status == 0 {
				status = 401
			}
			r.decide(test.name, get("GET", "/x").bearer(compact), test.now, status, test.code)
		}
		late := m.text(fmt.Sprintf("late_%d", leeway), k.ed.token(vectorClaims("sub", `"u-ada"`, "iat", "1800000300", "exp", "1800001200")))
		r.decide("a millisecond before iat", get("GET", "/x").bearer(late), 1800000300*second-leeway*second-1, 401, "token_issued_in_future")
		r.decide("at iat", get("GET", "/x").bearer(late), 1800000300*second-leeway*second, 200, "allowed")
	}
}

// revocations are about marks of each kind, to the millisecond.
func (m *vectorMaker) revocations(k vectorKeys) {
	const kicked = vectorNow - 5_500 // in the second 1799999994
	r := m.run("revocations", "${trust}", 0)
	r.load("the bundle", k.first.bundle(append(smallBundle(k), marked(
		token.Mark{Kind: token.MarkToken, Value: "t-1"}, token.Mark{Kind: token.MarkToken, Value: "t-2"}, token.Mark{Kind: token.MarkSession, Value: "s-1"},
		token.Mark{Kind: token.MarkUser, Value: "u-kicked", Before: kicked}, token.Mark{Kind: token.MarkUser, Value: "u-banned", Before: 253402300799999},
	)...)), vectorNow, "")
	tests := []struct {
		name    string
		claims  []string
		revoked bool
	}{
		{"no mark", []string{"sub", `"u-1"`, "jti", `"t-9"`, "sid", `"s-9"`, "iat", "1799999990"}, false},
		{"that token", []string{"sub", `"u-1"`, "jti", `"t-1"`, "iat", "1799999990"}, true},
		{"that token, escaped", []string{"sub", `"u-1"`, "jti", `"\u0074-1"`, "iat", "1799999990"}, true},
		{"the other token", []string{"sub", `"u-1"`, "jti", `"t-2"`, "iat", "1799999990"}, true},
		{"that token's id in another case", []string{"sub", `"u-1"`, "jti", `"T-1"`, "iat", "1799999990"}, false},
		{"that token's id for a session", []string{"sub", `"t-1"`, "sid", `"t-1"`, "jti", `"s-1"`, "iat", "1799999990"}, false},
		{"that session", []string{"sub", `"u-1"`, "sid", `"s-1"`, "iat", "1799999999"}, true},
		{"no token's id", []string{"sub", `"u-1"`, "jti", `""`, "sid", `""`, "iat", "1799999990"}, false},
		{"that user, before", []string{"sub", `"u-kicked"`, "iat", "1799999993"}, true},
		{"that user, in that second", []string{"sub", `"u-kicked"`, "iat", "1799999994"}, true},
		{"that user, a millisecond before", []string{"sub", `"u-kicked"`, "iat", "1799999994", "iat_ms", "1799999994499"}, true},
		{"that user, in that millisecond", []string{"sub", `"u-kicked"`, "iat", "1799999994", "iat_ms", "1799999994500"}, true},
		{"that user, a millisecond after", []string{"sub", `"u-kicked"`, "iat", "1799999994", "iat_ms", "1799999994501"}, false},
		{"that user, after by a millisecond of another second", []string{"sub", `"u-kicked"`, "iat", "1799999994", "iat_ms", "1799999995501"}, true},
		{"that user, in the next second", []string{"sub", `"u-kicked"`, "iat", "1799999995"}, false},
		{"that user, in the next second, by a millisecond before", []string{"sub", `"u-kicked"`, "iat", "1799999995", "iat_ms", "1799999994000"}, false},
		{"another user, before", []string{"sub", `"u-kickee"`, "iat", "1799999990"}, false},
		{"that user for a client", []string{"sub", `"u-1"`, "client_id", `"u-kicked"`, "iat", "1799999990"}, false},
		{"who is banned for good", []string{"sub", `"u-banned"`, "iat", "1800000060"}, true},
	}
	ask := func(prefix string, revoked func(i int) bool) {
		for i, test := range tests {
			status, code := 200, "allowed"
			if revoked(i) {
				status, code = 401, "token_revoked"
			}
			r.decide(prefix+test.name, get("GET", "/x").bearer(k.ed.token(vectorClaims(test.claims...))), vectorNow, status, code)
		}
	}
	ask("", func(i int) bool { return tests[i].revoked })
	r.load("all before that millisecond", k.first.bundle(delta(1001, 1000, marked(token.Mark{Kind: token.MarkAll, Before: kicked})...)), vectorNow, "")
	after := []string{"that user, a millisecond after", "that user, in the next second", "that user, in the next second, by a millisecond before"}
	ask("all: ", func(i int) bool { return !slices.Contains(after, tests[i].name) })
	r.load("no marks any more", k.first.bundle(smallBundle(k).numbered(1002)), vectorNow, "")
	ask("none: ", func(int) bool { return false })
}

// claims are about what a verdict says of a token: to the letter what was signed.
func (m *vectorMaker) claims(k vectorKeys) {
	r := m.run("what a verdict says", "${trust}", 0)
	r.load("the bundle", k.first.bundle(smallBundle(k)), vectorNow, "")
	base := []string{"sub", `"u-ada"`, "iat", "1799999990"}
	for _, test := range []struct {
		name    string
		claims  []string
		subject string
		user    string
	}{
		{"a name with quotes", append(base, "username", `"\"ada\\\/"`), "u-ada", `"ada\/`},
		{"a name in other letters", append(base, "username", `"Ада 爱达 عدا"`), "u-ada", "Ада 爱达 عدا"},
		{"a name beyond the first plane", append(base, "username", `"😀\ud83d\ude00"`), "u-ada", "😀😀"},
		{"a name with what ends lines", append(base, "username", `"a\n\r\t\u2028\u2029\u0085b"`), "u-ada", "a\n\r\t\u2028\u2029\u0085b"},
		{"a name with what ends HTML", append(base, "username", `"</script><!--&"`), "u-ada", "</script><!--&"},
		{"a name with a NUL", append(base, "username", `"a\u0000b"`), "u-ada", "a\x00b"},
		{"a name with what is deleted", append(base, "username", `"a\u007f\u001fb"`), "u-ada", "a\x7f\x1fb"},
		{"a name that is turned round", append(base, "username", `"\u202eada"`), "u-ada", "\u202eada"},
		{"a name that is no text", append(base, "username", `"\ufeff\uffff\ufffe"`), "u-ada", "\ufeff\uffff\ufffe"},
		{"prototypes", append(base, "__proto__", `{"admin":true}`, "constructor", `{"prototype":1}`, "toString", `1`), "u-ada", ""},
		{"numbers", append(base, "n", `[1e400,-0,0.1,12345678901234567890123,1E-7]`), "u-ada", ""},
		{"depth", append(base, "d", strings.Repeat("[", 14)+strings.Repeat("]", 14)), "u-ada", ""},
		{"spaces", append(base, "s", " \t\r\n [ 1 ,\n2 ] "), "u-ada", ""},
		{"names that are escaped", append(base, `user\u006eame`, `"ada"`), "u-ada", ""},
		{"an empty name", append(base, "", "1"), "u-ada", ""},
		{"permissions", append(base, "permissions", `["b","a","a","","x y","\u0061"]`), "u-ada", ""},
		{"a subject with spaces", []string{"sub", `" u ada "`, "iat", "1799999990"}, " u ada ", ""},
	} {
		payload := vectorClaims(test.claims...)
		if strings.Contains(test.name, "escaped") {
			payload = strings.Replace(payload, `user\\u006eame`, `user\u006eame`, 1)
			test.user = "ada"
		}
		v := r.decide(test.name, get("GET", "/x").bearer(k.ed.token(payload)), vectorNow, 200, "allowed")
		if v.Principal.Subject != test.subject || v.Principal.Name != test.user || v.Claims.Raw() != payload {
			m.t.Errorf("%s: %+v", test.name, v.Principal)
		}
	}
}

// claimsOf returns the payload of a compact JWS, as far as there is one.
func claimsOf(compact string) string {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return ""
	}
	doc, err := decodeBase64url(parts[1])
	if err != nil {
		return ""
	}
	return string(doc)
}
