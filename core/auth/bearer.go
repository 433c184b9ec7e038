package auth

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// maxBearer bounds a token, in bytes.
const maxBearer = 16 << 10

// byBearer takes the token of an Authorization header. What it looks like says what
// it is, and nothing falls back to anything else: an API token by its beginning,
// and of signed tokens, whose it is by the issuer that it names.
func (s *Service) byBearer(ctx context.Context, text string, from Visitor) (Identity, error) {
	if strings.HasPrefix(text, secret.APIToken) {
		return s.byAPIToken(ctx, text)
	}
	epoch, now := s.changes.epoch(), s.Now()
	if len(text) > maxBearer {
		return Identity{}, badToken(token.ErrTooLong)
	}
	key := token.Digest(text)
	v, err := s.recall(key, now)
	if v == nil && err == nil {
		v, err = s.verifyBearer(ctx, key, text, epoch, from)
	}
	if err != nil {
		return Identity{}, err
	}
	return Identity{Principal: &v.principal, epoch: epoch}, nil
}

func (s *Service) verifyBearer(ctx context.Context, key [32]byte, text string, epoch uint64, from Visitor) (*verified, error) {
	if s.keys.Load() == nil {
		return nil, errNotLoaded
	}
	if len(s.trusted) == 0 {
		return s.verifyOwn(key, text, epoch, access.AccessToken)
	}
	issuer, err := token.PeekIssuer(text)
	if err != nil {
		return nil, badToken(err)
	}
	if issuer == s.Settings.Issuer {
		return s.verifyOwn(key, text, epoch, access.AccessToken)
	}
	t := s.trusted[issuer]
	if t == nil {
		return nil, badToken(token.ErrIssuer)
	}
	return s.verifyForeign(ctx, t, key, text, from)
}

// byCookie takes the access token of a cookie, which is one of ours that belongs to
// a session: no other token becomes a browser's session by being put there.
func (s *Service) byCookie(text string) (Identity, error) {
	epoch, now := s.changes.epoch(), s.Now()
	if len(text) > maxBearer {
		return Identity{}, badToken(token.ErrTooLong)
	}
	key := token.Digest(text)
	key[0] ^= 1 // what is remembered says that it came in a cookie
	v, err := s.recall(key, now)
	if v == nil && err == nil {
		v, err = s.verifyOwn(key, text, epoch, access.AccessCookie)
	}
	if err != nil {
		return Identity{}, err
	}
	return Identity{Principal: &v.principal, epoch: epoch}, nil
}

// verifyOwn verifies a token of ours.
func (s *Service) verifyOwn(key [32]byte, text string, epoch uint64, via access.Credential) (*verified, error) {
	set, now := s.keys.Load(), s.Now()
	if set == nil {
		return nil, errNotLoaded
	}
	var claims token.Claims
	err := s.verifyBy(set, text, now, &claims)
	v := &verified{
		principal: access.Of(&claims, via), version: set.version, epoch: epoch, marked: claims.Subject, issued: claims.IssueMillis(),
		from: max(claims.NotBefore, claims.IssuedAt) - leeway, end: claims.Expiry + leeway,
	}
	if err == nil && via == access.AccessCookie && (v.principal.Session == "" || v.principal.Kind != access.User || v.principal.Via != via) {
		err = errNoSession
	}
	if err != nil {
		s.rememberRefusal(key, refusal{err: err, version: set.version, epoch: epoch}, now)
		return nil, err
	}
	s.remember(key, v, now)
	return v, nil
}

var errNoSession = fault.New(fault.Unauthenticated, "token_sessionless", "this token belongs to no session")

// badToken is the refusal of a signed token.
func badToken(err error) error {
	reason := token.ReasonOf(err).String()
	return fault.Wrap(err, fault.Unauthenticated, "token_"+reason, "this access token is not valid: "+reason)
}

// byAPIToken takes a token that a user made for scripts. It may what its owner may
// at this moment, of what it was made for.
func (s *Service) byAPIToken(ctx context.Context, text string) (Identity, error) {
	key, err := secret.Parse(secret.APIToken, text) // a typo costs no look-up
	if err != nil {
		return Identity{}, err
	}
	epoch, now := s.changes.epoch(), s.Now()
	v, err := s.recall(key, now)
	if v == nil && err == nil {
		v, err = s.readAPIToken(ctx, key, epoch, now)
	}
	if err == nil && v.stale(now) {
		err = s.touchAPIToken(ctx, v, now)
	}
	if err != nil {
		return Identity{}, err
	}
	return Identity{Principal: &v.principal, epoch: epoch}, nil
}

func (s *Service) readAPIToken(ctx context.Context, key secret.Hash, epoch uint64, now time.Time) (*verified, error) {
	t, u, err := s.findAPIToken(ctx, key)
	if err != nil {
		s.rememberRefusal(key, refusal{err: err, version: s.ownVersion(), epoch: epoch, about: t.UserID}, now)
		return nil, err
	}
	v := &verified{
		principal: access.Principal{
			Kind: access.User, Via: access.APIToken, Subject: u.ID, Name: u.Name.String(), Tenant: u.Tenant,
			Permissions: t.Permissions(u.Permissions), Token: t.ID,
		},
		epoch: epoch, end: math.MaxInt64,
	}
	if !t.ExpiresAt.IsZero() {
		v.principal.Expires, v.end = t.ExpiresAt.UnixMilli(), t.ExpiresAt.Unix()
	}
	v.usedAt.Store(t.UsedAt.UnixMilli())
	s.remember(key, v, now)
	return v, nil
}

// touchAPIToken notes the use of an API token. One that is gone is refused; a store
// that cannot write now loses nothing but the time.
func (s *Service) touchAPIToken(ctx context.Context, v *verified, now time.Time) error {
	err := s.APITokens.Touch(ctx, v.principal.Token, now)
	switch {
	case isNotFound(err): // another process deleted it
		v.gone.Store(true)
		return errAPIToken
	case err != nil:
		s.Report(ctx, "note when an API token was used", err)
	}
	return nil
}

// verifyForeign verifies a token of a trusted issuer. However many requests show
// it for the first time at once, one of them does the work and may wait for the
// issuer; others' tokens are not held up.
func (s *Service) verifyForeign(ctx context.Context, t *Trusted, key [32]byte, text string, from Visitor) (*verified, error) {
	for {
		f, first := s.flights.join(key)
		if first {
			return s.fly(ctx, f, t, key, text, from)
		}
		select {
		case <-f.landed:
		case <-ctx.Done():
			return nil, ports.Ended(ctx)
		}
		now := s.Now()
		switch {
		case f.good != nil && s.holds(f.good, now):
			return f.good, nil
		case f.bad != nil && s.stands(f.bad, now):
			return nil, f.bad.err
		case f.failed != nil:
			return nil, f.failed
		} // else what it found out is out of date already, or it was given up
	}
}

func (s *Service) fly(ctx context.Context, f *flight, t *Trusted, key [32]byte, text string, from Visitor) (*verified, error) {
	defer s.flights.leave(key, f)
	v, r := s.resolve(ctx, t, text, from)
	now := s.Now()
	if r.err == nil {
		s.remember(key, v, now)
		f.good = v
		return v, nil
	}
	if f.bad = s.rememberRefusal(key, r, now); f.bad == nil && ctx.Err() == nil {
		f.failed = r.err
	}
	return nil, r.err
}

// flights are the verifications that are under way.
type flights struct {
	mu  sync.Mutex
	all map[[32]byte]*flight
}

// flight is one of them. What it found out is set when it has landed; nothing is
// when it was given up.
type flight struct {
	landed chan struct{}
	good   *verified
	bad    *refusal
	failed error // for whoever waited: the issuer or a store is down
}

// join returns the flight for a token, and whether the caller is to fly it.
func (f *flights) join(key [32]byte) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under := f.all[key]; under != nil {
		return under, false
	}
	if f.all == nil {
		f.all = map[[32]byte]*flight{}
	}
	mine := &flight{landed: make(chan struct{})}
	f.all[key] = mine
	return mine, true
}

func (f *flights) leave(key [32]byte, mine *flight) {
	f.mu.Lock()
	delete(f.all, key)
	f.mu.Unlock()
	close(mine.landed)
}

// resolve finds out whose a token of another issuer is: with an error in the
// refusal, nobody's.
func (s *Service) resolve(ctx context.Context, t *Trusted, text string, from Visitor) (*verified, refusal) {
	r := refusal{issuer: t, epoch: s.changes.epoch()}
	b, err := ports.Bearer{}, error(nil)
	for range tries { // keys that are fetched meanwhile make another version
		r.version = t.Issuer.Version()
		b, err = t.Issuer.Verify(ctx, text)
		if t.Issuer.Version() == r.version {
			break
		}
	}
	if err == nil {
		err = s.acceptable(t, &b)
	}
	if err != nil {
		r.err = fromIssuer(t, err)
		return nil, r
	}
	v := &verified{
		issuer: t, version: r.version, issued: b.Claims.IssuedAt * 1000,
		from: max(b.Claims.NotBefore, b.Claims.IssuedAt) - leeway, end: min(b.Claims.Expiry+leeway, s.oldest(&b.Claims)),
	}
	v.principal, v.epoch, err = s.bearerOf(ctx, t, text, &b, r.epoch, from)
	if err != nil {
		r.err, r.about = barred(err), v.principal.Subject
		if r.about == "" {
			r.about = identityKey(t.URL, b.Claims.Subject)
		}
		return nil, r
	}
	v.marked = foreignPrefix + v.principal.Subject
	if s.revoked(&token.Claims{Subject: v.marked, IssuedAt: b.Claims.IssuedAt}) {
		r.err, r.about = badToken(token.ErrRevoked), v.principal.Subject
		return nil, r
	}
	return v, r
}

// acceptable holds what an issuer's adapter has verified against what is asked of
// every token: that it is this issuer's, says who it is about, and is not so old
// that marks do not cover it.
func (s *Service) acceptable(t *Trusted, b *ports.Bearer) error {
	c := &b.Claims
	switch {
	case c.Issuer != t.URL:
		return token.ErrIssuer
	case c.IssuedAt <= 0, c.Expiry <= 0:
		return token.ErrClaimMissing
	case s.Now().Unix() >= s.oldest(c):
		return token.ErrTooOld
	}
	return user.CheckSubject(c.Subject)
}

// oldest returns when a token of another issuer is too old, in Unix seconds.
func (s *Service) oldest(c *token.Claims) int64 {
	return c.IssuedAt + int64(s.Settings.ForeignLife/time.Second) + leeway + 1
}

// fromIssuer returns an issuer's refusal as one of ours.
func fromIssuer(t *Trusted, err error) error {
	reason := token.ReasonOf(err)
	switch {
	case fault.KindOf(err) != fault.Internal:
		return fmt.Errorf("verify token of %s: %w", t.Name, err)
	case reason != token.ReasonOther:
		return badToken(err)
	default:
		return fmt.Errorf("verify token of %s: %w", t.Name, err)
	}
}

// barred returns why the holder of a good token of another issuer is nobody here.
// All such reasons are refusals of the token.
func barred(err error) error {
	switch fault.KindOf(err) {
	case fault.Forbidden:
		return fault.Wrap(err, fault.Unauthenticated, fault.CodeOf(err), "nobody may come in here with this token")
	case fault.Conflict, fault.NotFound:
		return fault.Wrap(err, fault.Unavailable, "changed_meanwhile", "something changed while the token was looked at; please try again")
	default:
		return err
	}
}

var (
	errUsersRefused = fault.New(fault.Unauthenticated, "token_user", "tokens of this issuer are taken from machines only")
	errStranger     = fault.New(fault.Unauthenticated, "token_stranger", "nobody here has this account of the issuer")
	errShutOut      = fault.New(fault.Unauthenticated, "banned", "the account of this token is banned")
)

// bearerOf returns whom a token of another issuer is about, and an epoch before
// that was read. With an error, the subject is that of the user who is refused, if
// there is one.
func (s *Service) bearerOf(
	ctx context.Context, t *Trusted, text string, b *ports.Bearer, epoch uint64, from Visitor,
) (p access.Principal, _ uint64, err error) {
	c := &b.Claims
	home, err := s.tenantOf(ctx, t.Name, t.Tenants, t.Tenant, t.TenantRequired, b.Tenant)
	if err != nil {
		return p, epoch, err
	}
	p = access.Principal{Via: access.ForeignToken, Tenant: home, Token: c.ID, Expires: c.Expiry * 1000}
	if b.Machine {
		p.Kind, p.Subject, p.Permissions = access.Machine, t.Name+"|"+c.Subject, issuer.Permit(nil, nil, b.Permissions)
		return p, epoch, nil
	}
	if t.Users != UsersKnown && t.Users != UsersMade {
		return p, epoch, errUsersRefused
	}
	_, u, err := s.Identities.BySubject(ctx, c.Issuer, c.Subject)
	if isNotFound(err) && t.Users == UsersMade {
		if err = s.makeBearer(ctx, t, text, b, from); err != nil {
			return p, epoch, err
		}
		epoch = s.changes.epoch()
		_, u, err = s.Identities.BySubject(ctx, c.Issuer, c.Subject) // from here on they are like anybody who was here before
	}
	p.Subject = u.ID
	switch {
	case isNotFound(err):
		return p, epoch, errStranger
	case err != nil:
		return p, epoch, fmt.Errorf("look up identity: %w", err)
	case u.Tenant != home:
		return p, epoch, errTenant
	case u.PasswordHash == lockedHash:
		return p, epoch, errTryAgain
	case u.Banned(s.Now()):
		return p, epoch, errShutOut
	}
	p.Kind, p.Name, p.Permissions = access.User, u.Name.String(), issuer.Permit(nil, u.Permissions, b.Permissions)
	return p, epoch, nil
}

// makeBearer makes the user of an issuer's token, as a provider's sign-in does. The
// token has no user now; whoever deletes one leaves a mark first, so that it is not
// made again by a token from before.
func (s *Service) makeBearer(ctx context.Context, t *Trusted, text string, b *ports.Bearer, from Visitor) error {
	if s.revoked(&token.Claims{Subject: foreignPrefix + identityKey(t.URL, b.Claims.Subject), IssuedAt: b.Claims.IssuedAt}) {
		return badToken(token.ErrRevoked)
	}
	who, err := t.Issuer.Person(ctx, text, b)
	if err != nil {
		return fmt.Errorf("ask %s whose token it is: %w", t.Name, err)
	}
	if who.Subject != "" && who.Subject != b.Claims.Subject {
		return fault.New(fault.Unauthenticated, "subject", "the issuer says that this token is somebody else's")
	}
	// Only what is signed says who somebody is and where they belong.
	who.Issuer, who.Subject, who.Tenant = t.URL, b.Claims.Subject, b.Tenant
	var c Client
	if from != nil {
		c = from.Visitor()
	}
	_, _, err = s.admit(ctx, t.upstream(), who, c)
	return err
}
