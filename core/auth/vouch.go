package auth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
)

// vouched are the tokens that were made about those who ask, by what they say. It is
// bounded: when the young ones are many, the old ones are dropped.
type vouched struct {
	mu         sync.Mutex
	young, old map[[32]byte]*voucher
}

const vouchers = 4096 // of each generation

// voucher is a token about somebody. Nobody changes it.
type voucher struct {
	text    string
	claims  token.Claims
	version uint64    // of the keys
	renew   time.Time // when another one is made
}

func (v *vouched) get(key [32]byte) *voucher {
	v.mu.Lock()
	defer v.mu.Unlock()
	if one := v.young[key]; one != nil {
		return one
	}
	one := v.old[key]
	if one != nil {
		v.insert(key, one)
	}
	return one
}

func (v *vouched) put(key [32]byte, one *voucher) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.insert(key, one)
}

func (v *vouched) insert(key [32]byte, one *voucher) {
	if v.young == nil || len(v.young) >= vouchers {
		v.old, v.young = v.young, make(map[[32]byte]*voucher)
	}
	v.young[key] = one
}

// Vouch returns an access token about who is asking, with the life of Settings.VouchLife or
// what is left of what they showed, for a service behind a proxy that asked us: it
// verifies one sort of token, whatever the request had. For half of its life the same token is
// returned again, unless it was revoked or its key is not ours any more. The identity is as
// Authenticate returned it; if something about it changed since, the error is Unavailable with the
// code "changed_meanwhile", and asking Authenticate again tells. Nobody in particular is
// Unauthenticated.
//
// What revokes the tokens of the subject or of the session revokes this one. The service
// that gets it can tell who asks, and cannot be them: with an access.VouchedToken nobody
// changes an account or administers, and in a cookie it is nothing.
func (s *Service) Vouch(ctx context.Context, id Identity) (string, error) {
	p := id.Principal
	switch {
	case p == nil || !p.SignedIn():
		return "", errUnauthenticated
	case p.Via == access.LocalOperator || p.Via == access.NoCredential:
		return "", errForbidden
	}
	set := s.keys.Load()
	if set == nil {
		return "", errNotLoaded
	}
	key, now := vouchKey(p), s.Now()
	if v := s.vouched.get(key); v != nil && v.version == set.version && now.Before(v.renew) && !s.revoked(&v.claims) {
		return v.text, nil
	}
	// Whatever changes after the time of issue is taken either shows in the epochs or
	// makes a mark that is not before that time.
	at := s.issueTime(p.Subject)
	if !s.changes.fresh(p.Subject, id.epoch) || p.Via == access.APIToken && !s.changes.fresh(p.Token, id.epoch) {
		return "", errChanged
	}
	claims, err := s.vouchClaims(p, at)
	if err != nil {
		return "", err
	}
	if s.revoked(&claims) {
		return "", errChanged
	}
	text, err := s.sign(ctx, accessType, claims)
	if err != nil {
		return "", fmt.Errorf("sign token about who is asking: %w", err)
	}
	life := time.Unix(claims.Expiry, 0).Sub(now)
	s.vouched.put(key, &voucher{text: text, claims: claims, version: set.version, renew: now.Add(life / 2)})
	return text, nil
}

var errChanged = fault.New(fault.Unavailable, "changed_meanwhile", "something changed while the request was looked at; please try again")

func (s *Service) vouchClaims(p *access.Principal, at time.Time) (token.Claims, error) {
	id, err := s.newID()
	if err != nil {
		return token.Claims{}, err
	}
	c := token.Claims{
		Issuer: s.Settings.Issuer, Audience: []string{s.Settings.Audience}, Subject: p.Subject, ClientID: s.Settings.Audience,
		AuthorizedParty: access.VouchedParty, ID: id, Session: p.Session, Tenant: p.Tenant, Username: p.Name, Permissions: p.Permissions,
	}
	if p.Kind == access.Machine {
		c.ClientID, c.Scope = p.Subject, strings.Join(p.Permissions, " ")
	}
	stamp(&c, at)
	c.Expiry = at.Add(s.Settings.VouchLife).Unix()
	if p.Expires != 0 {
		c.Expiry = min(c.Expiry, p.Expires/1000)
	}
	return c, nil
}

// vouchKey returns what stands for all that a token says of a principal.
func vouchKey(p *access.Principal) (key [32]byte) {
	h := sha256.New()
	var head [10]byte
	head[0], head[1] = byte(p.Kind), byte(p.Via)
	binary.BigEndian.PutUint64(head[2:], uint64(p.Expires)) //nolint:gosec // its bits
	h.Write(head[:])
	for _, text := range append([]string{p.Subject, p.Name, p.Tenant, p.Session, p.Token}, p.Permissions...) {
		writeText(h, text)
	}
	h.Sum(key[:0])
	return key
}

// writeText writes a text so that no two lists of texts are the same bytes.
func writeText(h hash.Hash, text string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(text)))
	h.Write(length[:])
	_, _ = io.WriteString(h, text)
}
