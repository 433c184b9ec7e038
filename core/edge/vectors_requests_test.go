package edge_test

import (
	"strings"

	"github.com/hexward/hexward/core/token"
)

// The names of the cookies.
const (
	sessionCookie = "__Host-hexward_session"
	accessCookie  = "__Host-hexward_access"
	refreshCookie = "__Secure-hexward_refresh"
)

// fullBundle is a payload with a rule of each sort.
func fullBundle(k vectorKeys) members {
	return smallBundle(k).
		with("keys", jwks(k.ed, k.ec, k.rs)).
		with("site", `{"origin":"https://id.example","origins":["https://app.example","https://app.example:8443"],"session":"`+sessionCookie+
			`","access":"`+accessCookie+`","refresh":"`+refreshCookie+`"}`).
		with("policy", `[{"path":"/public/**","access":"public"},`+
			`{"path":"/session/**","access":"session"},`+
			`{"path":"/any/**","access":"session_or_token"},`+
			`{"path":"/token/**","access":"token"},`+
			`{"path":"/people/**","access":"session_or_token","only":"user"},`+
			`{"path":"/machines/**","access":"token","only":"machine"},`+
			`{"path":"/orders/**","methods":["GET"],"access":"session_or_token","permissions":["orders:read"]},`+
			`{"path":"/orders/**","methods":["POST"],"access":"session_or_token","permissions":["orders:read","orders:write"]},`+
			`{"path":"/orders/**","access":"session","only":"user","permissions":["admin"]},`+
			`{"path":"/files/*/raw","access":"token"},`+
			`{"path":"/café/**","access":"token"},`+
			`{"path":"/","access":"token"}]`)
}

// people returns the texts of tokens that are good by fullBundle, by name.
func (m *vectorMaker) people(k vectorKeys) {
	issued := []string{"iat", "1799999990", "iat_ms", "1799999990250"}
	claims := func(more ...string) string { return vectorClaims(append(issued, more...)...) }
	ada := []string{"sub", `"u-ada"`, "jti", `"t-ada"`, "sid", `"s-ada"`, "username", `"ada"`, "tenant", `"acme"`, "client_id", `"web"`}
	m.text("user", k.ed.token(claims(append(ada, "permissions", `["orders:read"]`)...)))
	m.text("writer", k.ec.token(claims(append(ada, "permissions", `["orders:read","orders:write"]`)...)))
	m.text("machine", k.rs.token(claims("sub", `"c-robot"`, "client_id", `"c-robot"`, "jti", `"t-robot"`, "tenant", `"acme"`)))
	m.text("robot", k.ed.token(claims("sub", `"c-robot"`, "client_id", `"c-robot"`, "jti", `"t-robot"`, "permissions", `["orders:read","orders:write"]`)))
	m.text("vouched", k.ed.token(claims(append(ada, "azp", `"vouched"`, "permissions", `["orders:read"]`)...)))
	m.text("sessionless", k.ed.token(claims("sub", `"u-ada"`, "jti", `"t-2"`, "username", `"ada"`)))
	m.text("expired", k.ed.token(claims(append(ada, "exp", "1799999940")...)))
	m.text("revoked", k.ed.token(claims("sub", `"u-bob"`, "jti", `"t-gone"`, "sid", `"s-bob"`)))
	m.text("early", k.ed.token(claims(append(ada, "nbf", "1800000061")...)))
	m.text("nobody", k.ed.token(claims()))
	m.text("foreign", newPenman("EdDSA", "other").token(claims("iss", `"https://other.example"`, "sub", `"x"`)))
	good, other := m.file.Texts["user"], m.file.Texts["sessionless"]
	m.text("forged", good[:strings.LastIndexByte(good, '.')]+other[strings.LastIndexByte(other, '.'):])
	m.text("unsigned", good[:strings.LastIndexByte(good, '.')+1])
}

// grid makes the run of every credential at a route of every sort. What is expected was written down by the rules of access.Rule, not
// taken from what came out: ok for let through, and for refusals the codes' initials.
func (m *vectorMaker) grid() {
	k := newVectorKeys()
	m.people(k)
	r := m.run("every credential at every route", "${trust}", 0)
	r.load("the bundle", k.first.bundle(append(fullBundle(k), marked(token.Mark{Kind: token.MarkToken, Value: "t-gone"})...)), vectorNow, "")
	codes := map[string]struct {
		status int
		code   string
	}{
		"ok": {200, "allowed"}, "ua": {401, "unauthenticated"}, "sr": {403, "session_required"}, "tr": {403, "token_required"},
		"ur": {403, "user_required"}, "mr": {403, "machine_required"}, "fb": {403, "forbidden"},
		"exp": {401, "token_expired"}, "bad": {401, "token_malformed"}, "rev": {401, "token_revoked"}, "nyv": {401, "token_not_yet_valid"},
		"sig": {401, "token_signature"}, "mis": {401, "token_claim_missing"}, "key": {401, "token_key_unknown"}, "iss": {401, "token_issuer"},
		"two": {401, "cookie_twice"}, "opq": {401, "session_opaque"}, "les": {401, "token_sessionless"}, "xor": {403, "cross_origin"},
	}
	// The routes, by columns: the request, and the index of the rule.
	routes := []struct {
		method, path string
		rule         int
	}{
		{"GET", "/public/x", 0},
		{"GET", "/session/x", 1},
		{"GET", "/any/x", 2},
		{"GET", "/token/x", 3},
		{"GET", "/people/x", 4},
		{"GET", "/machines/x", 5},
		{"GET", "/orders/7", 6},
		{"POST", "/orders/7", 7},
		{"DELETE", "/orders/7", 8},
		{"GET", "/elsewhere", -1},
		{"", "", -1},
	}
	bearer := func(text string) asked { return asked{}.bearer(text) }
	cookie := func(text string) asked { return asked{}.cookie(accessCookie + "=" + text) }
	all := func(code string) string { return "ok" + strings.Repeat(" "+code, len(routes)-1) }
	rows := []struct {
		name, subject string // of whom it is known to be, on a public route too
		shown         asked
		want          string
	}{
		//                                           public session any token people machines read write admin default alone
		{"nothing", "", asked{}, all("ua")},
		{"a user's token", "u-ada", bearer("${user}"), "ok sr ok ok ok mr ok fb sr sr ok"},
		{"a writer's token", "u-ada", bearer("${writer}"), "ok sr ok ok ok mr ok ok sr sr ok"},
		{"a machine's token", "c-robot", bearer("${machine}"), "ok sr ok ok ur ok fb fb sr sr ok"},
		{"a writing machine's token", "c-robot", bearer("${robot}"), "ok sr ok ok ur ok ok ok sr sr ok"},
		{"a vouched token", "u-ada", bearer("${vouched}"), "ok sr ok ok ok mr ok fb sr sr ok"},
		{"a user's token without a session", "u-ada", bearer("${sessionless}"), "ok sr ok ok ok mr fb fb sr sr ok"},
		{"a user's access cookie", "u-ada", cookie("${user}"), "ok ok ok tr ok tr ok fb fb ok ok"},
		{"a writer's access cookie", "u-ada", cookie("${writer}"), "ok ok ok tr ok tr ok ok fb ok ok"},
		{"access and session cookies", "u-ada", asked{}.cookie(sessionCookie + "=abc; " + accessCookie + "=${user}"), "ok ok ok tr ok tr ok fb fb ok ok"},
		{"a session cookie", "", asked{}.cookie(sessionCookie + "=abc"), all("opq")},
		{"a refresh cookie", "", asked{}.cookie(refreshCookie + "=abc"), all("ua")},
		{"an access cookie twice", "", cookie("${user}; " + accessCookie + "=${user}"), all("two")},
		{"a machine's token in the cookie", "", cookie("${robot}"), all("les")},
		{"a vouched token in the cookie", "", cookie("${vouched}"), all("les")},
		{"a token without a session in the cookie", "", cookie("${sessionless}"), all("les")},
		{"an expired token", "", bearer("${expired}"), all("exp")},
		{"an expired access cookie", "", cookie("${expired}"), all("exp")},
		{"a revoked token", "", bearer("${revoked}"), all("rev")},
		{"a revoked access cookie", "", cookie("${revoked}"), all("rev")},
		{"a token whose time has not come", "", bearer("${early}"), all("nyv")},
		{"a forged token", "", bearer("${forged}"), all("sig")},
		{"a token without its signature", "", bearer("${unsigned}"), all("sig")},
		{"nobody's token", "", bearer("${nobody}"), all("mis")},
		{"another issuer's token", "", bearer("${foreign}"), all("key")},
		{"garbage", "", bearer("garbage"), all("bad")},
		{"an empty header", "", asked{}.with(inAuthorization, ""), all("bad")},
		{"a bad header beside a good cookie", "", bearer("garbage").cookie(accessCookie + "=${user}"), all("bad")},
		{"a good header beside a bad cookie", "u-ada", bearer("${user}").cookie(accessCookie + "=x; " + accessCookie + "=x"), "ok sr ok ok ok mr ok fb sr sr ok"},
	}
	for _, row := range rows {
		want := strings.Fields(row.want)
		for i, route := range routes {
			a := row.shown
			if route.method != "" {
				a[inMethod], a[inPath] = &route.method, &route.path
			}
			name := row.name + ", " + route.method + " " + route.path
			w := codes[want[i]]
			v := r.decide(name, a, vectorNow, w.status, w.code)
			subject := ""
			if w.status == 200 {
				subject = row.subject
			}
			if v.Principal.Subject != subject || v.Rule != route.rule || (v.Claims.Subject != subject) {
				m.t.Errorf("%s: is about %q by rule %d, want %q by rule %d: %+v", name, v.Principal.Subject, v.Rule, subject, route.rule, v)
			}
		}
	}
}

// requests makes the runs about the forms of requests.
func (m *vectorMaker) requests() {
	k := newVectorKeys()
	r := m.run("headers", "${trust}", 0)
	r.load("the bundle", k.first.bundle(fullBundle(k)), vectorNow, "")
	m.headers(r, k)
	m.cookies(r)
	m.origins(r)

	r = m.run("paths", "${trust}", 0)
	r.load("the bundle", k.first.bundle(fullBundle(k)), vectorNow, "")
	m.paths(r)

	r = m.run("the form of the interface", "${trust}", 0)
	r.load("the bundle", k.first.bundle(fullBundle(k)), vectorNow, "")
	for _, test := range []struct{ name, text string }{
		{"nothing", ""},
		{"five fields", "=GET\x00=/\x00\x00\x00"},
		{"seven fields", "=GET\x00=/\x00\x00\x00\x00\x00"},
		{"ten fields", strings.Repeat("\x00", 9)},
		{"a field without its sign", "GET\x00=/\x00\x00\x00\x00"},
		{"a path without a method", "\x00=/\x00\x00\x00\x00"},
		{"a method without a path", "=GET\x00\x00\x00\x00\x00"},
		{"an empty method", "=\x00=/\x00\x00\x00\x00"},
		{"a NUL in the path", "=GET\x00=/\x00/x\x00\x00\x00\x00"},
		{"a NUL in the token", "=GET\x00=/\x00=Bearer a\x00b\x00\x00\x00"},
		{"bytes", "\xff\xfe\xfd"},
		{"a line", "GET / HTTP/1.1\r\n\r\n"},
		{"many NULs", strings.Repeat("\x00", 70_000)},
		{"many letters", strings.Repeat("A", 1<<20)},
	} {
		r.input(test.name, test.text)
	}
	r.decide("after that", get("GET", "/any/x").bearer("${user}"), vectorNow, 200, "allowed")
}

// headers are the forms of Authorization (RFC 6750 §2.1).
func (m *vectorMaker) headers(r *vectorRun, k vectorKeys) {
	long := func(size int) string { // a token of this many bytes
		for spaces := 0; spaces < 4; spaces++ { // not every length is one of base64url
			for pad := size/2 + size/5; pad < size*3/4; pad++ {
				text := k.ed.sign(k.ed.header("at+jwt")+strings.Repeat(" ", spaces), vectorClaims(
					"sub", `"u-ada"`, "iat", "1799999990", "pad", `"`+strings.Repeat("a", pad)+`"`,
				))
				if len(text) == size {
					return text
				}
			}
		}
		m.t.Fatalf("no token has %d bytes", size)
		return ""
	}
	m.text("of_8192", long(8192))
	m.text("of_8193", long(8193))
	for _, test := range []struct{ name, value, code string }{
		{"as it is", "Bearer ${user}", "allowed"},
		{"lower case", "bearer ${user}", "allowed"},
		{"upper case", "BEARER ${user}", "allowed"},
		{"two spaces", "Bearer  ${user}", "allowed"},
		{"spaces after it", "Bearer ${user}  ", "allowed"},
		{"no space", "Bearer${user}", "token_malformed"},
		{"a tab", "Bearer\t${user}", "token_malformed"},
		{"a space before it", " Bearer ${user}", "token_malformed"},
		{"a tab after it", "Bearer ${user}\t", "token_malformed"},
		{"no scheme", "${user}", "token_malformed"},
		{"the scheme only", "Bearer", "token_malformed"},
		{"the scheme and a space", "Bearer ", "token_malformed"},
		{"the scheme and spaces", "Bearer    ", "token_malformed"},
		{"twice, as one line", "Bearer ${user}, Bearer ${user}", "token_malformed"},
		{"another scheme before it", "Basic YTpi, Bearer ${user}", "token_malformed"},
		{"Basic", "Basic YTpi", "token_malformed"},
		{"DPoP", "DPoP ${user}", "token_malformed"},
		{"a colon", "Bearer: ${user}", "token_malformed"},
		{"quotes", `Bearer "${user}"`, "token_malformed"},
		{"a semicolon", "Bearer ${user};", "token_malformed"},
		{"a comma", "Bearer ${user},", "token_malformed"},
		{"a line end", "Bearer ${user}\n", "token_malformed"},
		{"percent", "Bearer %20${user}", "token_malformed"},
		{"letters that look alike", "Bеarer ${user}", "token_malformed"},
		{"a Kelvin sign", "Bearer ${user}\u212a", "token_malformed"},
		{"padding", "Bearer ${user}=", "token_malformed"},
		{"the longest", "Bearer ${of_8192}", "allowed"},
		{"too long", "Bearer ${of_8193}", "token_too_long"},
		{"far too long", "Bearer " + strings.Repeat("a", 16_385), "token_too_long"},
		{"an at sign in capitals", "BEARE\x12 ${user}", "token_malformed"},
	} {
		status := 401
		if test.code == "allowed" {
			status = 200
		}
		r.decide("authorization: "+test.name, get("GET", "/any/x").with(inAuthorization, test.value), vectorNow, status, test.code)
	}
}

// cookies are the forms of Cookie (RFC 6265 §4.2.1).
func (m *vectorMaker) cookies(r *vectorRun) {
	const good = accessCookie + "=${user}"
	for _, test := range []struct{ name, value, code string }{
		{"as it is", good, "allowed"},
		{"among others", "a=b; " + good + "; c=d", "allowed"},
		{"no space between", "a=b;" + good + ";c=d", "allowed"},
		{"spaces and tabs", " \ta=b ;\t " + accessCookie + " =\t${user} \t; c", "allowed"},
		{"a semicolon before it", ";;; " + good, "allowed"},
		{"a semicolon after it", good + ";;;", "allowed"},
		{"beside a refresh cookie", good + "; " + refreshCookie + "=r", "allowed"},
		{"beside a session cookie", good + "; " + sessionCookie + "=s", "allowed"},
		{"names that have it within", "x" + accessCookie + "=x; " + accessCookie + "x=x; " + good, "allowed"},
		{"many others", strings.Repeat("a=b; ", 2000) + good, "allowed"},
		{"empty", "", "unauthenticated"},
		{"semicolons", ";;;", "unauthenticated"},
		{"no value", accessCookie, "token_malformed"},
		{"an empty value", accessCookie + "=", "token_malformed"},
		{"a value of spaces", accessCookie + "=  ", "token_malformed"},
		{"a dash", accessCookie + "=-", "token_malformed"},
		{"quotes", accessCookie + `="${user}"`, "token_malformed"},
		{"a second sign", accessCookie + "==${user}", "token_malformed"},
		{"a comma instead", "a=b, " + good, "unauthenticated"},
		{"another case", strings.ToLower(accessCookie) + "=${user}", "unauthenticated"},
		{"without its prefix", "hexward_access=${user}", "unauthenticated"},
		{"a value without a name", "=${user}", "unauthenticated"},
		{"the token as a name", "${user}=" + accessCookie, "unauthenticated"},
		{"a no-break space", "\u00a0" + good, "unauthenticated"},
		{"a line end", "a=b;\n" + good, "unauthenticated"},
		{"Bearer in it", accessCookie + "=Bearer ${user}", "token_malformed"},
		{"twice the same", good + "; " + good, "cookie_twice"},
		{"twice, the first empty", accessCookie + "=; " + good, "cookie_twice"},
		{"twice, the second empty", good + "; " + accessCookie, "cookie_twice"},
		{"three times", good + "; " + accessCookie + "=x; " + accessCookie + "=y", "cookie_twice"},
		{"a session twice", sessionCookie + "=a; " + sessionCookie + "=b", "cookie_twice"},
		{"a session twice, beside a good one", sessionCookie + "=a; " + sessionCookie + "=a; " + good, "cookie_twice"},
		{"a refresh cookie twice", good + "; " + refreshCookie + "=a; " + refreshCookie + "=b", "cookie_twice"},
		{"an empty session", sessionCookie + "=", "session_opaque"},
		{"a session", sessionCookie + "=abc", "session_opaque"},
		{"a session and a bad token", sessionCookie + "=abc; " + accessCookie + "=x", "token_malformed"},
		{"a session and an expired token", sessionCookie + "=abc; " + accessCookie + "=${expired}", "token_expired"},
		{"an API token", accessCookie + "=hxw_abc", "token_malformed"},
		{"far too long", accessCookie + "=" + strings.Repeat("a", 16_385), "token_too_long"},
	} {
		status := 401
		if test.code == "allowed" {
			status = 200
		}
		r.decide("cookie: "+test.name, get("GET", "/any/x").cookie(test.value), vectorNow, status, test.code)
	}
}

// origins are what browsers say of where a request comes from.
func (m *vectorMaker) origins(r *vectorRun) {
	const none = "-"
	good := []struct{ site, origin string }{
		{none, none},
		{"same-origin", none},
		{"same-origin", "https://evil.example"},
		{"none", none},
		{none, "https://id.example"},
		{none, "https://app.example"},
		{none, "https://app.example:8443"},
		{"cross-site", "https://app.example"},
		{"same-site", "https://app.example"},
	}
	bad := []struct{ site, origin string }{
		{"cross-site", none},
		{"same-site", none},
		{"cross-site", "https://id.example"},
		{"cross-site", "https://evil.example"},
		{none, "https://evil.example"},
		{none, "null"},
		{none, "https://id.example:443"},
		{none, "https://id.example/"},
		{none, "https://ID.example"},
		{none, "http://id.example"},
		{none, "https://id.example, https://id.example"},
		{none, "https://id.example.evil.example"},
		{none, "https://evil.example#https://id.example"},
		{"same-origin, same-origin", none},
		{"same-origin, cross-site", "https://id.example"},
		{"Same-Origin", none},
		{"same-origin ", none},
		{"nonsense", none},
		{"cross-site", "https://app.example:443"},
		{"cross-site", "https://app.example, https://app.example"},
	}
	request := func(method, path, site, origin string) asked {
		a := get(method, path)
		if site != none {
			a = a.site(site)
		}
		if origin != none {
			a = a.origin(origin)
		}
		return a
	}
	const cookie = accessCookie + "=${writer}"
	for _, from := range good {
		r.decide("from "+from.site+" "+from.origin, request("POST", "/any/x", from.site, from.origin).cookie(cookie), vectorNow, 200, "allowed")
	}
	for _, from := range bad {
		name := "from " + from.site + " " + from.origin
		r.decide(name, request("POST", "/any/x", from.site, from.origin).cookie(cookie), vectorNow, 403, "cross_origin")
		r.decide(name+", to see", request("GET", "/any/x", from.site, from.origin).cookie(cookie), vectorNow, 200, "allowed")
		r.decide(name+", with a header", request("POST", "/any/x", from.site, from.origin).bearer("${writer}"), vectorNow, 200, "allowed")
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "QUERY"} {
		r.decide("from elsewhere by "+method, request(method, "/any/x", "cross-site", none).cookie(cookie), vectorNow, 403, "cross_origin")
	}
	for _, method := range []string{"HEAD", "OPTIONS"} {
		r.decide("from elsewhere by "+method, request(method, "/any/x", "cross-site", none).cookie(cookie), vectorNow, 200, "allowed")
	}
	r.decide("from elsewhere with nothing", request("POST", "/any/x", "cross-site", none), vectorNow, 403, "cross_origin")
	r.decide("from elsewhere with a session", request("POST", "/any/x", "cross-site", none).cookie(sessionCookie+"=abc"), vectorNow, 403, "cross_origin")
	r.decide("from elsewhere with a cookie twice", request("POST", "/any/x", "cross-site", none).cookie(cookie+"; "+cookie), vectorNow, 403, "cross_origin")
	r.decide("from elsewhere with a bad header", request("POST", "/any/x", "cross-site", none).bearer("x"), vectorNow, 401, "token_malformed")
	if v := r.decide("from elsewhere to a public route", request("POST", "/public/x", "cross-site", none).cookie(cookie), vectorNow, 200, "allowed"); v.Principal.SignedIn() {
		m.t.Error("another site's page acts in its visitor's name on a public route")
	}
	r.decide("from elsewhere without a route", asked{}.site("cross-site").cookie(cookie), vectorNow, 200, "allowed")
}

// paths are about which rule a path comes to; a user's token passes where a token is taken.
func (m *vectorMaker) paths(r *vectorRun) {
	longest := "/any/" + strings.Repeat("a", 4096-5)
	for _, test := range []struct {
		method, path, code string
		rule               int
	}{
		{"GET", "/any", "allowed", 2},
		{"GET", "/any/", "allowed", 2},
		{"GET", "/any/x/y/z", "allowed", 2},
		{"GET", "/any/x?y=/../z", "allowed", 2},
		{"GET", "/any?", "allowed", 2},
		{"GET", "/a%6ey", "allowed", 2},
		{"GET", "/%61%6E%79/x", "allowed", 2},
		{"GET", "/Any/x", "session_required", -1},
		{"GET", "/anyx", "session_required", -1},
		{"GET", "/an", "session_required", -1},
		{"GET", "/", "allowed", 11},
		{"GET", "/?x", "allowed", 11},
		{"GET", "/files/x/raw", "allowed", 9},
		{"GET", "/files/x/raw/", "allowed", 9},
		{"GET", "/files/%2a/raw", "allowed", 9},
		{"GET", "/files/x/y/raw", "session_required", -1},
		{"GET", "/files/raw", "session_required", -1},
		{"GET", "/files/x/raw/y", "session_required", -1},
		{"GET", "/files/x/RAW", "session_required", -1},
		{"GET", "/caf%C3%A9/x", "allowed", 10},
		{"GET", "/caf%c3%a9", "allowed", 10},
		{"GET", "/cafe%CC%81/x", "session_required", -1},
		{"GET", "/café/x", "path_ambiguous", -1},
		{"HEAD", "/orders/1", "allowed", 6},
		{"GET", "/orders/1", "allowed", 6},
		{"POST", "/orders/1", "forbidden", 7},
		{"PUT", "/orders/1", "session_required", 8},
		{"get", "/orders/1", "session_required", 8},
		{"BREW", "/orders/1", "session_required", 8},
		{"G\xc3\x84T", "/any", "allowed", 2},
		{"GET", "", "path_ambiguous", -1},
		{"GET", "any", "path_ambiguous", -1},
		{"GET", "*", "path_ambiguous", -1},
		{"OPTIONS", "*", "path_ambiguous", -1},
		{"CONNECT", "id.example:443", "path_ambiguous", -1},
		{"GET", "https://id.example/any", "path_ambiguous", -1},
		{"GET", "//", "path_ambiguous", -1},
		{"GET", "//any", "path_ambiguous", -1},
		{"GET", "/any//x", "path_ambiguous", -1},
		{"GET", "/any//", "path_ambiguous", -1},
		{"GET", "/.", "path_ambiguous", -1},
		{"GET", "/..", "path_ambiguous", -1},
		{"GET", "/public/../any", "path_ambiguous", -1},
		{"GET", "/public/./x", "path_ambiguous", -1},
		{"GET", "/public/..", "path_ambiguous", -1},
		{"GET", "/public/%2e%2e/any", "path_ambiguous", -1},
		{"GET", "/public/.%2E/any", "path_ambiguous", -1},
		{"GET", "/public/%2e", "path_ambiguous", -1},
		{"GET", "/public/...", "allowed", 0},
		{"GET", "/public/..x", "allowed", 0},
		{"GET", "/public%2fx", "path_ambiguous", -1},
		{"GET", "/public%2Fx", "path_ambiguous", -1},
		{"GET", "/public/x\\y", "path_ambiguous", -1},
		{"GET", "/public/%5c", "path_ambiguous", -1},
		{"GET", "/public/x;y", "path_ambiguous", -1},
		{"GET", "/public/..;/any", "path_ambiguous", -1},
		{"GET", "/public/%3b", "path_ambiguous", -1},
		{"GET", "/public/x y", "path_ambiguous", -1},
		{"GET", "/public/x%20y", "allowed", 0},
		{"GET", "/public/x#y", "path_ambiguous", -1},
		{"GET", "/public/x%23y", "allowed", 0},
		{"GET", "/public/x%3fy", "allowed", 0},
		{"GET", "/public/%00", "path_ambiguous", -1},
		{"GET", "/public/%0a", "path_ambiguous", -1},
		{"GET", "/public/%7f", "path_ambiguous", -1},
		{"GET", "/public/\n", "path_ambiguous", -1},
		{"GET", "/public/\x7f", "path_ambiguous", -1},
		{"GET", "/public/%", "path_ambiguous", -1},
		{"GET", "/public/%2", "path_ambiguous", -1},
		{"GET", "/public/%zz", "path_ambiguous", -1},
		{"GET", "/public/%25", "allowed", 0},
		{"GET", "/public/%2561", "path_ambiguous", -1},
		{"GET", "/public/%25%36%31", "path_ambiguous", -1},
		{"GET", "/public/%256", "allowed", 0},
		{"GET", "/public/%c3", "path_ambiguous", -1},
		{"GET", "/public/%c0%af", "path_ambiguous", -1},
		{"GET", "/public/%ed%a0%80", "path_ambiguous", -1},
		{"GET", "/public/%f0%9f%98%80", "allowed", 0},
		{"GET", "/public/%f4%90%80%80", "path_ambiguous", -1},
		{"GET", "/public/%ef%bf%bf", "allowed", 0},
		{"GET", "/%70ublic/x", "allowed", 0},
		{"GET", longest, "allowed", 2},
		{"GET", longest + "?" + strings.Repeat("q", 4096), "allowed", 2},
		{"GET", longest + "a", "path_ambiguous", -1},
		{"GET", strings.Repeat("/a", 2048), "session_required", -1},
		{"GET", "/any" + strings.Repeat("/a", 2040), "allowed", 2},
		{"GET", "/any/" + strings.Repeat("%61", 1363), "allowed", 2},
	} {
		status := map[string]int{"allowed": 200, "path_ambiguous": 400, "session_required": 403, "forbidden": 403}[test.code]
		name := test.method + " " + test.path
		if len(name) > 60 {
			name = name[:60] + "…" + string(rune('a'+len(test.path)%26))
		}
		v := r.decide(name, get(test.method, test.path).bearer("${user}"), vectorNow, status, test.code)
		if v.Rule != test.rule {
			m.t.Errorf("%s: comes to rule %d, want %d", name, v.Rule, test.rule)
		}
	}
	r.decide("a path that can be read twice, with nothing", get("GET", "//"), vectorNow, 400, "path_ambiguous")
	r.decide("a path that can be read twice, from elsewhere", get("POST", "//").site("cross-site"), vectorNow, 400, "path_ambiguous")
}
