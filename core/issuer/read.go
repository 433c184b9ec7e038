package issuer

import (
	"slices"
	"strings"
	"unicode"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
)

// maxTenant bounds what a token says of a tenant, in bytes. What is longer says nothing.
const maxTenant = 255

// Bearing is what a token says beyond its claims. Its texts share the memory of the claims.
type Bearing struct {
	Machine     bool     // it is a machine's
	Client      string   // the id of the client that it was issued to, or that it is about; may be empty for a person's
	Tenant      string   // the claim that the rules name, if it is there
	Permissions []string // what the rules take from its claims; sorted, without duplicates
}

// refusal is why a token is refused that core/token accepts. It says so with its reasons.
type refusal struct {
	text   string
	reason error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.reason }

var (
	errSort    error = &refusal{"issuer: no access token", token.ErrType}
	errBound   error = &refusal{"issuer: bound to a key, which a bearer does not show", token.ErrType}
	errClient  error = &refusal{"issuer: issued to a client that is not listed", token.ErrAudience}
	errMissing error = &refusal{"issuer: a claim that the configuration requires is missing", token.ErrClaimMissing}
	errSubject error = &refusal{"issuer: the subject is none that the issuer may have", token.ErrClaims}
)

// Read holds claims that a token.Verifier has filled in against the rules, and fills in out with what they say. typed tells that the
// header of every token that the verifier accepts says that it is an access token, see Typed. An error is one for which token.ReasonOf
// tells why; out says nothing then.
//
// It uses the memory of out.Permissions again. Beyond that it allocates only for strings with escapes and for permissions that get
// something in front.
func (r *Rules) Read(c *token.Claims, typed bool, out *Bearing) error {
	list := out.Permissions[:0]
	*out = Bearing{Permissions: list} // whose memory is kept also when a token is refused
	p := presetOf(r.Preset)
	s, ok := state(c)
	if !ok {
		return token.ErrClaims
	}
	s.client = s.clientOf(p)
	switch {
	case p == unknown, !s.access(p, typed):
		return errSort
	case s.bound: // RFC 7800 §3; whoever stole it would have nothing else either
		return errBound
	case len(r.Clients) > 0 && !slices.Contains(r.Clients, s.client):
		return errClient
	case !access.ValidSubject(s.Subject) || !s.speaks(p):
		return errSubject
	}
	for _, name := range r.Required {
		if v, there := c.Lookup(name); !there || empty(v) {
			return errMissing
		}
	}
	out.Client = s.client
	if m := &r.Machines; m.IsZero() {
		out.Machine = s.machine(p)
	} else {
		out.Machine = m.match(&s)
	}
	if out.Machine && out.Client == "" {
		out.Client = s.Subject
	}
	if r.TenantClaim != "" {
		v, _ := c.Lookup(r.TenantClaim)
		if text, _ := v.Text(); len(text) <= maxTenant && !strings.ContainsFunc(text, unicode.IsControl) {
			out.Tenant = text
		}
	}
	out.Permissions = r.permissions(list, c)
	return nil
}

// empty reports whether a claim says nothing: an empty text, null, an empty list or object, or false.
func empty(v token.Value) bool {
	switch v.Raw() {
	case `""`, `null`, `[]`, `{}`, `false`:
		return true
	default:
		return false
	}
}

// statement is what counts of a token's claims beyond what core/token reads. Texts are empty for what is missing or no string.
type statement struct {
	*token.Claims
	use, typ, grant, kind string // token_use, typ, gty, idtyp
	oid                   string
	appid, cid, clientID  string // clientId
	name                  string // preferred_username
	scoped                bool   // there is scope or scp
	nonce, hash, events   bool   // there is nonce; at_hash, c_hash or s_hash; events
	bound                 bool   // there is cnf
	client                string // as the preset's claims say
}

// state reads the claims once. It is false for claims that no verifier filled in.
func state(c *token.Claims) (s statement, ok bool) {
	s.Claims = c
	v := c.Payload()
	if v.Kind() != token.KindObject {
		return s, false
	}
	m := v.Members()
	for m.Next() {
		switch m.Name() {
		case "token_use":
			s.use = said(m.Value())
		case "typ":
			s.typ = said(m.Value())
		case "gty":
			s.grant = said(m.Value())
		case "idtyp":
			s.kind = said(m.Value())
		case "oid":
			s.oid = said(m.Value())
		case "appid":
			s.appid = said(m.Value())
		case "cid":
			s.cid = said(m.Value())
		case "clientId":
			s.clientID = said(m.Value())
		case "preferred_username":
			s.name = said(m.Value())
		case "scope", "scp":
			s.scoped = true
		case "nonce":
			s.nonce = true
		case "at_hash", "c_hash", "s_hash":
			s.hash = true
		case "events":
			s.events = true
		case "cnf":
			s.bound = true
		}
	}
	return s, true
}

// said returns the text that a claim is; of any other value, and of an empty text, how it stands in the token, since a number, say,
// is not the same as nothing.
func said(v token.Value) string {
	text, _ := v.Text()
	if text == "" {
		return v.Raw()
	}
	return text
}

// match reports whether one of the rules is about a token.
func (m *Machines) match(s *statement) bool {
	if m.None {
		return false
	}
	if s.client != "" && (slices.Contains(m.Clients, s.client) || begins(s.client, m.ClientPrefixes)) || begins(s.Subject, m.SubjectPrefixes) {
		return true
	}
	for _, suffix := range m.SubjectSuffixes {
		if strings.HasSuffix(s.Subject, suffix) {
			return true
		}
	}
	for i := range m.Claims {
		v, _ := lookup(s.Claims, m.Claims[i].Claim)
		if text, ok := v.Text(); ok && text == m.Claims[i].Word {
			return true
		}
		if v.Kind() != token.KindArray {
			continue
		}
		c := v.Members()
		for c.Next() {
			if text, ok := c.Value().Text(); ok && text == m.Claims[i].Word {
				return true
			}
		}
	}
	return false
}

func begins(text string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// lookup returns a claim. A name with dots leads into objects, unless there is a claim with that very name.
func lookup(c *token.Claims, name string) (token.Value, bool) {
	v, there := c.Lookup(name)
	first, rest, dotted := cut(name, '.')
	if there || !dotted {
		return v, there
	}
	v, there = c.Lookup(first)
	for there && rest != "" {
		first, rest, _ = cut(rest, '.')
		v, there = v.Member(first)
	}
	return v, there
}

// permissions appends what the rules take from the claims: never the one that opens the administration, which only
// this service gives, and no more than anybody may hold.
func (r *Rules) permissions(list []string, c *token.Claims) []string {
	for n := range r.Permissions {
		from := &r.Permissions[n]
		v, _ := lookup(c, from.Claim)
		if text, ok := v.Text(); ok {
			for more := true; more; {
				var word string
				word, text, more = cut(text, ' ')
				list = from.take(list, word)
			}
			continue
		}
		if v.Kind() != token.KindArray {
			continue
		}
		m := v.Members()
		for m.Next() {
			if word, ok := m.Value().Text(); ok {
				list = from.take(list, word)
			}
		}
	}
	return sorted(list)
}

func (p *PermissionClaim) take(list []string, word string) []string {
	rest, ok := strings.CutPrefix(word, p.Strip)
	if !ok || rest == "" || len(list) >= access.MaxPermissions {
		return list
	}
	if word = rest; p.Add != "" {
		word = p.Add + rest
	}
	if word == access.Admin || !access.ValidPermission(word) {
		return list
	}
	return append(list, word)
}

// Permit appends to a list what somebody may who shows an issuer's token: what they hold here and what the token gives, sorted and
// without duplicates, but for the one to administer: an issuer can neither give that, nor sign in somebody who has it here to use it.
func Permit(to, held, given []string) []string {
	start := len(to)
	for _, list := range [...][]string{held, given} {
		for _, p := range list {
			if p != access.Admin && access.ValidPermission(p) {
				to = append(to, p)
			}
		}
	}
	return to[:start+len(sorted(to[start:]))]
}

// sorted sorts a list in place and drops what is there twice. It is for the few permissions that anybody holds: the library's sorting is
// quicker for many, and makes a module larger.
func sorted(list []string) []string {
	kept := list[:0]
	for _, word := range list {
		at := len(kept)
		for at > 0 && kept[at-1] > word {
			at--
		}
		if at > 0 && kept[at-1] == word {
			continue
		}
		kept = kept[:len(kept)+1]
		copy(kept[at+1:], kept[at:])
		kept[at] = word
	}
	return kept
}
