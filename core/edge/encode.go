package edge

import (
	"strconv"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
)

// AppendJSON appends the bundle as the payload of a JWS, the same one for equal bundles. It returns ErrBundle, ErrPolicy or ErrManyMarks,
// and the buffer as it was, for a bundle that ParseBundle would not read back.
//
//	{"iss":"https://id.example","number":7,"iat":1800000000,"exp":1800003600,"marks":{…},
//	 "aud":["https://api.example"],"required":["sub","iat"],"leeway":60,"keys":{"keys":[…]},
//	 "policy":[{"path":"/orders/**","methods":["GET"],"access":"session_or_token","only":"user","permissions":["orders:read"]}],
//	 "site":{"origin":"https://id.example","origins":["https://app.example"],"session":"…","access":"…","refresh":"…"},
//	 "issuers":[…],"api_tokens":true,"holders":[…]}
//
// A delta has "base" after "number" and ends with its marks. What is empty is left out.
func (b *Bundle) AppendJSON(to []byte) ([]byte, error) {
	if err := b.check(); err != nil {
		return to, err
	}
	start := len(to)
	w := writer{append(to, '{')}
	w.text("iss", b.Issuer)
	w.int("number", b.Number)
	w.int("base", b.Base)
	w.int("iat", b.IssuedAt)
	w.int("exp", b.Expires)
	if b.Marks.Len() > 0 || b.Marks != nil && b.Marks.seed != (Seed{}) {
		w.to = b.Marks.AppendJSON(w.name("marks"))
	}
	if b.Base > 0 {
		return append(w.to, '}'), nil
	}
	w.texts("aud", b.Audiences)
	w.texts("types", b.Types)
	w.texts("required", b.Required)
	w.int("leeway", b.Leeway)
	if b.Keys != nil && b.Keys.Len() > 0 {
		var err error
		if w.to, err = b.Keys.AppendJWKS(w.name("keys")); err != nil {
			return to[:start], ErrBundle
		}
	}
	if len(b.Rules) > 0 {
		w.name("policy")
		for i := range b.Rules {
			w.element(i, '[')
			w.rule(&b.Rules[i])
		}
		w.to = append(w.to, ']')
	}
	if s := &b.Site; s.Origin != "" || len(s.Origins) > 0 || s.Access != "" {
		w.to = append(w.name("site"), '{')
		w.text("origin", s.Origin)
		w.texts("origins", s.Origins)
		w.text("session", s.Session)
		w.text("access", s.Access)
		w.text("refresh", s.Refresh)
		w.to = append(w.to, '}')
	}
	if len(b.Issuers) > 0 {
		w.name("issuers")
		for i := range b.Issuers {
			w.element(i, '[')
			if !w.issuer(&b.Issuers[i]) {
				return to[:start], ErrBundle
			}
		}
		w.to = append(w.to, ']')
	}
	if b.APITokens {
		w.to = append(w.name("api_tokens"), "true"...)
	}
	if len(b.Holders) > 0 {
		w.name("holders")
		for i := range b.Holders {
			w.element(i, '[')
			w.holder(&b.Holders[i])
		}
		w.to = append(w.to, ']')
	}
	return append(w.to, '}'), nil
}

// writer appends members of JSON objects. What is empty is left out.
type writer struct{ to []byte }

// name appends a comma, unless it would follow an opening brace, and the name.
func (w *writer) name(name string) []byte {
	if w.to[len(w.to)-1] != '{' {
		w.to = append(w.to, ',')
	}
	w.to = append(append(append(w.to, '"'), name...), '"', ':')
	return w.to
}

// element appends what stands before the i-th element of an array.
func (w *writer) element(i int, opening byte) {
	if i > 0 {
		opening = ','
	}
	w.to = append(w.to, opening)
}

func (w *writer) text(name, text string) {
	if text != "" {
		w.to = token.AppendText(w.name(name), text)
	}
}

func (w *writer) int(name string, n int64) {
	if n != 0 {
		w.to = strconv.AppendInt(w.name(name), n, 10)
	}
}

func (w *writer) texts(name string, list []string) {
	if len(list) > 0 {
		w.to = appendTexts(w.name(name), list)
	}
}

func (w *writer) rule(r *access.Rule) {
	w.to = append(w.to, '{')
	w.text("path", r.Path)
	w.texts("methods", r.Methods)
	w.text("access", r.Demand.String())
	if r.Only != access.Anonymous {
		w.text("only", r.Only.String())
	}
	w.texts("permissions", r.Permissions)
	w.to = append(w.to, '}')
}
