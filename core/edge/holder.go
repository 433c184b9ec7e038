package edge

import (
	"crypto/sha256"
	"strings"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
)

// Holder is who shows a credential that the edge knows by a hash only: an API token, or the subject of another issuer's token.
type Holder struct {
	Hash        [16]byte // see HashAPIToken and HashSubject
	Subject     string
	Name        string
	Tenant      string
	Permissions []string // sorted, without duplicates
	Token       string   // the API token's id; empty for a subject
	Expires     int64    // the API token's, in Unix milliseconds; 0 for never
	BannedUntil int64    // until when the user is shut out, in Unix milliseconds; 0 for not at all
}

// BannedForever is the BannedUntil of a ban without an end.
const BannedForever = maxNumber

// HashAPIToken returns what an API token is known by: the first half of the SHA-256 of its text.
func HashAPIToken(text string) (h [16]byte) {
	sum := token.Digest(text)
	copy(h[:], sum[:])
	return h
}

// HashSubject returns what a subject of another issuer is known by: the first half of a SHA-256 over both, so that no two pairs are
// the same text, nor the text of an API token.
func HashSubject(issuer, subject string) (h [16]byte) {
	return hashBytes(appendSubject(nil, issuer, subject))
}

func appendSubject(to []byte, issuer, subject string) []byte {
	n := uint32(len(issuer))
	to = append(to, "subject "...)
	to = append(to, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(append(to, issuer...), subject...)
}

func hashBytes(b []byte) (h [16]byte) {
	sum := sha256.Sum256(b)
	copy(h[:], sum[:])
	return h
}

var holderMembers = [...]string{"hash", "sub", "name", "tenant", "permissions", "jti", "exp", "banned"}

func (w *writer) holder(h *Holder) {
	w.to = append(w.to, `{"hash":"`...)
	bits := bitWriter{to: w.to}
	for _, b := range h.Hash {
		bits.put(uint64(b), 8)
	}
	w.to = append(bits.end(), '"')
	w.text("sub", h.Subject)
	w.text("name", h.Name)
	w.text("tenant", h.Tenant)
	w.texts("permissions", h.Permissions)
	w.text("jti", h.Token)
	w.int("exp", h.Expires)
	w.int("banned", h.BannedUntil)
	w.to = append(w.to, '}')
}

func (r *reader) holders(v token.Value) (list []Holder) {
	if v.Kind() == token.KindInvalid {
		return nil
	}
	r.ok = r.ok && v.Kind() == token.KindArray
	c := v.Members()
	for r.ok && c.Next() {
		var f [len(holderMembers)]token.Value
		r.ok = len(list) < MaxHolders && members(c.Value(), holderMembers[:], f[:])
		h := Holder{
			Subject: r.text(f[1]), Name: r.text(f[2]), Tenant: r.text(f[3]), Permissions: r.texts(f[4]), Token: r.text(f[5]), Expires: r.int(f[6]),
			BannedUntil: r.int(f[7]),
		}
		text, ok := bare(f[0])
		bits := bitReader{text: text}
		for i := range h.Hash {
			h.Hash[i] = byte(bits.take(8))
		}
		r.ok = r.ok && ok && bits.end() && h.Subject != ""
		list = append(list, h)
	}
	r.ok = r.ok && len(list) > 0
	return list
}

// sortedHolders reports whether no hash is there twice and each is greater than the one before.
func sortedHolders(list []Holder) bool {
	for i := 1; i < len(list); i++ {
		if compareHashes(&list[i-1].Hash, &list[i].Hash) >= 0 {
			return false
		}
	}
	return true
}

func compareHashes(a, b *[16]byte) int {
	for i := range a {
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return 0
}

// holder returns whose hash this is, or nil.
func (b *Bundle) holder(hash [16]byte) *Holder {
	low, high := 0, len(b.Holders)
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := compareHashes(&b.Holders[mid].Hash, &hash); {
		case c == 0:
			return &b.Holders[mid]
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return nil
}

// apiToken decides about an API token. It may what its owner could when the bundle was made, of what it was made for.
func (p *Pending) apiToken(text string, now int64, out *Verdict) {
	if !token.ValidOpaque(token.APITokenPrefix, text) {
		p.deny(out, 401, "token_form", "this is not a token of ours, or not all of it")
		return
	}
	if !p.state.bundle.APITokens {
		p.deny(out, 503, "api_token_elsewhere", "API tokens are for the server to decide about")
		return
	}
	h := p.state.bundle.holder(HashAPIToken(text))
	if h == nil || h.Token == "" || h.Expires != 0 && now >= h.Expires || now < h.BannedUntil {
		p.deny(out, 401, "token_unknown", "this API token is not valid")
		return
	}
	p.admit(out, &access.Principal{
		Kind: access.User, Via: access.APIToken, Subject: h.Subject, Name: h.Name, Tenant: h.Tenant, Permissions: h.Permissions,
		Token: h.Token, Expires: h.Expires,
	})
}

func isAPIToken(text string) bool { return strings.HasPrefix(text, token.APITokenPrefix) }
