package edge

import (
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
)

// Type is the typ of a bundle's header (RFC 7515 §4.1.9). No other token has it.
const Type = "hexward-bundle+jwt"

// MaxBundle is the length in bytes of the longest signed bundle, and MaxLife the longest time in seconds from its issue to
// its end.
const (
	MaxBundle = 16 << 20
	MaxLife   = 31 * 24 * 3600
)

// The bounds of what a bundle holds.
const (
	MaxHolders = 1 << 16
	MaxIssuers = 64
	maxKeys    = 128
	maxTexts   = 256  // in a list
	maxText    = 2048 // bytes of a name, an origin, a URL
	maxNumber  = 1<<53 - 1
	maxSecond  = 253402300799 // the year 9999
)

// Bundle is what an edge verifier decides by. It is plain data; nobody changes one, or what it refers to, that a Verifier was
// given.
//
// A delta has a Base: it adds marks to the bundle that is held, and says that nothing else has changed since. Of the
// members below it has those up to Marks only.
type Bundle struct {
	Issuer   string // the "iss" of our own tokens, and of the bundle
	Number   int64  // greater than that of every bundle before it; below 2^53
	Base     int64  // of a delta: the least number of a bundle that it can be applied to; 0 for a bundle that stands alone
	IssuedAt int64  // Unix seconds
	Expires  int64  // Unix seconds; from then on nothing is decided by it
	Marks    *Marks // may be nil

	Audiences []string
	Types     []string      // the accepted typ of our own tokens; token.TypeAccess when empty
	Required  []string      // claims that they must have beyond exp; "sub" and "iat" for Hexward's own
	Leeway    int64         // between clocks, in seconds, 0 to token.MaxLeeway
	Keys      *token.KeySet // of our own tokens; nil or empty when only the server has them
	Rules     []access.Rule // the policy
	Site      Site

	Issuers   []Issuer // others whose tokens the server takes
	APITokens bool     // Holders has all API tokens that are alive
	Holders   []Holder // by ascending Hash, without duplicates
}

// Site is what a browser sees of the server, by which its cookies are found and requests in another site's name refused.
type Site struct {
	Origin  string   // the server's own, as a browser says it
	Origins []string // the others whose pages may use the API
	Session string   // the names of the cookies with a session's id, an access token
	Access  string   // and a refresh token; no cookie is looked at where Access is empty
	Refresh string
}
