package token_test

import (
	"strings"

	"github.com/hexward/hexward/core/token"
)

// tokenCase is a token as a header and a payload, in which ALG, KID and the times T±n stand for what fits the case.
type tokenCase struct {
	name, header, payload string
	want                  error
}

const (
	goodHeader  = `{"alg":"ALG","typ":"at+jwt","kid":"KID"}`
	goodPayload = `{"iss":"https://id.example","aud":"https://api.example","exp":1800000100}`
)

// withClaims returns the smallest good payload with more members.
func withClaims(members string) string {
	return strings.TrimSuffix(goodPayload, "}") + "," + members + "}"
}

func withHeader(members string) string {
	return strings.TrimSuffix(goodHeader, "}") + "," + members + "}"
}

func claimsWith(exp string) string {
	return `{"iss":"https://id.example","aud":"https://api.example","exp":` + exp + `}`
}

func audienceOf(aud string) string {
	return `{"iss":"https://id.example","aud":` + aud + `,"exp":1800000100}`
}

func issuedBy(iss string) string {
	return `{"iss":` + iss + `,"aud":"https://api.example","exp":1800000100}`
}

// tokenCases are judged with an issuer, an audience, the type at+jwt, the leeway of 60 seconds and one key.
var tokenCases = []tokenCase{
	{"good", goodHeader, goodPayload, nil},
	{"typical", goodHeader, payload, nil},
	{"space in both", " {\t\"alg\" : \"ALG\",\"typ\":\"at+jwt\" , \"kid\":\"KID\"}\n", " " + goodPayload + "\r\n", nil},
	{"other header members", withHeader(`"cty":"x","x5t":"y","x5t#S256":"z","own":[{"alg":"none"}]`), goodPayload, nil},
	{"type in full", strings.Replace(goodHeader, "at+jwt", "application/at+jwt", 1), goodPayload, nil},
	{"type in another case", strings.Replace(goodHeader, "at+jwt", "Application/AT+JWT", 1), goodPayload, nil},
	{"no kid", `{"alg":"ALG","typ":"at+jwt"}`, goodPayload, nil},
	{"escaped header", `{"\u0061lg":"ALG","t\u0079p":"at\u002bjwt","\u006bid":"KID"}`, goodPayload, nil},
	{"escaped claims", goodHeader, `{"\u0069ss":"https:\/\/id\u002eexample","aud":["\u0068ttps://api.example"],"e\u0078p":1800000100}`, nil},

	{"empty header", ``, goodPayload, token.ErrMalformed},
	{"header array", `[]`, goodPayload, token.ErrMalformed},
	{"header string", `"{}"`, goodPayload, token.ErrMalformed},
	{"header null", `null`, goodPayload, token.ErrMalformed},
	{"header cut", `{"alg":"ALG"`, goodPayload, token.ErrMalformed},
	{"header twice", goodHeader + goodHeader, goodPayload, token.ErrMalformed},
	{"header not UTF-8", withHeader("\"x\":\"\xff\""), goodPayload, token.ErrMalformed},
	{"header with a lone surrogate", withHeader(`"x":"\ud800"`), goodPayload, token.ErrMalformed},
	{"header too deep", withHeader(`"x":` + nested(16)), goodPayload, token.ErrMalformed},
	{"alg twice", withHeader(`"alg":"ALG"`), goodPayload, token.ErrMalformed},
	{"alg twice, once escaped", withHeader(`"\u0061lg":"none"`), goodPayload, token.ErrMalformed},
	{"other member twice", withHeader(`"x":1,"x":1`), goodPayload, token.ErrMalformed},
	{"member twice further in", withHeader(`"x":{"a":1,"a":1}`), goodPayload, token.ErrMalformed},
	{"alg is a number", `{"alg":256,"typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrMalformed},
	{"alg is null", `{"alg":null,"typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrMalformed},
	{"alg is a list", `{"alg":["ALG"],"typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrMalformed},
	{"typ is a number", `{"alg":"ALG","typ":1,"kid":"KID"}`, goodPayload, token.ErrMalformed},
	{"typ is null", `{"alg":"ALG","typ":null,"kid":"KID"}`, goodPayload, token.ErrMalformed},
	{"kid is a number", `{"alg":"ALG","typ":"at+jwt","kid":1}`, goodPayload, token.ErrMalformed},
	{"kid is an object", `{"alg":"ALG","typ":"at+jwt","kid":{"KID":1}}`, goodPayload, token.ErrMalformed},
	{"kid is empty", `{"alg":"ALG","typ":"at+jwt","kid":""}`, goodPayload, token.ErrMalformed},
	{"kid of 257 bytes", `{"alg":"ALG","typ":"at+jwt","kid":"` + strings.Repeat("k", 257) + `"}`, goodPayload, token.ErrMalformed},

	{"crit", withHeader(`"crit":["exp"]`), goodPayload, token.ErrCrit},
	{"crit empty", withHeader(`"crit":[]`), goodPayload, token.ErrCrit},
	{"crit null", withHeader(`"crit":null`), goodPayload, token.ErrCrit},
	{"crit escaped", withHeader(`"cr\u0069t":["b64"]`), goodPayload, token.ErrCrit},
	{"b64 false", withHeader(`"b64":false`), goodPayload, token.ErrHeader},
	{"b64 true", withHeader(`"b64":true`), goodPayload, token.ErrHeader},
	{"zip", withHeader(`"zip":"DEF"`), goodPayload, token.ErrHeader},
	{"jwk", withHeader(`"jwk":{` + okpMembers + `}`), goodPayload, token.ErrHeader},
	{"jku", withHeader(`"jku":"https://evil.example/jwks.json"`), goodPayload, token.ErrHeader},
	{"x5u", withHeader(`"x5u":"https://evil.example/cert.pem"`), goodPayload, token.ErrHeader},
	{"x5c", withHeader(`"x5c":["MIIB"]`), goodPayload, token.ErrHeader},
	{"jku escaped", withHeader(`"\u006aku":"https://evil.example"`), goodPayload, token.ErrHeader},
	{"Alg beside alg", withHeader(`"Alg":"none"`), goodPayload, token.ErrHeader},
	{"Alg alone", `{"Alg":"ALG","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrHeader},
	{"Crit", withHeader(`"Crit":["exp"]`), goodPayload, token.ErrHeader},
	{"JKU", withHeader(`"JKU":"https://evil.example"`), goodPayload, token.ErrHeader},
	{"kid with the Kelvin sign", withHeader(`"` + "\u212a" + `id":"other"`), goodPayload, token.ErrHeader},
	{"kid with the Kelvin sign escaped", withHeader(`"\u212aid":"other"`), goodPayload, token.ErrHeader},

	{"no alg", `{"typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},
	{"alg none", `{"alg":"none","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},
	{"alg None", `{"alg":"None","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},
	{"alg NONE", `{"alg":"NONE","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},
	{"alg none without kid", `{"alg":"none","typ":"at+jwt"}`, goodPayload, token.ErrAlgorithm},
	{"alg empty", `{"alg":"","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},
	{"alg not configured", `{"alg":"PS384","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},
	{"alg with a space", `{"alg":"ALG ","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},
	{"alg with a NUL", `{"alg":"ALG\u0000","typ":"at+jwt","kid":"KID"}`, goodPayload, token.ErrAlgorithm},

	{"no typ", `{"alg":"ALG","kid":"KID"}`, goodPayload, token.ErrType},
	{"typ empty", `{"alg":"ALG","typ":"","kid":"KID"}`, goodPayload, token.ErrType},
	{"typ JWT", `{"alg":"ALG","typ":"JWT","kid":"KID"}`, goodPayload, token.ErrType},
	{"typ of another tree", `{"alg":"ALG","typ":"text/at+jwt","kid":"KID"}`, goodPayload, token.ErrType},
	{"typ with two slashes", `{"alg":"ALG","typ":"application/at+jwt/x","kid":"KID"}`, goodPayload, token.ErrType},
	{"typ with a parameter", `{"alg":"ALG","typ":"at+jwt;x=y","kid":"KID"}`, goodPayload, token.ErrType},
	{"typ prefix alone", `{"alg":"ALG","typ":"application/","kid":"KID"}`, goodPayload, token.ErrType},

	{"kid of nobody", `{"alg":"ALG","typ":"at+jwt","kid":"other"}`, goodPayload, token.ErrKeyUnknown},
	{"kid in another case", `{"alg":"ALG","typ":"at+jwt","kid":"Kid:KID"}`, goodPayload, token.ErrKeyUnknown},
	{"kid with an injection", `{"alg":"ALG","typ":"at+jwt","kid":"../../KID' OR '1'='1"}`, goodPayload, token.ErrKeyUnknown},

	{"empty payload", goodHeader, ``, token.ErrClaims},
	{"payload array", goodHeader, `[]`, token.ErrClaims},
	{"payload string", goodHeader, `"x"`, token.ErrClaims},
	{"payload null", goodHeader, `null`, token.ErrClaims},
	{"payload is a token", goodHeader, `eyJhbGciOiJub25lIn0.e30.`, token.ErrClaims},
	{"payload twice", goodHeader, goodPayload + goodPayload, token.ErrClaims},
	{"payload not UTF-8", goodHeader, withClaims("\"sub\":\"\xc3\x28\""), token.ErrClaims},
	{"lone surrogate", goodHeader, withClaims(`"sub":"\udc00"`), token.ErrClaims},
	{"exp twice", goodHeader, withClaims(`"exp":1900000000`), token.ErrClaims},
	{"exp twice, once escaped", goodHeader, withClaims(`"\u0065xp":1900000000`), token.ErrClaims},
	{"other claim twice", goodHeader, withClaims(`"x":1,"x":2`), token.ErrClaims},
	{"claim twice further in", goodHeader, withClaims(`"x":[{"a":1,"a":2}]`), token.ErrClaims},
	{"too deep", goodHeader, withClaims(`"x":` + nested(16)), token.ErrClaims},
	{"257 claims", goodHeader, withClaims(strings.Trim(manyMembers(254), "{}")), token.ErrClaims},
	{"256 claims", goodHeader, withClaims(strings.Trim(manyMembers(253), "{}")), nil},
	{"EXP beside exp", goodHeader, withClaims(`"EXP":1`), token.ErrClaims},
	{"Sub", goodHeader, withClaims(`"Sub":"admin"`), token.ErrClaims},
	{"iss with a long s", goodHeader, withClaims(`"i` + "\u017f" + `s":"x"`), token.ErrClaims},
	{"iss with an escaped long s", goodHeader, withClaims(`"i\u017f\u017f":"x"`), token.ErrClaims},
	{"Permissions", goodHeader, withClaims(`"Permissions":["admin"]`), token.ErrClaims},
	{"another claim in capitals", goodHeader, withClaims(`"X":1,"EXPIRES":2,"Iß":3`), nil},

	{"sub is a number", goodHeader, withClaims(`"sub":1`), token.ErrClaims},
	{"sub is null", goodHeader, withClaims(`"sub":null`), token.ErrClaims},
	{"sub is a list", goodHeader, withClaims(`"sub":["a"]`), token.ErrClaims},
	{"jti is an object", goodHeader, withClaims(`"jti":{}`), token.ErrClaims},
	{"sid is true", goodHeader, withClaims(`"sid":true`), token.ErrClaims},
	{"tenant is a list", goodHeader, withClaims(`"tenant":["a","b"]`), token.ErrClaims},
	{"scope is a list", goodHeader, withClaims(`"scope":["a"]`), token.ErrClaims},
	{"permissions is a string", goodHeader, withClaims(`"permissions":"admin"`), token.ErrClaims},
	{"permissions is null", goodHeader, withClaims(`"permissions":null`), token.ErrClaims},
	{"permissions with a number", goodHeader, withClaims(`"permissions":["a",1]`), token.ErrClaims},
	{"permissions in a list", goodHeader, withClaims(`"permissions":[["admin"]]`), token.ErrClaims},
	{"permissions empty", goodHeader, withClaims(`"permissions":[]`), nil},
	{"nbf is a string", goodHeader, withClaims(`"nbf":"1"`), token.ErrClaims},
	{"nbf is null", goodHeader, withClaims(`"nbf":null`), token.ErrClaims},
	{"nbf is negative", goodHeader, withClaims(`"nbf":-1`), token.ErrClaims},
	{"nbf is negative zero", goodHeader, withClaims(`"nbf":-0`), token.ErrClaims},
	{"nbf is zero", goodHeader, withClaims(`"nbf":0`), nil},
	{"iat is half a second", goodHeader, withClaims(`"iat":1799999999.5`), token.ErrClaims},
	{"auth_time is a list", goodHeader, withClaims(`"auth_time":[1]`), token.ErrClaims},
	{"auth_time after the year 9999", goodHeader, withClaims(`"auth_time":253402300800`), token.ErrClaims},
	{"auth_time in the year 9999", goodHeader, withClaims(`"auth_time":253402300799`), nil},
	{"iat_ms after the year 9999", goodHeader, withClaims(`"iat_ms":253402300800000`), token.ErrClaims},
	{"iat_ms is a string", goodHeader, withClaims(`"iat_ms":"1"`), token.ErrClaims},

	{"no exp", goodHeader, `{"iss":"https://id.example","aud":"https://api.example"}`, token.ErrClaimMissing},
	{"exp null", goodHeader, claimsWith(`null`), token.ErrClaims},
	{"exp a string", goodHeader, claimsWith(`"1800000100"`), token.ErrClaims},
	{"exp true", goodHeader, claimsWith(`true`), token.ErrClaims},
	{"exp zero", goodHeader, claimsWith(`0`), token.ErrClaimMissing},
	{"exp huge", goodHeader, claimsWith(`1e300`), token.ErrClaims},
	{"exp beyond float64", goodHeader, claimsWith(`1e999`), token.ErrClaims},
	{"exp beyond int64", goodHeader, claimsWith(`18446744073709551616`), token.ErrClaims},
	{"exp wrapping to the future", goodHeader, claimsWith(`18446744075509551716`), token.ErrClaims},
	{"exp after the year 9999", goodHeader, claimsWith(`253402300800`), token.ErrClaims},
	{"exp in the year 9999", goodHeader, claimsWith(`253402300799`), nil},
	{"exp with an exponent", goodHeader, claimsWith(`1.8000001e9`), nil},
	{"exp with zeros", goodHeader, claimsWith(`1800000100.000`), nil},
	{"exp one second left, with leeway", goodHeader, claimsWith(`1799999941`), nil},
	{"exp just passed, with leeway", goodHeader, claimsWith(`1799999940`), token.ErrExpired},
	{"exp long ago", goodHeader, claimsWith(`1`), token.ErrExpired},
	{"nbf just there, with leeway", goodHeader, withClaims(`"nbf":1800000060`), nil},
	{"nbf just not there, with leeway", goodHeader, withClaims(`"nbf":1800000061`), token.ErrNotYetValid},
	{"iat just there, with leeway", goodHeader, withClaims(`"iat":1800000060`), nil},
	{"iat just not there, with leeway", goodHeader, withClaims(`"iat":1800000061`), token.ErrIssuedInFuture},
	{"iat after exp", goodHeader, `{"iss":"https://id.example","aud":"https://api.example","exp":1799999990,"iat":1799999999}`, nil},

	{"no iss", goodHeader, `{"aud":"https://api.example","exp":1800000100}`, token.ErrIssuer},
	{"iss empty", goodHeader, issuedBy(`""`), token.ErrIssuer},
	{"iss with a slash more", goodHeader, issuedBy(`"https://id.example/"`), token.ErrIssuer},
	{"iss in another case", goodHeader, issuedBy(`"https://ID.example"`), token.ErrIssuer},
	{"iss with a NUL", goodHeader, issuedBy(`"https://id.example\u0000"`), token.ErrIssuer},
	{"iss a list", goodHeader, issuedBy(`["https://id.example"]`), token.ErrClaims},

	{"no aud", goodHeader, `{"iss":"https://id.example","exp":1800000100}`, token.ErrAudience},
	{"aud empty", goodHeader, audienceOf(`""`), token.ErrAudience},
	{"aud empty list", goodHeader, audienceOf(`[]`), token.ErrAudience},
	{"aud of others", goodHeader, audienceOf(`["a","b"]`), token.ErrAudience},
	{"aud prefix", goodHeader, audienceOf(`"https://api.example.evil"`), token.ErrAudience},
	{"aud among others", goodHeader, audienceOf(`["a","https://api.example"]`), nil},
	{"aud null", goodHeader, audienceOf(`null`), token.ErrClaims},
	{"aud number", goodHeader, audienceOf(`1`), token.ErrClaims},
	{"aud object", goodHeader, audienceOf(`{"https://api.example":1}`), token.ErrClaims},
	{"aud with a number", goodHeader, audienceOf(`["https://api.example",1]`), token.ErrClaims},
	{"aud in a list", goodHeader, audienceOf(`[["https://api.example"]]`), token.ErrClaims},

	// The first of several faults is told.
	{"expired and of another issuer", goodHeader, `{"iss":"x","aud":"y","exp":1}`, token.ErrIssuer},
	{"expired and for another audience", goodHeader, `{"iss":"https://id.example","aud":"y","exp":1}`, token.ErrAudience},
}
