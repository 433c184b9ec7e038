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

// Policy is an ordered list of rules, of which the first that is about a request holds. It is
// immutable and safe for concurrent use.
type Policy struct{ rules []Rule }

// NewPolicy returns the policy of these rules, in their order. Its error joins a RuleError for every problem: a
// path, method or permission that is not one, a rule that is there twice, one that no request
// reaches because earlier ones are about all of its requests.
func NewPolicy(rules []Rule) (*Policy, error) { return &Policy{rules}, nil }

// Decision is what becomes of a request.
type Decision struct {
	Rule   int // the index of the rule; -1 for the default
	Reason Reason
}

// Match returns the rule that is about a request, and its index; the default and -1 for a request that no rule is
// about. ok is false for a path that can be read in more than one way. The path is as it came, still escaped, and may
// have a query.
func (p *Policy) Match(method, path string) (rule *Rule, index int, ok bool) {
	return &Rule{}, -1, true
}

// Admits holds a principal against the rule.
func (r *Rule) Admits(who *Principal) Reason { return Allowed }

// Decide is Match and Admits.
func (p *Policy) Decide(method, path string, who *Principal) Decision { return Decision{} }

// String returns the reason's stable code: "allowed", "path_ambiguous", "unauthenticated", "session_required", "token_required",
// "user_required", "machine_required", "forbidden".
func (r Reason) String() string { return "" }

// Status returns the HTTP status of a refusal: 400, 401 or 403, and 200 for Allowed.
func (r Reason) Status() int { return 200 }
