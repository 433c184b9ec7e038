package idp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Why a token is refused that core/token accepts. They say so with its reasons.
var (
	errSort    = fmt.Errorf("idp: no access token: %w", token.ErrType)
	errBound   = fmt.Errorf("idp: bound to a key, which a bearer does not show: %w", token.ErrType)
	errClient  = fmt.Errorf("idp: issued to a client that is not listed: %w", token.ErrAudience)
	errMissing = fmt.Errorf("idp: a claim that the configuration requires: %w", token.ErrClaimMissing)
	errSubject = fmt.Errorf("idp: the subject is none that the issuer may have: %w", token.ErrClaims)
)

// read holds verified claims against the configuration, and takes from them what it names.
func (i *Issuer) read(b *ports.Bearer) error {
	rule := i.preset.bearer
	s, err := state(&b.Claims)
	if err != nil {
		return token.ErrClaims
	}
	s.of(rule.client)
	switch {
	case !rule.access(&s, !i.typed):
		return errSort
	case s.bound: // RFC 7800 §3; whoever stole it would have nothing else either
		return errBound
	case len(i.config.Clients) > 0 && !slices.Contains(i.config.Clients, s.client):
		return errClient
	case user.CheckSubject(s.Subject) != nil || rule.speaks != nil && !rule.speaks(s.Issuer, s.Subject):
		return errSubject
	}
	for _, name := range i.config.Required {
		if v, there := b.Claims.Lookup(name); !there || slices.Contains([]string{`""`, `null`, `[]`, `{}`, `false`}, v.Raw()) {
			return errMissing
		}
	}
	b.Client = s.client
	if m := &i.config.Machines; m.isZero() {
		b.Machine = rule.machine(&s)
	} else {
		b.Machine = m.match(&s)
	}
	if b.Machine && b.Client == "" {
		b.Client = s.Subject
	}
	if name := i.config.TenantClaim; name != "" {
		v, _ := b.Claims.Lookup(name)
		b.Tenant, _ = v.Text()
		b.Tenant = printable(b.Tenant, maxClaim)
	}
	b.Permissions = i.permissions(&b.Claims)
	return nil
}

// match reports whether one of the rules is about a token.
func (r *MachineRules) match(s *statement) bool {
	begins := func(text string, list []string) bool {
		return slices.ContainsFunc(list, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
	}
	switch {
	case r.None:
		return false
	case s.client != "" && (slices.Contains(r.Clients, s.client) || begins(s.client, r.ClientPrefixes)), begins(s.Subject, r.SubjectPrefixes),
		slices.ContainsFunc(r.SubjectSuffixes, func(suffix string) bool { return strings.HasSuffix(s.Subject, suffix) }):
		return true
	}
	for name, want := range r.Claims {
		v, _ := lookup(s.Claims, name)
		if text, ok := v.Text(); ok && text == want {
			return true
		}
		if v.Kind() != token.KindArray {
			continue
		}
		for c := v.Members(); c.Next(); {
			if text, ok := c.Value().Text(); ok && text == want {
				return true
			}
		}
	}
	return false
}

// lookup returns a claim. A name with dots leads into objects, unless there is a claim with that very name.
func lookup(c *token.Claims, name string) (token.Value, bool) {
	v, there := c.Lookup(name)
	if there || !strings.Contains(name, ".") {
		return v, there
	}
	first, rest, _ := strings.Cut(name, ".")
	v, there = c.Lookup(first)
	for there && rest != "" {
		first, rest, _ = strings.Cut(rest, ".")
		v, there = v.Member(first)
	}
	return v, there
}

// permissions returns what the configuration takes from the claims: never the one that opens the administration, which only
// this service gives, and no more than anybody may hold.
func (i *Issuer) permissions(c *token.Claims) []string {
	var list []string
	for n := range i.config.Permissions {
		from := &i.config.Permissions[n]
		take := func(word string) {
			rest, ok := strings.CutPrefix(word, from.Strip)
			if word = from.Add + rest; ok && rest != "" && word != access.Admin && access.ValidPermission(word) && len(list) < access.MaxPermissions {
				list = append(list, word)
			}
		}
		v, _ := lookup(c, from.Claim)
		if text, ok := v.Text(); ok {
			for word := range strings.SplitSeq(text, " ") {
				take(word)
			}
			continue
		}
		if v.Kind() != token.KindArray {
			continue
		}
		for m := v.Members(); m.Next(); {
			if word, ok := m.Value().Text(); ok {
				take(word)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
