package access

// Demand is which credentials a route takes.
type Demand uint8

// The demands. What no rule is about demands a session.
const (
	SessionOnly    Demand = iota // a browser's session
	SessionOrToken               // a session, or any token
	TokenOnly                    // any token, and no cookie
	Public                       // none is needed; who shows a good one is known by it all the same
)

var demands = [...]string{SessionOnly: "session", SessionOrToken: "session_or_token", TokenOnly: "token", Public: "public"}

// String returns the demand's stable name: "session", "session_or_token", "token" or "public". A number that is no demand is
// "session", which is how it is treated.
func (d Demand) String() string {
	if int(d) >= len(demands) {
		d = SessionOnly
	}
	return demands[d]
}

// ParseDemand returns the demand of this name, to the letter; ok is false when there is none.
func ParseDemand(name string) (d Demand, ok bool) {
	for i := range demands {
		if demands[i] == name {
			return Demand(i), true
		}
	}
	return SessionOnly, false
}

// Rule says what the requests that it is about must show.
type Rule struct {
	Methods     []string // upper case; none for every method; GET means HEAD too
	Path        string   // segments, of which "*" stands for any one, and a last "**" for none or more: "/orders/*/items/**"
	Demand      Demand
	Only        Kind     // User or Machine; Anonymous for both
	Permissions []string // all of which the principal holds
}

// Reason is why a request is let through or refused.
type Reason uint8

// The reasons.
const (
	Allowed           Reason = iota
	PathRefused              // the path can be read in more than one way
	Unauthenticated          // nobody is signed in
	SessionRequired          // a token was shown where a session is demanded
	TokenRequired            // a session was shown where a token is demanded
	UserRequired             // a machine asks where only users may
	MachineRequired          // a user asks where only machines may
	PermissionMissing        // the principal does not hold a permission
)

var reasons = [...]string{
	"allowed", "path_ambiguous", "unauthenticated", "session_required", "token_required", "user_required", "machine_required",
	"forbidden",
}

// String returns the reason's stable code: "allowed", "path_ambiguous", "unauthenticated", "session_required", "token_required",
// "user_required", "machine_required", "forbidden". The last is also that of a number that is no reason.
func (r Reason) String() string {
	if int(r) >= len(reasons) {
		r = PermissionMissing
	}
	return reasons[r]
}

var details = [...]string{
	"", "this path can be read in more than one way", "please sign in", "this takes a browser's session, and no token",
	"this takes a token, and no cookie", "this is for people", "this is for machines", "you may not do this",
}

// Detail returns a sentence for people; "" for Allowed.
func (r Reason) Detail() string {
	if int(r) >= len(details) {
		r = PermissionMissing
	}
	return details[r]
}

// Status returns the HTTP status of a refusal: 400, 401 or 403, and 200 for Allowed.
func (r Reason) Status() int {
	switch r {
	case Allowed:
		return 200
	case PathRefused:
		return 400
	case Unauthenticated:
		return 401
	default:
		return 403
	}
}

// Decision is what becomes of a request.
type Decision struct {
	Rule   int // the index of the rule; -1 for the default, and for a path that is refused
	Reason Reason
}

// Decide is Match and Admits. It allocates nothing.
func (p *Policy) Decide(method, path string, who *Principal) Decision {
	rule, index, _ := p.Match(method, path)
	return Decision{index, rule.Admits(who)}
}

// Admits holds a principal against the rule and returns the first of these that is so:
//
//   - the rule is Public: Allowed, whoever asks;
//   - nobody is signed in: Unauthenticated. So it is for the zero Principal and a nil one, and for a principal that
//     showed neither a session nor a token, like the local operator, who does not call routes;
//   - the credential is not of the sort that is demanded: SessionRequired or TokenRequired. An AccessCookie is a session;
//   - the kind is not the one that is demanded: UserRequired or MachineRequired;
//   - a permission is missing: PermissionMissing. Admin is not every other one.
//
// A nil Rule, which Match returns for a path that it refuses, admits nobody: PathRefused.
func (r *Rule) Admits(who *Principal) Reason {
	switch {
	case r == nil:
		return PathRefused
	case r.Demand == Public:
		return Allowed
	case who == nil || who.Kind != User && who.Kind != Machine || !who.Via.Session() && !who.Via.Token():
		return Unauthenticated
	case r.Demand == TokenOnly && !who.Via.Token():
		return TokenRequired
	case r.Demand != TokenOnly && r.Demand != SessionOrToken && !who.Via.Session():
		return SessionRequired
	case r.Only == User && who.Kind != User:
		return UserRequired
	case r.Only != Anonymous && r.Only != who.Kind:
		return MachineRequired
	}
	for _, permission := range r.Permissions {
		if !who.Has(permission) {
			return PermissionMissing
		}
	}
	return Allowed
}
