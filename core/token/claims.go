package token

import "strings"

// maxTime is the last second of the year 9999 (RFC 3339's range), in Unix seconds.
const maxTime = 253402300799

// Claims is the payload of a token that a Verifier accepted. Absent claims are zero. Strings are unescaped, and otherwise as
// signed. Unless Pending.Volatile was set, nothing else shares their memory.
type Claims struct {
	Issuer          string   // iss, RFC 7519 §4.1.1
	Subject         string   // sub, RFC 7519 §4.1.2
	Audience        []string // aud, RFC 7519 §4.1.3, whether it was a string or an array of strings
	Expiry          int64    // exp, Unix seconds
	NotBefore       int64    // nbf, Unix seconds
	IssuedAt        int64    // iat, Unix seconds
	IssuedAtMillis  int64    // iat_ms, Unix milliseconds: a private claim of Hexward's own tokens
	ID              string   // jti, RFC 7519 §4.1.7
	Session         string   // sid, OpenID Connect Front-Channel Logout 1.0 §3
	ClientID        string   // client_id, RFC 8693 §4.3
	Tenant          string   // tenant: a private claim of Hexward's own tokens
	Username        string   // username, as in RFC 7662 §2.2
	Scope           string   // scope, RFC 8693 §4.2: words separated by spaces
	Permissions     []string // permissions: a private claim of Hexward's own tokens
	Nonce           string   // nonce, OpenID Connect Core 1.0 §2
	AuthorizedParty string   // azp, OpenID Connect Core 1.0 §2
	AccessTokenHash string   // at_hash, OpenID Connect Core 1.0 §3.1.3.6
	AuthTime        int64    // auth_time, Unix seconds, OpenID Connect Core 1.0 §2

	raw string
}

// IssueMillis returns when the token was issued, in Unix milliseconds: iat_ms when it falls into the second that iat
// names, else the start of that second, and 0 for a token without iat. Revocation marks go by this, so that in doubt a token
// counts as older than it may be.
func (c *Claims) IssueMillis() int64 {
	start := c.IssuedAt * 1000
	if c.IssuedAt > 0 && c.IssuedAtMillis >= start && c.IssuedAtMillis < start+1000 {
		return c.IssuedAtMillis
	}
	return start
}

// Raw returns the payload as it was signed: one strict JSON object, or "" for claims that no Verifier filled in.
func (c *Claims) Raw() string { return c.raw }

// Payload returns the payload as it was signed: an object, or the zero Value for claims that no Verifier filled in. It allocates
// nothing.
func (c *Claims) Payload() Value { return Value{text: trimSpace(c.raw)} }

// Lookup returns the top-level member of the payload called name, for claims that Claims has no field for. It reads the
// payload again and allocates nothing.
func (c *Claims) Lookup(name string) (Value, bool) {
	return c.Payload().Member(name)
}

// The claims that are read, as indexes into claimNames. Those up to claimAccessTokenHash are strings, those from claimExpiry
// on are times.
const (
	claimIssuer = iota
	claimSubject
	claimID
	claimSession
	claimClientID
	claimTenant
	claimUsername
	claimScope
	claimNonce
	claimAuthorizedParty
	claimAccessTokenHash
	claimAudience
	claimPermissions
	claimExpiry
	claimNotBefore
	claimIssuedAt
	claimAuthTime
	claimIssuedAtMillis
	claimCount
)

var claimNames = [claimCount]string{
	"iss", "sub", "jti", "sid", "client_id", "tenant", "username", "scope", "nonce", "azp", "at_hash",
	"aud", "permissions",
	"exp", "nbf", "iat", "auth_time", "iat_ms",
}

// claimOf returns the index of the claim called name, or -1. The compiler makes a search by length out of it.
func claimOf(name string) int {
	switch name {
	case "iss":
		return claimIssuer
	case "sub":
		return claimSubject
	case "jti":
		return claimID
	case "sid":
		return claimSession
	case "client_id":
		return claimClientID
	case "tenant":
		return claimTenant
	case "username":
		return claimUsername
	case "scope":
		return claimScope
	case "nonce":
		return claimNonce
	case "azp":
		return claimAuthorizedParty
	case "at_hash":
		return claimAccessTokenHash
	case "aud":
		return claimAudience
	case "permissions":
		return claimPermissions
	case "exp":
		return claimExpiry
	case "nbf":
		return claimNotBefore
	case "iat":
		return claimIssuedAt
	case "auth_time":
		return claimAuthTime
	case "iat_ms":
		return claimIssuedAtMillis
	default:
		return -1
	}
}

// oddIndex returns the index among the words of the name of m, which stands in text and holds an oddByte: -1 when it is none
// of them, and false when it is one in another case.
func (m *member) oddIndex(text string, words []string) (int, bool) {
	name := text[m.name:m.nameEnd]
	for i, w := range words {
		if nameIs(name, w) {
			return i, true
		}
		if foldsTo(name, w) {
			return -1, false
		}
	}
	return -1, true
}

// memory is where claims put what is not a part of the payload.
type memory struct {
	text  []byte   // unescaped strings
	list  []string // audiences and permissions
	plain bool     // no string has escapes
}

// read fills c in from the members that s found in raw, and returns the set of claims that are there and not empty.
func (c *Claims) read(raw string, s *scanner, mem *memory) (present uint32, ok bool) {
	c.raw, mem.plain = raw, !s.escapes
	var audience, permissions Value
	for i := range s.n {
		m := &s.members[i]
		claim, ok := -1, true
		if m.odd {
			claim, ok = m.oddIndex(raw, claimNames[:])
		} else {
			claim = claimOf(raw[m.name:m.nameEnd])
		}
		if !ok {
			return 0, false
		}
		if claim < 0 {
			continue
		}
		v := Value{text: raw[m.value:m.valueEnd]}
		switch {
		case claim == claimAudience:
			audience = v
			ok = true
		case claim == claimPermissions:
			permissions = v
			ok = v.Kind() == KindArray
		case claim >= claimExpiry:
			ok = c.setTime(claim, v)
		default:
			ok = c.setText(claim, v, mem)
		}
		if !ok {
			return 0, false
		}
		if v.text != `""` && v.text != "0" {
			present |= 1 << claim
		}
	}
	if !c.readLists(audience, permissions, mem) {
		return 0, false
	}
	if len(c.Audience) == 0 {
		present &^= 1 << claimAudience
	}
	if len(c.Permissions) == 0 {
		present &^= 1 << claimPermissions
	}
	return present, true
}

func (c *Claims) setText(claim int, v Value, mem *memory) bool {
	text, ok := mem.unescape(v, len(c.raw))
	if !ok {
		return false
	}
	switch claim {
	case claimIssuer:
		c.Issuer = text
	case claimSubject:
		c.Subject = text
	case claimID:
		c.ID = text
	case claimSession:
		c.Session = text
	case claimClientID:
		c.ClientID = text
	case claimTenant:
		c.Tenant = text
	case claimUsername:
		c.Username = text
	case claimScope:
		c.Scope = text
	case claimNonce:
		c.Nonce = text
	case claimAuthorizedParty:
		c.AuthorizedParty = text
	case claimAccessTokenHash:
		c.AccessTokenHash = text
	default:
		return false
	}
	return true
}

func (c *Claims) setTime(claim int, v Value) bool {
	t, ok := v.Int()
	if !ok || v.text[0] == '-' {
		return false
	}
	if claim == claimIssuedAtMillis {
		c.IssuedAtMillis = t
		return t <= maxTime*1000+999
	}
	switch claim {
	case claimExpiry:
		c.Expiry = t
	case claimNotBefore:
		c.NotBefore = t
	case claimIssuedAt:
		c.IssuedAt = t
	case claimAuthTime:
		c.AuthTime = t
	}
	return t <= maxTime
}

// readLists reads aud and permissions into one backing array.
func (c *Claims) readLists(audience, permissions Value, mem *memory) bool {
	switch audience.Kind() {
	case KindInvalid, KindString, KindArray:
	default:
		return false
	}
	n := audience.atMost() + permissions.atMost()
	if n == 0 {
		return true
	}
	if cap(mem.list) < n {
		mem.list = make([]string, 0, max(n, 2*cap(mem.list)))
	}
	mem.list = mem.list[:0]
	var ok bool
	if audience.Kind() == KindString {
		text, isText := mem.unescape(audience, len(c.raw))
		mem.list = append(mem.list, text)
		c.Audience, ok = mem.list[:1:1], isText
	} else {
		c.Audience, ok = mem.appendTexts(audience, len(c.raw))
	}
	if !ok {
		return false
	}
	c.Permissions, ok = mem.appendTexts(permissions, len(c.raw))
	return ok
}

// atMost returns the number of texts in a string or an array of strings, or a little more when commas in them are taken for
// separators.
func (v Value) atMost() int {
	if v.text == "" || v.text == "[]" {
		return 0
	}
	n := 1
	if v.text[0] == '[' {
		n += strings.Count(v.text, ",")
	}
	if n > 64 {
		return v.length()
	}
	return n
}

// appendTexts appends the strings of an array to the list, which has room for them, and returns that part of it, or nil
// for an empty array.
func (mem *memory) appendTexts(v Value, size int) ([]string, bool) {
	start := len(mem.list)
	c := v.Members()
	for c.Next() {
		text, ok := mem.unescape(c.Value(), size)
		if !ok {
			return nil, false
		}
		mem.list = append(mem.list, text)
	}
	if len(mem.list) == start {
		return nil, true
	}
	return mem.list[start:len(mem.list):len(mem.list)], true
}

// unescape returns the string that v is. What has escapes goes into text, which gets room for size bytes at once: the
// strings of a document are never longer than it. Its memory doubles, so that documents that are each a little longer than
// the one before do not take new memory each time, which not every compiler gives back.
func (mem *memory) unescape(v Value, size int) (string, bool) {
	if v.Kind() != KindString {
		return "", false
	}
	inside := v.text[1 : len(v.text)-1]
	if mem.plain || !hasEscape(inside) {
		return inside, true
	}
	if cap(mem.text)-len(mem.text) < len(inside) {
		mem.text = make([]byte, 0, max(size, 2*cap(mem.text)))
	}
	start := len(mem.text)
	mem.text = appendUnescaped(mem.text, inside)
	return view(mem.text[start:]), true
}
