package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// Edge is what bundles for edge verifiers (package edge) are made of, besides what the
// service knows anyway: its keys, and its revocation marks.
type Edge struct {
	Keys    ports.Keys    // that sign bundles, and never tokens: another store than Config.Keys
	Numbers ports.Numbers // of bundles, which rise whatever the clock does

	Policy    *access.Policy // what verifiers decide by; a nil one demands a session for everything
	Site      edge.Site      // what a browser sees of the server
	APITokens bool           // API tokens are decided about too: bundles carry their hashes and whose they are
}

// Bundle is a bundle or a delta, signed. Nobody changes one.
type Bundle struct {
	Number   int64
	Base     int64 // of a delta, the number that it was asked for since; 0 for a whole bundle
	IssuedAt time.Time
	Expires  time.Time
	Compact  []byte // a compact JWS
}

var (
	errNoBundles = fault.New(fault.NotFound, "bundle_off", "bundles for edge verifiers are not published here")
	errNoBundle  = fault.New(fault.Unavailable, "bundle_unavailable", "there is no bundle at the moment; please try again")
)

// checkEdge names what is missing for bundles.
func (c *Config) checkEdge() error {
	e := c.Edge
	if e == nil {
		return nil
	}
	var errs []error
	if e.Keys == nil {
		errs = append(errs, errors.New("Edge.Keys is required"))
	}
	if e.Numbers == nil {
		errs = append(errs, errors.New("Edge.Numbers is required"))
	}
	if _, err := (&edge.Bundle{Issuer: c.Settings.Issuer, Audiences: []string{c.Settings.Audience}, Site: e.Site}).AppendJSON(nil); err != nil {
		errs = append(errs, errors.New("Edge.Site, or the issuer or audience, is more than a bundle holds"))
	}
	return errors.Join(errs...)
}

// carries reports whether bundles say whose API tokens or subjects there are.
func (s *Service) carries() bool {
	if s.Edge == nil {
		return false
	}
	for i := range s.Issuers {
		if s.Issuers[i].Edge {
			return true
		}
	}
	return s.Edge.APITokens
}

// Bundle returns what a verifier needs that holds the bundle since: the marks that were
// added after it, or the whole bundle when more has changed or since is not known
// here, 0 for nothing held; nil when there is nothing newer.
//
// A bundle is made when somebody asks and something has changed, so it tells all that
// was revoked before the call, but for the last BundlePause. It is renewed when the
// fourth part of its life is over. While the store is down there is no number for
// another one, and nobody knows what other processes revoked: then the latest is given
// out until it ends, which verifiers that hold it go by anyway, and nothing newer is
// signed. When there is none, or it has ended, the error is Unavailable; NotFound
// without Config.Edge.
func (s *Service) Bundle(ctx context.Context, since int64) (*Bundle, error) {
	b := &s.bundles
	if s.Edge == nil {
		return nil, errNoBundles
	}
	if s.keys.Load() == nil {
		return nil, errNotLoaded
	}
	if s.nothingNewer(since) {
		return nil, nil
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, ports.Ended(ctx)
	}
	now := s.Now()
	if s.bundleDue(now) {
		err := s.issueBundle(ctx, now)
		if ended := ports.Ended(ctx); err != nil && ended != nil {
			b.mu.Lock()
			b.touch() // for whoever asks next
			b.mu.Unlock()
			return nil, ended
		}
		if err != nil && b.failed == nil && b.current != nil {
			s.Report(ctx, "make a bundle", err) // once, until it works again
		}
		b.mu.Lock()
		b.tried, b.failed = now, err
		if err != nil {
			b.touch()
		}
		b.mu.Unlock()
	}
	switch c := b.current; {
	case (c == nil || !now.Before(c.expires)) && b.failed != nil:
		return nil, b.failed
	case c == nil || !now.Before(c.expires): // the clock was set back, and another one is due soon
		return nil, errNoBundle
	case since >= c.number:
		return nil, nil
	}
	return s.signedSince(ctx, since, now)
}

// BundleStale returns a channel that is closed as long as there may be a newer bundle
// than the last one that Bundle returned. Whoever waits for one asks again then, after
// BundlePause, and from time to time all the same: bundles end, too.
func (s *Service) BundleStale() <-chan struct{} {
	s.bundles.mu.Lock()
	defer s.bundles.mu.Unlock()
	return s.bundles.changed
}

func (s *Service) bundleDue(now time.Time) bool {
	s.bundles.mu.Lock()
	defer s.bundles.mu.Unlock()
	return s.bundles.due(now, s.Settings.BundleLife)
}

// nothingNewer reports whether Bundle has nothing to do, which is what most calls find.
func (s *Service) nothingNewer(since int64) bool {
	b, now := &s.bundles, s.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current != nil && since >= b.current.number && now.Before(b.current.expires) && !b.due(now, s.Settings.BundleLife)
}

// issueBundle gives out another number if what bundles say has changed, or is to be
// said again. The caller has the turn.
func (s *Service) issueBundle(ctx context.Context, now time.Time) error {
	b := &s.bundles
	b.mu.Lock()
	b.asked = true // what is marked from here on is in the log, or in the marks that a whole bundle has
	blind, rekeyed := b.blind, b.rekeyed
	b.rekeyed = false
	b.fresh() // before anything is read: what changes meanwhile makes it stale again
	marks := b.before + len(b.log)
	b.mu.Unlock()
	if blind {
		return fault.New(fault.Unavailable, "bundle_blind", "what another process changed could not be read")
	}
	if rekeyed || b.ring == nil {
		ring, err := s.loadBundleKeys(ctx, now)
		if err != nil {
			b.mu.Lock()
			b.rekeyed = true
			b.mu.Unlock()
			return err
		}
		b.mu.Lock()
		b.ring = ring
		b.mu.Unlock()
	}
	content, digest, err := s.bundleContent(ctx, now)
	if err != nil {
		return err
	}
	c := b.current
	same := c != nil && digest == b.digest
	if same && marks == c.marks && now.Sub(c.issuedAt) < s.Settings.BundleLife/reissueAt && !now.Before(c.issuedAt) {
		b.mu.Lock()
		b.checked = now
		b.mu.Unlock()
		return nil
	}
	if b.seed == (edge.Seed{}) {
		if _, err := io.ReadFull(s.Rand, b.seed[:]); err != nil {
			return fmt.Errorf("make a seed: %w", err)
		}
	}
	number, err := s.Edge.Numbers.Next(ctx, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("number a bundle: %w", err)
	}
	issuedAt := now.Truncate(time.Second)
	next := &issue{issued{number, marks}, issuedAt, issuedAt.Add(s.Settings.BundleLife)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !same || now.Sub(b.rebased) >= rebaseEvery || now.Before(b.rebased) {
		b.issues, b.rebased = b.issues[:0], now
		b.log, b.before = append([]token.Mark(nil), b.log[min(len(b.log), max(0, marks-b.before)):]...), max(b.before, marks)
		b.whole = nil
	}
	if len(b.issues) == maxIssued {
		b.issues = append(b.issues[:0], b.issues[maxIssued/2:]...)
	}
	b.issues = append(b.issues, next.issued)
	b.current, b.content, b.digest, b.deltas, b.checked = next, content, digest, map[int64]*Bundle{}, now
	return nil
}

// bundleContent returns what a whole bundle says besides its number, its times and its
// marks, and a digest of that and of the key that signs it.
func (s *Service) bundleContent(ctx context.Context, now time.Time) (*edge.Bundle, [32]byte, error) {
	e := s.Edge
	c := &edge.Bundle{
		Issuer: s.Settings.Issuer, Audiences: []string{s.Settings.Audience}, Types: []string{accessType}, Required: []string{"sub", "iat"},
		Leeway: leeway, Keys: s.keys.Load().public, Site: e.Site,
	}
	for i := range e.Policy.Len() {
		c.Rules = append(c.Rules, *e.Policy.Rule(i))
	}
	if err := s.carry(ctx, now, c); err != nil {
		return nil, [32]byte{}, err
	}
	text, err := c.AppendJSON(nil)
	if err != nil {
		return nil, [32]byte{}, fmt.Errorf("write a bundle: %w", err)
	}
	signer, ok := s.bundles.ring.signer(now)
	if !ok {
		return nil, [32]byte{}, errNoBundleKey
	}
	return c, sha256.Sum256(append(append(text, '\n'), signer.ID...)), nil
}

// manyMarks is how many marks make a whole bundle so dear that of a burst of
// revocations not every one makes another: who asks for the whole then gets one that
// is a second old at most, and the rest as a delta with the next request.
const (
	manyMarks  = 10_000
	wholePause = time.Second
)

// signedSince returns the current bundle or the delta since a number, which is lower than
// the current one. The caller has the turn.
func (s *Service) signedSince(ctx context.Context, since int64, now time.Time) (*Bundle, error) {
	b := &s.bundles
	if delta := b.deltas[since]; delta != nil {
		return delta, nil
	}
	s.marksMu.RLock()
	total := s.marks.Len()
	s.marksMu.RUnlock()
	if marks, ok := b.since(since); since > 0 && ok && len(marks) <= max(manyMarks/10, total/2) {
		delta, err := s.signBundle(ctx, &edge.Bundle{Base: since}, marks, now)
		if err == nil && len(b.deltas) < maxDeltas {
			b.deltas[since] = delta
		}
		return delta, err
	}
	if w := b.whole; w != nil && w.Number > since && (w.Number == b.current.number || total > manyMarks && now.Sub(b.wholesAt) < wholePause && !now.Before(b.wholesAt)) {
		return w, nil
	}
	s.marksMu.RLock()
	all := s.marks.Append(make([]token.Mark, 0, s.marks.Len()))
	s.marksMu.RUnlock()
	live := all[:0]
	for _, m := range all {
		if m.Until >= now.Unix() {
			live = append(live, m)
		}
	}
	content := *b.content
	whole, err := s.signBundle(ctx, &content, live, now)
	if err != nil {
		return nil, err
	}
	b.whole, b.wholesAt = whole, now
	return whole, nil
}

// signBundle returns a bundle with these marks and the current number, signed.
func (s *Service) signBundle(ctx context.Context, of *edge.Bundle, marks []token.Mark, now time.Time) (*Bundle, error) {
	b := &s.bundles
	c := b.current
	of.Issuer, of.Number, of.IssuedAt, of.Expires = s.Settings.Issuer, c.number, c.issuedAt.Unix(), c.expires.Unix()
	var err error
	if of.Marks, err = edge.NewMarks(b.seed, marks); err != nil {
		return nil, fmt.Errorf("write a bundle's marks: %w", err)
	}
	payload, err := of.AppendJSON(nil)
	if err != nil {
		return nil, fmt.Errorf("write a bundle: %w", err)
	}
	compact, err := s.signPayload(ctx, payload, now)
	if err != nil {
		return nil, err
	}
	if len(compact) > edge.MaxBundle {
		return nil, fault.New(fault.Internal, "bundle_large", fmt.Sprintf("a bundle of %d bytes is more than verifiers take", len(compact)))
	}
	return &Bundle{Number: c.number, Base: of.Base, IssuedAt: c.issuedAt, Expires: c.expires, Compact: compact}, nil
}
