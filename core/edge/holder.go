package edge

import (
	"strings"

	"github.com/hexward/hexward/core/token"
)

// Holder is who shows a credential that the edge knows by a hash only: an API token, or the subject of another issuer's token.
type Holder struct {
	Hash        [16]byte // see HashAPIToken
	Subject     string
	Name        string
	Tenant      string
	Permissions []string // sorted, without duplicates
	Token       string   // the API token's id; empty for a subject
	Expires     int64    // the API token's, in Unix milliseconds; 0 for never
}

// HashAPIToken returns what an API token is known by: the first half of the SHA-256 of its text.
func HashAPIToken(text string) (h [16]byte) {
	sum := token.Digest(text)
	copy(h[:], sum[:])
	return h
}

// apiTokenPrefix is what API tokens begin with.
const apiTokenPrefix = "hxw_"

var holderMembers = [...]string{"hash", "sub", "name", "tenant", "permissions", "jti", "exp"}

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
	w.to = append(w.to, '}')
}

func (r *reader) holders(v token.Value) (list []Holder) {
	if v.Kind() == token.KindInvalid {
		return nil
	}
	r.ok = r.ok && v.Kind() == token.KindArray
	for c := v.Members(); r.ok && c.Next(); {
		var f [len(holderMembers)]token.Value
		r.ok = len(list) < MaxHolders && members(c.Value(), holderMembers[:], f[:])
		h := Holder{
			Subject: r.text(f[1]), Name: r.text(f[2]), Tenant: r.text(f[3]), Permissions: r.texts(f[4]), Token: r.text(f[5]), Expires: r.int(f[6]),
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

// apiToken decides about an API token, of which this bundle has none.
func (p *Pending) apiToken(_ string, _ int64, out *Verdict) {
	p.deny(out, 503, "api_token_elsewhere", "API tokens are for the server to decide about")
}

func isAPIToken(text string) bool { return strings.HasPrefix(text, apiTokenPrefix) }
