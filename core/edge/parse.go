package edge

import (
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
)

// ParseBundle reads what AppendJSON appends. It is strict: a member that is unknown, of another type, or out of its bounds is
// ErrBundle, and what is wrong with the policy ErrPolicy, with the marks one of their errors, with the keys one of core/token's. What
// it returns refers to payload, which nobody changes.
func ParseBundle(payload string) (*Bundle, error) {
	v, err := token.ParseJSON(payload)
	if err != nil {
		return nil, ErrBundle
	}
	var f [len(bundleMembers)]token.Value
	if !members(v, bundleMembers[:], f[:]) {
		return nil, ErrBundle
	}
	b := &Bundle{}
	r := reader{ok: true}
	b.Issuer = r.text(f[0])
	b.Number, b.Base, b.IssuedAt, b.Expires = r.int(f[1]), r.int(f[2]), r.int(f[3]), r.int(f[4])
	if b.Base > 0 {
		for _, other := range f[6:] {
			r.ok = r.ok && other.Kind() == token.KindInvalid
		}
	}
	b.Audiences, b.Types, b.Required, b.Leeway = r.texts(f[6]), r.texts(f[7]), r.texts(f[8]), r.int(f[9])
	r.site(f[12], &b.Site)
	b.Issuers = r.issuers(f[13])
	if f[14].Kind() != token.KindInvalid {
		b.APITokens = f[14].Raw() == "true"
		r.ok = r.ok && b.APITokens
	}
	b.Holders = r.holders(f[15])
	if !r.ok {
		return nil, ErrBundle
	}
	if f[5].Kind() != token.KindInvalid {
		if b.Marks, err = ParseMarks(f[5]); err != nil {
			return nil, err
		}
	}
	if f[10].Kind() != token.KindInvalid {
		if b.Keys, err = token.ParseKeySet([]byte(f[10].Raw())); err != nil {
			return nil, err
		}
	}
	var ok bool
	if b.Rules, ok = readRules(f[11]); !ok {
		return nil, ErrPolicy
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	return b, nil
}

var (
	bundleMembers = [...]string{
		"iss", "number", "base", "iat", "exp", "marks",
		"aud", "types", "required", "leeway", "keys", "policy", "site", "issuers", "api_tokens", "holders",
	}
	siteMembers = [...]string{"origin", "origins", "session", "access", "refresh"}
	ruleMembers = [...]string{"path", "methods", "access", "only", "permissions"}
)

// check returns what is wrong with a bundle, but for its policy, and the numbers of one that is configured.
func (b *Bundle) check() error {
	switch {
	case b.Issuer == "", len(b.Issuer) > maxText:
	case b.Number < 0 || b.Number > maxNumber || b.Base < 0 || b.Base > 0 && b.Base >= b.Number:
	case b.IssuedAt < 0 || b.Expires < b.IssuedAt || b.Expires-b.IssuedAt > MaxLife || b.Expires > maxSecond:
	case b.Leeway < 0 || b.Leeway > token.MaxLeeway:
	case !bounded(b.Audiences) || !bounded(b.Types) || !bounded(b.Required) || !bounded(b.Site.Origins):
	case len(b.Issuers) > MaxIssuers || len(b.Holders) > MaxHolders || len(b.Rules) > access.MaxRules:
	case !sortedHolders(b.Holders):
	default:
		return nil
	}
	return ErrBundle
}

func bounded(list []string) bool {
	if len(list) > maxTexts {
		return false
	}
	for _, text := range list {
		if len(text) > maxText {
			return false
		}
	}
	return true
}

// reader reads values and remembers whether all were what they should be. A value that is not there is zero.
type reader struct{ ok bool }

func (r *reader) text(v token.Value) string {
	if v.Kind() == token.KindInvalid {
		return ""
	}
	text, ok := v.Text()
	r.ok = r.ok && ok && text != "" && len(text) <= maxText
	return text
}

func (r *reader) int(v token.Value) int64 {
	if v.Kind() == token.KindInvalid {
		return 0
	}
	n, ok := v.Int()
	r.ok = r.ok && ok && n > 0
	return n
}

func (r *reader) texts(v token.Value) (list []string) {
	if v.Kind() == token.KindInvalid {
		return nil
	}
	r.ok = r.ok && v.Kind() == token.KindArray
	c := v.Members()
	for r.ok && c.Next() {
		text, ok := c.Value().Text()
		r.ok = ok && len(list) < maxTexts && len(text) <= maxText
		list = append(list, text)
	}
	r.ok = r.ok && len(list) > 0
	return list
}

func (r *reader) site(v token.Value, s *Site) {
	if v.Kind() == token.KindInvalid {
		return
	}
	var f [len(siteMembers)]token.Value
	r.ok = r.ok && members(v, siteMembers[:], f[:])
	s.Origin, s.Origins, s.Session, s.Access, s.Refresh = r.text(f[0]), r.texts(f[1]), r.text(f[2]), r.text(f[3]), r.text(f[4])
}

// readRules reads a policy.
func readRules(v token.Value) (rules []access.Rule, ok bool) {
	if v.Kind() == token.KindInvalid {
		return nil, true
	}
	if v.Kind() != token.KindArray {
		return nil, false
	}
	r := reader{ok: true}
	c := v.Members()
	for c.Next() {
		var f [len(ruleMembers)]token.Value
		if len(rules) == access.MaxRules || !members(c.Value(), ruleMembers[:], f[:]) {
			return nil, false
		}
		rule := access.Rule{Path: r.text(f[0]), Methods: r.texts(f[1]), Permissions: r.texts(f[4])}
		var known bool
		if rule.Demand, known = access.ParseDemand(r.text(f[2])); !known {
			return nil, false
		}
		switch only := r.text(f[3]); only {
		case "":
		case access.User.String():
			rule.Only = access.User
		case access.Machine.String():
			rule.Only = access.Machine
		default:
			return nil, false
		}
		rules = append(rules, rule)
	}
	return rules, r.ok && len(rules) > 0
}
