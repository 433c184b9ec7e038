package edge

// Request is what a decision takes of an HTTP request. The values of a header that came more than once are joined by ", "
// (RFC 9110 §5.3), those of Cookie by "; " (RFC 9113 §8.2.3), as the Headers of the Fetch standard joins them.
type Request struct {
	Method string // upper case
	Path   string // as it came, still escaped; a query is not looked at

	Authorization    string
	HasAuthorization bool // it is there, whatever it holds; then no cookie is looked at
	Cookie           string
	Origin           string // empty for none
	FetchSite        string // Sec-Fetch-Site; empty for none
}

// shown is the credential of a request.
type shown struct {
	token     string
	bearer    bool // of the Authorization header; else of the access cookie
	session   bool // there is a session's id
	ambiguous bool // one of our cookies came twice
}

// credential returns what a request shows. Cookies are not looked at beside an Authorization header.
func (r *Request) credential(site *Site) (s shown) {
	if r.HasAuthorization {
		s.bearer = true
		s.token = parseBearer(r.Authorization)
		return s
	}
	if site.Access == "" {
		return s
	}
	const access, session, refresh = 1, 2, 4
	seen := 0
	for line := r.Cookie; line != ""; {
		var name, value string
		name, value, line = nextCookie(line)
		which := access
		switch name {
		case site.Access:
			s.token = value
			if value == "" {
				s.token = "-" // there, and no token
			}
		case site.Session:
			which = session
		case site.Refresh:
			which = refresh
		default:
			continue
		}
		s.ambiguous = s.ambiguous || seen&which != 0
		seen |= which
	}
	s.session = seen&session != 0
	return s
}

// nextCookie takes the first pair off a Cookie header (RFC 6265 §4.2.1).
func nextCookie(line string) (name, value, rest string) {
	pair := line
	for i := 0; i < len(line); i++ {
		if line[i] == ';' {
			pair, rest = line[:i], line[i+1:]
			break
		}
	}
	for i := 0; i < len(pair); i++ {
		if pair[i] == '=' {
			pair, value = pair[:i], pair[i+1:]
			break
		}
	}
	return trim(pair), trim(value), rest
}

// trim takes spaces and tabs off both ends.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// parseBearer returns the token of an Authorization header (RFC 6750 §2.1), or "" for anything else.
func parseBearer(value string) string {
	const scheme = "bearer "
	if len(value) < len(scheme) {
		return ""
	}
	for i := 0; i < len(scheme); i++ {
		if value[i]|0x20 != scheme[i] || (value[i] == ' ') != (scheme[i] == ' ') {
			return ""
		}
	}
	text := value[len(scheme):]
	for text != "" && text[0] == ' ' {
		text = text[1:]
	}
	for text != "" && text[len(text)-1] == ' ' {
		text = text[:len(text)-1]
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/', c == '=':
		default:
			return ""
		}
	}
	return text
}

// crossOrigin reports whether another site's page would change something in its visitor's name by this request. The
// reasoning is that of net/http.CrossOriginProtection: browsers say where a request comes from in Sec-Fetch-Site, older ones
// in Origin, and one with neither does not come from a browser. What an Authorization header decides is not asked.
func (r *Request) crossOrigin(site *Site) bool {
	switch r.Method {
	case "GET", "HEAD", "OPTIONS":
		return false
	}
	switch {
	case r.HasAuthorization, r.FetchSite == "same-origin", r.FetchSite == "none", r.FetchSite == "" && r.Origin == "":
		return false
	case r.FetchSite == "" && r.Origin == site.Origin:
		return false
	}
	for _, allowed := range site.Origins {
		if r.Origin == allowed {
			return false
		}
	}
	return true
}
