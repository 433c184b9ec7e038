package token

// Claims is the payload of a token that Verify accepted. Absent claims are zero. Strings are unescaped, otherwise as
// issued, and may be substrings of one another's memory; nothing changes them later unless Pending.Volatile was set.
type Claims struct {
	Issuer          string   // iss, RFC 7519 §4.1.1
	Subject         string   // sub
	Audience        []string // aud, whether it was a string or an array
	Expiry          int64    // exp, Unix seconds
	NotBefore       int64    // nbf, Unix seconds
	IssuedAt        int64    // iat, Unix seconds
	IssuedAtMillis  int64    // iat_ms, Unix milliseconds: a private claim of Hexward's own tokens
	ID              string   // jti
	Session         string   // sid, OpenID Connect Front-Channel Logout §3
	ClientID        string   // client_id, RFC 8693 §4.3
	Tenant          string   // tenant: a private claim of Hexward's own tokens
	Username        string   // username, as in RFC 7662 §2.2
	Scope           string   // scope, separated by spaces, RFC 8693 §4.2
	Permissions     []string // permissions: a private claim of Hexward's own tokens
	Nonce           string   // nonce, OpenID Connect Core §2
	AuthorizedParty string   // azp, OpenID Connect Core §2
	AccessTokenHash string   // at_hash, OpenID Connect Core §3.1.3.6
	AuthTime        int64    // auth_time, Unix seconds, OpenID Connect Core §2

	raw string
}

// IssueMillis returns when the token was issued, in Unix milliseconds: iat_ms when it falls into the second that iat
// names, else the start of that second, and 0 for a token without iat. Revocation marks compare this, so that in doubt a
// token counts as older.
func (c *Claims) IssueMillis() int64 {
	start := c.IssuedAt * 1000
	if c.IssuedAt > 0 && c.IssuedAtMillis >= start && c.IssuedAtMillis < start+1000 {
		return c.IssuedAtMillis
	}
	return start
}

// Raw returns the payload as it was signed: one strict JSON object, or "" for claims that no verifier filled in.
func (c *Claims) Raw() string { return c.raw }

// Lookup returns the top-level member of the payload called name, for claims that Claims has no field for. It
// allocates nothing.
func (c *Claims) Lookup(name string) (Value, bool) {
	return Value{text: c.raw}.Member(name)
}
