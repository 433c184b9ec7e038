package edge

import "github.com/hexward/hexward/core/token"

// Issuer is another authorization server whose access tokens the server takes. Its tokens are not decided at the edge.
type Issuer struct {
	Name string // under which the server knows it
	URL  string // the "iss" of its tokens
}

var issuerMembers = [...]string{"name", "iss"}

func (w *writer) issuer(i *Issuer) bool {
	w.to = append(w.to, '{')
	w.text("name", i.Name)
	w.text("iss", i.URL)
	w.to = append(w.to, '}')
	return i.Name != "" && i.URL != ""
}

func (r *reader) issuers(v token.Value) (list []Issuer) {
	if v.Kind() == token.KindInvalid {
		return nil
	}
	r.ok = r.ok && v.Kind() == token.KindArray
	for c := v.Members(); r.ok && c.Next(); {
		var f [len(issuerMembers)]token.Value
		r.ok = len(list) < MaxIssuers && members(c.Value(), issuerMembers[:], f[:])
		i := Issuer{Name: r.text(f[0]), URL: r.text(f[1])}
		r.ok = r.ok && i.Name != "" && i.URL != ""
		list = append(list, i)
	}
	r.ok = r.ok && len(list) > 0
	return list
}

// foreign begins to decide about a token of another issuer, which is not this bundle's.
func (p *Pending) foreign(_ string, issuer string, out *Verdict) (wanted bool) {
	for i := range p.state.bundle.Issuers {
		if p.state.bundle.Issuers[i].URL == issuer {
			p.deny(out, 503, "issuer_elsewhere", "tokens of this issuer are for the server to decide about")
			return false
		}
	}
	p.denyToken(out, token.ErrIssuer)
	return false
}
