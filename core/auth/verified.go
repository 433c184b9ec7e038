package auth

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
)

// What was found out about a token is remembered under the SHA-256 of its whole
// text, so that nothing of another token's is ever taken for it. Who uses it asks
// everything that may have changed since and costs no more than a comparison; what
// does not hold any more is found out anew, by the same way as the first time, and
// so has the same outcome.

// verified is what is remembered of a token that is good. But for the atomics
// nobody changes it.
type verified struct {
	principal access.Principal
	issuer    *Trusted // whose keys verified it; nil for ours, and for API tokens
	version   uint64   // of those keys
	epoch     uint64   // at which its facts were read, where they were read from a store
	marked    string   // by what name marks of users know it
	issued    int64    // Unix milliseconds; what marks go by
	from, end int64    // Unix seconds: when it begins and ends to be good, leeway included
	until     int64    // Unix milliseconds: when all of it is found out anew

	usedAt atomic.Int64 // Unix milliseconds: the latest use of an API token that was noted
	gone   atomic.Bool  // the API token is not in the store any more
}

// holds reports whether all that was found out is so still.
func (s *Service) holds(v *verified, now time.Time) bool {
	at := now.Unix()
	if now.UnixMilli() >= v.until || at < v.from || at >= v.end {
		return false
	}
	p := &v.principal
	probe := token.Claims{Subject: v.marked, IssuedAt: v.issued / 1000, IssuedAtMillis: v.issued}
	switch p.Via {
	case access.APIToken:
		return !v.gone.Load() && s.changes.fresh(p.Subject, v.epoch) && s.changes.fresh(p.Token, v.epoch)
	case access.ForeignToken:
		return v.issuer.Issuer.Version() == v.version && s.changes.fresh(p.Subject, v.epoch) && !s.revoked(&probe)
	default:
		probe.ID, probe.Session = p.Token, p.Session
		return s.ownVersion() == v.version && !s.revoked(&probe)
	}
}

// stale reports whether a use of an API token is to be noted; of concurrent callers
// one is told so.
func (v *verified) stale(now time.Time) bool {
	at, used := now.UnixMilli(), v.usedAt.Load()
	return at-used >= apitoken.TouchEvery.Milliseconds() && v.usedAt.CompareAndSwap(used, at)
}

// refusal is what is remembered of a token that is not good.
type refusal struct {
	err     error
	issuer  *Trusted // whose keys refused it; nil for ours
	version uint64
	epoch   uint64
	about   string // whom the facts are about that refuse it; may be empty
	until   int64  // Unix milliseconds
}

// refusalLife is how long a refusal is remembered at most. It is there for who asks
// again and again with the same token.
const refusalLife = 10 * time.Second

// waitersLife is how long what is not remembered is good for those who waited for it.
const waitersLife = time.Second

// stands reports whether nothing has changed that a refusal may be owed to.
func (s *Service) stands(r *refusal, now time.Time) bool {
	version := uint64(0)
	if r.issuer != nil {
		version = r.issuer.Issuer.Version()
	} else {
		version = s.ownVersion()
	}
	return now.UnixMilli() < r.until && version == r.version && s.changes.fresh(r.about, r.epoch)
}

// recall returns what is remembered of a token and holds still: that it is good, or
// why it is not, or neither.
func (s *Service) recall(key [32]byte, now time.Time) (*verified, error) {
	if s.Verified != nil {
		if v, ok := s.Verified.Get(key).(*verified); ok && s.holds(v, now) {
			return v, nil
		}
	}
	if s.Refused != nil {
		if r, ok := s.Refused.Get(key).(*refusal); ok && s.stands(r, now) {
			return nil, r.err
		}
	}
	return nil, nil
}

// remember keeps what was found out about a token that is good.
func (s *Service) remember(key [32]byte, v *verified, now time.Time) {
	end := bucketEnd(key, now, s.Settings.TokenCacheTTL)
	v.until = max(end, now.Add(waitersLife).UnixMilli())
	if s.Verified != nil && end > 0 {
		v.until = end
		s.Verified.Put(key, v)
	}
}

// rememberRefusal keeps why a token is not good, if that is a matter of the token
// and will be so for a while. It returns the refusal, or nil.
func (s *Service) rememberRefusal(key [32]byte, r refusal, now time.Time) *refusal {
	if fault.KindOf(r.err) != fault.Unauthenticated {
		return nil
	}
	switch token.ReasonOf(r.err) {
	case token.ReasonNotYetValid, token.ReasonIssuedInFuture: // it may be good in a moment
		return nil
	}
	end := bucketEnd(key, now, min(s.Settings.TokenCacheTTL, refusalLife))
	r.until = max(end, now.Add(waitersLife).UnixMilli())
	if s.Refused != nil && end > 0 {
		r.until = end
		s.Refused.Put(key, &r)
	}
	return &r
}

// bucketEnd returns the end of the stretch of time that now is in, in Unix
// milliseconds; 0 when they have no length. Each key has stretches of its own, so
// that what was found out at one time is not found out anew at one time.
func bucketEnd(key [32]byte, now time.Time, length time.Duration) int64 {
	l := length.Milliseconds()
	if l <= 0 {
		return 0
	}
	shift := int64(binary.LittleEndian.Uint64(key[8:]) % uint64(l)) //nolint:gosec // less than l
	at := now.UnixMilli()
	return at - (at+shift)%l + l
}
