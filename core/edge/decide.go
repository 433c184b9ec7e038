package edge

import (
	"sync"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

// maxBearer bounds a token in bytes, as at the server.
const maxBearer = 16 << 10

// Pending is a request whose token's signature has yet to be verified. Its zero value is ready for use, for one request after
// another.
type Pending struct {
	// Token has the key, the signed bytes and the signature. With Token.Volatile a verdict shares this Pending's memory, and is
	// good until its next use.
	Token token.Pending

	state  *state
	wanted bool // a signature is
	rule   *access.Rule
	via    access.Credential
	bearer bool
	input  []byte

	abroad      *foreign // whose token it is; nil for ours
	bearing     issuer.Bearing
	permissions []string
	hashed      []byte
	probe       token.Claims // what marks are asked about
}

// The rules of decisions without a route, and of requests whose path is refused.
var anyRule = &access.Rule{Demand: access.SessionOrToken}

var pendings = sync.Pool{New: func() any { return new(Pending) }}

// Decide decides about a request at the time now (Unix milliseconds) and fills in out, replacing what it held. A request without a
// method and a path is judged by its credential alone, as where the policy takes any session or token.
func (v *Verifier) Decide(r *Request, now int64, out *Verdict) {
	p, ok := pendings.Get().(*Pending)
	if !ok {
		p = new(Pending)
	}
	if v.PrepareDecide(r, now, p, out) {
		v.FinishDecide(p, p.Token.Check(), now, out)
	}
	p.state, p.abroad = nil, nil
	if cap(p.input) <= maxBearer {
		pendings.Put(p)
	}
}

// Verify decides about a token alone, as of an Authorization header.
func (v *Verifier) Verify(compact string, now int64, out *Verdict) {
	r := Request{HasAuthorization: true, Authorization: "Bearer " + compact}
	v.Decide(&r, now, out)
}

// PrepareDecide is the first half of Decide. When it returns true, a signature is wanted: the host verifies p.Token.Signature over
// p.Token.SigningInput under p.Token.Key, with the one algorithm that the key names, and calls FinishDecide. Otherwise out is the verdict.
func (v *Verifier) PrepareDecide(r *Request, now int64, p *Pending, out *Verdict) (wanted bool) {
	*out = Verdict{Rule: -1}
	p.state, p.wanted = v.state.Load(), false
	if !v.usable(p.state, now, out) {
		return false
	}
	p.rule, p.bearer, p.abroad = anyRule, r.HasAuthorization, nil
	alone := r.Method == "" && r.Path == ""
	if !alone {
		rule, index, ok := p.state.policy.Match(r.Method, r.Path)
		if !ok {
			p.refuse(out, access.PathRefused)
			return false
		}
		p.rule, out.Rule = rule, index
	}
	site := &p.state.bundle.Site
	shown := r.credential(site)
	switch {
	case !alone && r.crossOrigin(site):
		p.deny(out, 403, "cross_origin", "another site's page may not do this")
	case shown.ambiguous:
		p.deny(out, 401, "cookie_twice", "a cookie of ours came more than once; clear this site's cookies and sign in")
	case shown.bearer && isAPIToken(shown.token):
		p.apiToken(shown.token, now, out)
	case shown.bearer || shown.token != "":
		p.wanted = p.signed(&shown, out)
	case shown.session:
		p.deny(out, 401, "session_opaque", "only the server knows this session; refresh the access token")
	default:
		p.admit(out, &access.Principal{})
	}
	return p.wanted
}

// signed begins to decide about a signed token, of ours or, in a header, of another issuer.
func (p *Pending) signed(s *shown, out *Verdict) (wanted bool) {
	if len(s.token) > maxBearer {
		p.denyToken(out, token.ErrTooLong)
		return false
	}
	p.via = access.AccessCookie
	p.input = append(p.input[:0], s.token...)
	if s.bearer {
		p.via = access.AccessToken
		if len(p.state.foreign) > 0 {
			url, err := p.Token.PeekIssuer(p.input)
			if err != nil {
				p.denyToken(out, err)
				return false
			}
			if url != p.state.bundle.Issuer {
				return p.foreign(url, out)
			}
		}
	}
	if p.state.own == nil {
		p.deny(out, 503, "keys_elsewhere", "only the server has the keys of its tokens")
		return false
	}
	if err := p.state.own.Prepare(p.input, &p.Token); err != nil {
		p.denyToken(out, err)
		return false
	}
	return true
}

// FinishDecide is the second half of Decide, with whether the signature that PrepareDecide wanted is good. The same p and out are
// given. Where no signature is wanted, or not any more, it refuses.
func (v *Verifier) FinishDecide(p *Pending, good bool, now int64, out *Verdict) {
	wanted, latest := p.wanted, v.state.Load()
	p.wanted = false
	switch {
	case !wanted:
		out.refuse(503, "not_prepared", "no signature is wanted", false)
	case !v.usable(latest, now, out):
	case !good:
		p.denyToken(out, token.ErrSignature)
	case p.abroad != nil:
		p.finishForeign(latest.marks, now, out)
	default:
		p.finish(latest.marks, now, out)
	}
}

func (p *Pending) finish(marks *Marks, now int64, out *Verdict) {
	c := &out.Claims
	err := p.state.own.Finish(&p.Token, now/1000, c)
	if err == nil && marks.Revoked(c) {
		err = token.ErrRevoked
	}
	if err != nil {
		p.denyToken(out, err)
		return
	}
	who := access.Of(c, p.via)
	if p.via == access.AccessCookie && (who.Session == "" || who.Kind != access.User || who.Via != p.via) {
		p.deny(out, 401, "token_sessionless", "this token belongs to no session")
		return
	}
	p.admit(out, &who)
}

// admit holds a principal against the rule.
func (p *Pending) admit(out *Verdict, who *access.Principal) {
	if reason := p.rule.Admits(who); reason != access.Allowed {
		p.refuse(out, reason)
		return
	}
	out.Status, out.Code, out.Principal = 200, "allowed", *who
}

// refuse refuses as the policy does.
func (p *Pending) refuse(out *Verdict, reason access.Reason) {
	out.refuse(reason.Status(), reason.String(), reason.Detail(), p.bearer)
}

// deny refuses for what is wrong with the credential, unless the rule lets anybody through, who is nobody then.
func (p *Pending) deny(out *Verdict, status int, code, detail string) {
	if p.rule.Demand == access.Public {
		out.Claims = token.Claims{}
		p.admit(out, &access.Principal{})
		return
	}
	out.refuse(status, code, detail, p.bearer)
}

// denyToken is deny for a signed token.
func (p *Pending) denyToken(out *Verdict, err error) {
	reason := token.ReasonOf(err)
	if int(reason) >= len(tokenCodes) {
		reason = token.ReasonOther
	}
	p.deny(out, 401, tokenCodes[reason], tokenDetails[reason])
}

// The codes and sentences of token.Reasons, made beforehand.
var tokenCodes, tokenDetails = func() (codes, details [token.ReasonConfig + 1]string) {
	for i := range codes {
		word := token.Reason(i).String()
		codes[i], details[i] = "token_"+word, "this access token is not valid: "+word
	}
	return codes, details
}()
