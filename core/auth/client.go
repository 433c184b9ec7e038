package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Client is where a request comes from: what the audit log records and what
// limits apply to.
type Client struct {
	Address netip.Addr // the nearest untrusted hop; the zero value is not limited
	Agent   string     // the User-Agent header
	Request string     // the request's id
}

// maxAgent bounds what is kept of a User-Agent header, in bytes.
const maxAgent = 200

func (c Client) origin() session.Origin {
	o := session.Origin{UserAgent: cut(c.Agent, maxAgent)}
	if c.Address.IsValid() {
		o.Address = c.Address.Unmap().String()
	}
	return o
}

// network returns the client's network: the IPv4 address, or the /64 of an IPv6
// one, which is the least that one customer has.
func (c Client) network() string {
	a := c.Address.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 { // not within a code point
		n--
	}
	return s[:n]
}

// limits counts an attempt against the client's network and, if name is not
// empty, against an account, a mailbox or the like, and returns a Throttled fault
// when one of them has had too many. A refused attempt counts against the
// network too.
func (s *Service) limits(ctx context.Context, c Client, name string, limit user.Limit) error {
	var keys []string
	if c.Address.IsValid() {
		keys = append(keys, "address:"+c.network())
	}
	if name != "" {
		keys = append(keys, name)
	}
	if len(keys) == 0 {
		return nil
	}
	now := s.Now()
	var wait time.Duration
	err := s.Attempts.Update(ctx, keys, func(counters []*user.Attempts) {
		wait = 0
		if c.Address.IsValid() {
			wait = counters[0].Take(s.Settings.AddressLimit, now)
		}
		if wait == 0 && name != "" {
			wait = counters[len(counters)-1].Take(limit, now)
		}
	})
	if err != nil {
		return fmt.Errorf("count attempt: %w", err)
	}
	if wait > 0 {
		return fault.RetryIn(wait, "too_many_attempts", "too many attempts; please wait before the next one")
	}
	return nil
}

// forget drops the attempts of an account.
func (s *Service) forget(ctx context.Context, name string) error {
	return s.Attempts.Update(ctx, []string{name}, func(counters []*user.Attempts) { counters[0].Forget() })
}

// accountKey names the failures of a user.
func accountKey(id string) string { return "account:" + id }

// hashKey names the attempts on something that is not to stand in the store in
// the clear, or may be long.
func hashKey(kind, text string) string {
	sum := sha256.Sum256([]byte(text))
	return kind + ":" + hex.EncodeToString(sum[:16])
}

// record writes to the audit log. The id, time and client are filled in; outcome
// is taken from err.
func (s *Service) record(ctx context.Context, c Client, e ports.Event, err error) error {
	id, idErr := s.newID()
	if idErr != nil {
		return idErr
	}
	e.ID, e.At = id, s.Now()
	e.Outcome = "ok"
	if err != nil {
		e.Outcome = fault.CodeOf(err)
	}
	o := c.origin()
	e.Address, e.Agent, e.Request = o.Address, o.UserAgent, c.Request
	if err := s.Audit.Record(ctx, e); err != nil {
		return fmt.Errorf("record in the audit log: %w", err)
	}
	return nil
}

// refused records a refusal and returns it. That the log cannot be written does
// not turn a refusal into something else; it is reported.
func (s *Service) refused(ctx context.Context, c Client, e ports.Event, err error) error {
	if logErr := s.record(context.WithoutCancel(ctx), c, e, err); logErr != nil {
		s.Report(ctx, "record a refusal", logErr)
	}
	return err
}

// finished records the outcome of something that was begun, and returns err, which
// is nil when all of it was done, or that it could not be recorded.
func (s *Service) finished(ctx context.Context, c Client, e ports.Event, err error) error {
	if err != nil {
		return s.refused(ctx, c, e, err)
	}
	return s.record(ctx, c, e, nil)
}

// by fills in who acted.
func by(p *access.Principal, e ports.Event) ports.Event {
	e.Actor, e.Session = p.Subject, p.Session
	if e.Tenant == "" {
		e.Tenant = p.Tenant
	}
	return e
}

// newID returns a UUIDv7 (RFC 9562 §5.7).
func (s *Service) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.Rand, b[6:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(s.Now().UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], b[0:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:36], b[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:]), nil
}

// newSecret returns 256 random bits as text, for a link, and their hash.
func (s *Service) newSecret() (string, session.Hash, error) {
	var b [32]byte
	if _, err := io.ReadFull(s.Rand, b[:]); err != nil {
		return "", session.Hash{}, fmt.Errorf("read randomness: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(b[:])
	return text, hashSecret(text), nil
}

func hashSecret(text string) session.Hash { return sha256.Sum256([]byte(text)) }

// The refusals that several use cases share.
var (
	errUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated", "please sign in")
	errSession         = fault.New(fault.Unauthenticated, "session_unknown", "this session is not valid; please sign in")
	errForbidden       = fault.New(fault.Forbidden, "forbidden", "you may not do this")
	errNoUser          = fault.New(fault.NotFound, "user_unknown", "there is no such user")
	errLink            = fault.New(fault.Forbidden, "token_unknown", "this link is not valid any more")
)

// person returns nil if the principal is a signed-in user.
func person(p *access.Principal) error {
	switch {
	case !p.SignedIn():
		return errUnauthenticated
	case p.Kind != access.User:
		return errForbidden
	}
	return nil
}

// themselves returns nil if the principal is a user who is signed in themselves: by a session, or by an access token
// of ours that one has. What changes an account or its ways in asks for that, so that a narrow token that leaked does
// not become the whole account: neither an API token nor another issuer's token is a session's, nor is what we vouch
// for them with.
func themselves(p *access.Principal) error {
	if err := person(p); err != nil {
		return err
	}
	switch p.Via {
	case access.SessionCookie, access.AccessCookie, access.AccessToken:
		if p.Session != "" {
			return nil
		}
	}
	return errPerson
}

var errPerson = fault.New(fault.Forbidden, "person_required", "only you yourself can do this: please sign in, and use no token of another kind")

// administrator returns nil if the principal may administer.
func administrator(p *access.Principal) error {
	switch {
	case !p.SignedIn():
		return errUnauthenticated
	case !p.Has(access.Admin), p.Via == access.VouchedToken:
		return errForbidden
	}
	return nil
}

func isNotFound(err error) bool { return err != nil && fault.KindOf(err) == fault.NotFound }
