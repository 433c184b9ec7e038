package edge

import (
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

// Issuer is another authorization server whose access tokens the server takes. Its tokens are decided at the edge where the
// bundle has its keys; else they are for the server alone, and nothing but the URL counts.
type Issuer struct {
	URL        string        // the "iss" of its tokens
	Keys       *token.KeySet // public ones; nil when only the server has them, or they are a secret
	Name       string        // under which the server knows it, in the subjects of its machines
	Audiences  []string      // what aud must name one of; anything if empty
	Types      []string      // the accepted typ, "" for none
	Algorithms []string      // the accepted alg
	Life       int64         // how old a token may be, in seconds
	Users      string        // whose tokens of people are taken: UsersRefused, UsersKnown or UsersMade
	Tenant     string        // of everybody of whom it says no tenant that is in Tenants; they are refused if it is empty
	Tenants    []Tenant      // by ascending Said, without duplicates
	Rules      issuer.Rules
}

// Tenant is a tenant, by what an issuer says of it.
type Tenant struct{ Said, ID string }

// Whose tokens of people are taken.
const (
	UsersRefused = "refused" // nobody's
	UsersKnown   = "known"   // of who is among the holders
	UsersMade    = "made"    // likewise; the server makes everybody else a user
)

// MaxTenants is how many tenants of one issuer a bundle holds, and MaxForeignLife the greatest Life.
const (
	MaxTenants     = 1 << 16
	MaxForeignLife = 31 * 24 * 3600
)

// leeway is how far clocks of other issuers may differ, in seconds, as at the server.
const leeway = token.DefaultLeeway

// check reports whether all of an issuer can be carried.
func (i *Issuer) check() bool {
	if i.URL == "" || len(i.URL) > maxText {
		return false
	}
	if i.Keys == nil {
		return true
	}
	if i.Keys.Len() == 0 || symmetric(i.Keys) || i.Name == "" || len(i.Name) > maxText || len(i.Tenant) > maxText || len(i.Tenants) > MaxTenants ||
		!bounded(i.Audiences) || !bounded(i.Types) || !bounded(i.Algorithms) || len(i.Types) == 0 || len(i.Algorithms) == 0 ||
		i.Life <= 0 || i.Life > MaxForeignLife || i.Users != UsersRefused && i.Users != UsersKnown && i.Users != UsersMade {
		return false
	}
	for n := range i.Tenants {
		t := &i.Tenants[n]
		if t.Said == "" || t.ID == "" || len(t.Said) > maxText || len(t.ID) > maxText || n > 0 && i.Tenants[n-1].Said >= t.Said {
			return false
		}
	}
	return i.Rules.Check() == nil
}

// tenantOf returns the tenant here of somebody of whom the issuer says this one, or nothing; "" if they may not come in.
func (i *Issuer) tenantOf(said string) string {
	low, high := 0, len(i.Tenants)
	for low < high {
		if mid := int(uint(low+high) >> 1); i.Tenants[mid].Said < said {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(i.Tenants) && i.Tenants[low].Said == said {
		return i.Tenants[low].ID
	}
	return i.Tenant
}

var issuerMembers = [...]string{"iss", "keys", "name", "aud", "types", "alg", "life", "users", "tenant", "tenants", "rules"}

func (w *writer) issuer(i *Issuer) bool {
	if !i.check() {
		return false
	}
	w.to = append(w.to, '{')
	w.text("iss", i.URL)
	if i.Keys != nil {
		var err error
		if w.to, err = i.Keys.AppendJWKS(w.name("keys")); err != nil {
			return false
		}
		w.text("name", i.Name)
		w.texts("aud", i.Audiences)
		w.texts("types", i.Types)
		w.texts("alg", i.Algorithms)
		w.int("life", i.Life)
		w.text("users", i.Users)
		w.text("tenant", i.Tenant)
		if len(i.Tenants) > 0 {
			w.name("tenants")
			for n := range i.Tenants {
				w.element(n, '[')
				w.to = appendTexts(w.to, []string{i.Tenants[n].Said, i.Tenants[n].ID})
			}
			w.to = append(w.to, ']')
		}
		w.to = i.Rules.AppendJSON(w.name("rules"))
	}
	w.to = append(w.to, '}')
	return true
}

func (r *reader) issuers(v token.Value) (list []Issuer) {
	if v.Kind() == token.KindInvalid {
		return nil
	}
	r.ok = r.ok && v.Kind() == token.KindArray
	c := v.Members()
	for r.ok && c.Next() {
		var f [len(issuerMembers)]token.Value
		if r.ok = len(list) < MaxIssuers && members(c.Value(), issuerMembers[:], f[:]); !r.ok {
			return nil
		}
		i := Issuer{URL: r.text(f[0])}
		if f[1].Kind() == token.KindInvalid {
			for _, other := range f[2:] {
				r.ok = r.ok && other.Kind() == token.KindInvalid
			}
		} else {
			r.issuer(&i, f[1:])
		}
		r.ok = r.ok && i.check()
		list = append(list, i)
	}
	r.ok = r.ok && len(list) > 0
	return list
}

// issuer reads what stands behind the URL.
func (r *reader) issuer(i *Issuer, f []token.Value) {
	var err error
	if i.Keys, err = token.ParseKeySet([]byte(f[0].Raw())); err != nil {
		r.ok = false
		return
	}
	i.Name, i.Audiences, i.Types, i.Algorithms, i.Life = r.text(f[1]), r.texts(f[2]), r.texts(f[3]), r.texts(f[4]), r.int(f[5])
	i.Users, i.Tenant, i.Tenants = r.text(f[6]), r.text(f[7]), r.tenants(f[8])
	if i.Rules, err = issuer.Parse(f[9]); err != nil {
		r.ok = false
	}
}

// tenants reads pairs of texts.
func (r *reader) tenants(v token.Value) (list []Tenant) {
	if v.Kind() == token.KindInvalid {
		return nil
	}
	r.ok = r.ok && v.Kind() == token.KindArray
	c := v.Members()
	for r.ok && c.Next() {
		pair := r.texts(c.Value())
		if r.ok = r.ok && len(pair) == 2 && len(list) < MaxTenants; !r.ok {
			return nil
		}
		list = append(list, Tenant{pair[0], pair[1]})
	}
	r.ok = r.ok && len(list) > 0
	return list
}

// foreign is an issuer with what is made of it. It never changes.
type foreign struct {
	*Issuer
	verifier *token.Verifier // nil where its tokens are for the server
	typed    bool            // the header of every accepted token says that it is an access token
	lacking  []string        // algorithms that it may use and that are not verified here
}

// foreigners makes the issuers of a bundle ready. One whose keys cannot be used here is for the server: what others publish keeps
// no bundle from being loaded.
func (v *Verifier) foreigners(b *Bundle) ([]foreign, error) {
	list := make([]foreign, 0, len(b.Issuers))
	for n := range b.Issuers {
		i := &b.Issuers[n]
		if !i.check() || i.URL == b.Issuer || lookUp(list, i.URL) != nil {
			return nil, ErrBundle
		}
		f := foreign{Issuer: i, typed: issuer.Typed(i.Types)}
		if i.Keys != nil {
			var algorithms []token.Algorithm
			for _, name := range i.Algorithms {
				a := v.algorithm(name)
				if a == nil {
					a = token.Delegated(name)
					f.lacking = append(f.lacking, name)
				}
				algorithms = append(algorithms, a)
			}
			made, err := token.NewVerifier(token.VerifierConfig{
				Issuer: i.URL, Audiences: i.Audiences, AnyAudience: len(i.Audiences) == 0, Types: i.Types, Algorithms: algorithms,
				Keys: i.Keys, Required: foreignRequired, Leeway: leeway, MaxLength: maxBearer,
			})
			if err == nil {
				f.verifier = made
			}
		}
		list = append(list, f)
	}
	return list, nil
}

var foreignRequired = []string{"sub", "iat"}

// algorithm returns the primitive with this name, or nil.
func (v *Verifier) algorithm(name string) token.Algorithm {
	for _, a := range v.algorithms {
		if a.Name() == name {
			return a
		}
	}
	return nil
}

// lookUp returns the issuer with this URL, or nil.
func lookUp(list []foreign, url string) *foreign {
	for i := range list {
		if list[i].URL == url {
			return &list[i]
		}
	}
	return nil
}

// foreign begins to decide about the token of another issuer, which is in p.input.
func (p *Pending) foreign(url string, out *Verdict) (wanted bool) {
	f := lookUp(p.state.foreign, url)
	if f == nil {
		p.denyToken(out, token.ErrIssuer)
		return false
	}
	if f.verifier == nil {
		p.issuerElsewhere(out)
		return false
	}
	if err := f.verifier.Prepare(p.input, &p.Token); err != nil {
		p.denyToken(out, err)
		return false
	}
	alg := p.Token.Key.Algorithm()
	for _, lacking := range f.lacking {
		if lacking == alg {
			p.issuerElsewhere(out)
			return false
		}
	}
	p.abroad, p.via = f, access.ForeignToken
	return true
}

func (p *Pending) issuerElsewhere(out *Verdict) {
	p.deny(out, 503, "issuer_elsewhere", "tokens of this issuer are for the server to decide about")
}

// finishForeign is finish for the token of another issuer.
func (p *Pending) finishForeign(marks *Marks, now int64, out *Verdict) {
	f, c, b := p.abroad, &out.Claims, &p.bearing
	err := f.verifier.Finish(&p.Token, now/1000, c)
	if err == nil {
		err = f.Rules.Read(c, f.typed, b)
	}
	switch {
	case err != nil:
	case c.IssuedAt <= 0, c.Expiry <= 0:
		err = token.ErrClaimMissing
	case now/1000 >= c.IssuedAt+f.Life+leeway+1:
		err = token.ErrTooOld
	}
	if err != nil {
		p.denyToken(out, err)
		return
	}
	who := access.Principal{
		Kind: access.Machine, Via: access.ForeignToken, Tenant: f.tenantOf(b.Tenant), Token: c.ID, Expires: c.Expiry * 1000,
	}
	var held []string
	marked := ""
	switch {
	case who.Tenant == "":
		p.barred(out)
		return
	case b.Machine:
		marked = p.Token.Join(issuer.Marked, f.Name, "|", c.Subject)
		who.Subject = marked[len(issuer.Marked):]
	default:
		h := p.person(marks, now, who.Tenant, out)
		if h == nil {
			return
		}
		marked = p.Token.Join(issuer.Marked, h.Subject)
		who.Kind, who.Subject, who.Name, held = access.User, h.Subject, h.Name, h.Permissions
	}
	if p.revoked(marks, marked, c.IssuedAt) {
		p.denyToken(out, token.ErrRevoked)
		return
	}
	if p.Token.Volatile {
		p.permissions = issuer.Permit(p.permissions[:0], held, b.Permissions)
		who.Permissions = p.permissions
	} else {
		who.Permissions = issuer.Permit(nil, held, b.Permissions)
	}
	p.admit(out, &who)
}

// person returns whom the token of another issuer is about, who belongs to this tenant; nil when they are refused.
func (p *Pending) person(marks *Marks, now int64, home string, out *Verdict) *Holder {
	f, c := p.abroad, &out.Claims
	if f.Users == UsersRefused {
		p.deny(out, 401, "token_user", "tokens of this issuer are taken from machines only")
		return nil
	}
	p.hashed = appendSubject(p.hashed[:0], c.Issuer, c.Subject)
	h := p.state.bundle.holder(hashBytes(p.hashed))
	switch {
	case h == nil || h.Token != "":
		p.stranger(marks, out)
	case h.Tenant != home:
		p.barred(out)
	case now < h.BannedUntil:
		p.deny(out, 401, "banned", "the account of this token is banned")
	default:
		return h
	}
	return nil
}

// stranger refuses who is no holder. The server alone makes people users, and none by a token from before one was deleted.
func (p *Pending) stranger(marks *Marks, out *Verdict) {
	c := &out.Claims
	switch {
	case p.abroad.Users != UsersMade:
		p.deny(out, 401, "token_stranger", "nobody here has this account of the issuer")
	case p.revoked(marks, p.Token.Join(issuer.Marked, issuer.IdentityWord, c.Issuer, " ", c.Subject), c.IssuedAt):
		p.denyToken(out, token.ErrRevoked)
	default:
		p.deny(out, 503, "user_unknown_here", "only the server can make a user of whom this token is about")
	}
}

// revoked reports whether a mark with this name is on a token that was issued then, in Unix seconds.
func (p *Pending) revoked(marks *Marks, name string, issued int64) bool {
	p.probe = token.Claims{Subject: name, IssuedAt: issued}
	return marks.Revoked(&p.probe)
}

// barred refuses who is nobody here.
func (p *Pending) barred(out *Verdict) {
	p.deny(out, 401, "tenant", "nobody may come in here with this token")
}
