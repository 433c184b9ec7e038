package auth

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// carried is what was last read for bundles of other issuers and of who shows what an edge verifier knows by a hash. What was read
// is good until something is noted as changed, and for carriedLife.
type carried struct {
	mu      sync.Mutex
	epoch   uint64
	at      time.Time
	asked   string                   // what was asked for
	holders []edge.Holder            // nobody changes them
	tenants map[string][]edge.Tenant // by source; recorded ones; nobody changes them
	many    bool                     // there are more than a bundle holds
	large   map[string]bool          // the issuers that are more than a bundle holds, by name
	waited  time.Time                // when somebody last waited for an issuer's keys
}

// maxCarried is how many bytes the holders take at most, as JSON, so that there is room for the marks of hundreds of thousands of
// revocations beside them.
const maxCarried = 11 << 20

// carriedLife is for how long what was read is used. Nothing depends on it but what has expired, which takes up space.
const carriedLife = 10 * time.Minute

// page is how many rows are read at a time.
const page = 1000

// carry adds to a bundle what the configuration has it carry besides keys, policy and marks. Who calls it took note before
// that whatever changes from then on makes another bundle.
//
// What is more than a bundle holds is reported, and left to the server as a whole: verifiers answer 503 for all of it, rather than take
// those who were left out for strangers, and go on to learn of revocations.
func (s *Service) carry(ctx context.Context, now time.Time, to *edge.Bundle) (err error) {
	c := &s.carried
	c.mu.Lock()
	defer c.mu.Unlock()
	snapshots := s.snapshots(ctx, now)
	asked := s.askedFor(snapshots)
	if epoch := s.changes.epoch(); asked != c.asked || epoch != c.epoch || now.Sub(c.at) >= carriedLife || now.Before(c.at) {
		c.asked = "" // until all of it was read
		if c.tenants, err = s.readTenants(ctx); err != nil {
			return err
		}
		many := false
		if c.holders, many, err = s.readHolders(ctx, now, snapshots); err != nil {
			return err
		}
		if many && !c.many {
			s.Report(ctx, "have edge verifiers decide about API tokens and other issuers' people", errHolders)
		}
		c.asked, c.epoch, c.at, c.many = asked, epoch, now, many
	}
	to.APITokens, to.Holders = s.Edge.APITokens && !c.many, c.holders
	for i := range s.Issuers {
		t, from := &s.Issuers[i], snapshots[i]
		if c.many && known(t, from) {
			from = nil
		}
		one := s.edgeIssuer(t, from)
		_, err := (&edge.Bundle{Issuer: s.Settings.Issuer, Issuers: []edge.Issuer{one}}).AppendJSON(nil)
		if err != nil && !c.large[t.Name] {
			s.Report(ctx, "have edge verifiers decide about tokens of issuer "+t.Name,
				fault.Wrap(err, fault.Internal, "bundle_issuer", "its configuration, its tenants or its keys are more than a bundle holds"))
		}
		if c.large == nil {
			c.large = map[string]bool{}
		}
		if c.large[t.Name] = err != nil; err != nil {
			one = s.edgeIssuer(t, nil)
		}
		to.Issuers = append(to.Issuers, one)
	}
	return nil
}

// snapshots returns what the issuers verify by, as far as the configuration has bundles carry it. Once in a while the bundle waits for keys
// that are not there yet, so that the first one has them; else they are fetched for a later one.
func (s *Service) snapshots(ctx context.Context, now time.Time) []*ports.IssuerSnapshot {
	list := make([]*ports.IssuerSnapshot, len(s.Issuers))
	if since := now.Sub(s.carried.waited); since >= 0 && since < bundleCheck {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		ctx = ended
	} else {
		s.carried.waited = now
	}
	var wait sync.WaitGroup
	for i := range s.Issuers {
		if t := &s.Issuers[i]; t.Edge {
			wait.Add(1)
			go func() {
				defer wait.Done()
				one := t.Issuer.Snapshot(ctx)
				list[i] = &one
			}()
		}
	}
	wait.Wait()
	return list
}

// askedFor returns what stands for the question whose holders there are.
func (s *Service) askedFor(snapshots []*ports.IssuerSnapshot) string {
	asked := fmt.Sprintf("tokens %t", s.Edge.APITokens)
	for i := range s.Issuers {
		if known(&s.Issuers[i], snapshots[i]) {
			asked += "\n" + s.Issuers[i].URL
		}
	}
	return asked
}

// known reports whether an issuer's people are carried.
func known(t *Trusted, from *ports.IssuerSnapshot) bool {
	return from != nil && from.Keys != nil && (t.Users == UsersKnown || t.Users == UsersMade)
}

// edgeIssuer returns an issuer as a bundle has it: what its tokens are decided by, or no more than that it is trusted.
func (s *Service) edgeIssuer(t *Trusted, from *ports.IssuerSnapshot) edge.Issuer {
	i := edge.Issuer{URL: t.URL}
	if from == nil || from.Keys == nil || from.Keys.Len() == 0 {
		return i
	}
	i.Keys, i.Name, i.Audiences, i.Types, i.Algorithms, i.Rules = from.Keys, t.Name, from.Audiences, from.Types, from.Algorithms, from.Rules
	i.Life, i.Users = int64(s.Settings.ForeignLife/time.Second), edge.UsersRefused
	switch t.Users {
	case UsersKnown:
		i.Users = edge.UsersKnown
	case UsersMade:
		i.Users = edge.UsersMade
	}
	switch {
	case len(t.Tenants) > 0, t.TenantRequired:
	case t.Tenant != "":
		i.Tenant = t.Tenant
	default:
		i.Tenant = tenant.Default
	}
	for said, id := range t.Tenants {
		i.Tenants = append(i.Tenants, edge.Tenant{Said: said, ID: id})
	}
	for _, recorded := range s.carried.tenants[t.Name] {
		if t.Tenants[recorded.Said] == "" { // what is configured goes before
			i.Tenants = append(i.Tenants, recorded)
		}
	}
	slices.SortFunc(i.Tenants, func(a, b edge.Tenant) int { return strings.Compare(a.Said, b.Said) })
	return i
}

// readTenants returns what the issuers that are carried call the tenants, as these have it recorded.
func (s *Service) readTenants(ctx context.Context) (map[string][]edge.Tenant, error) {
	called := map[string][]edge.Tenant{}
	for i := range s.Issuers {
		if s.Issuers[i].Edge {
			called[s.Issuers[i].Name] = nil
		}
	}
	if len(called) == 0 {
		return called, nil
	}
	for after := ""; ; {
		list, err := s.Tenants.List(ctx, after, page)
		if err != nil {
			return nil, fmt.Errorf("list tenants: %w", err)
		}
		for i := range list {
			for _, e := range list[i].External {
				if before, carried := called[e.Source]; carried {
					called[e.Source] = append(before, edge.Tenant{Said: e.ID, ID: list[i].ID})
				}
			}
		}
		if len(list) < page {
			return called, nil
		}
		after = list[len(list)-1].ID
	}
}

// readHolders returns who shows an API token, and who has an identity of an issuer whose people are carried, sorted; or that these are
// more than a bundle holds.
func (s *Service) readHolders(ctx context.Context, now time.Time, snapshots []*ports.IssuerSnapshot) (list []edge.Holder, many bool, err error) {
	if s.Edge.APITokens {
		for after := ""; ; {
			found, err := s.APITokens.Alive(ctx, now, after, page)
			if err != nil {
				return nil, false, fmt.Errorf("list API tokens: %w", err)
			}
			for i := range found {
				list = appendScript(list, &found[i])
			}
			if len(list) > edge.MaxHolders {
				return nil, true, nil
			}
			if len(found) < page {
				break
			}
			after = found[len(found)-1].Token.ID
		}
	}
	for n := range s.Issuers {
		t := &s.Issuers[n]
		for after := ""; known(t, snapshots[n]); {
			found, err := s.Identities.ByIssuer(ctx, t.URL, after, page)
			if err != nil {
				return nil, false, fmt.Errorf("list identities: %w", err)
			}
			for i := range found {
				list = appendPerson(list, &found[i])
			}
			if len(list) > edge.MaxHolders {
				return nil, true, nil
			}
			if len(found) < page {
				break
			}
			after = found[len(found)-1].Identity.ID
		}
	}
	slices.SortFunc(list, func(a, b edge.Holder) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	text, err := (&edge.Bundle{Issuer: s.Settings.Issuer, Holders: list}).AppendJSON(nil)
	if err != nil || len(text) > maxCarried {
		return nil, true, nil
	}
	return list, false, nil
}

var errHolders = fault.New(fault.Internal, "bundle_holders", fmt.Sprintf(
	"there are more than %d API tokens and people of other issuers, or they take more than %d MiB, which is more than a bundle holds: workers leave all of them to the server",
	edge.MaxHolders, maxCarried>>20))

// appendScript adds who shows an API token. An account that is changing hands lets nobody in.
func appendScript(to []edge.Holder, of *ports.UsersToken) []edge.Holder {
	t, u := &of.Token, &of.User
	if u.PasswordHash == lockedHash {
		return to
	}
	h := holderOf(u)
	copy(h.Hash[:], t.Hash[:])
	h.Token, h.Permissions = t.ID, t.Permissions(u.Permissions)
	if !t.ExpiresAt.IsZero() {
		h.Expires = t.ExpiresAt.UnixMilli()
	}
	return append(to, h)
}

// appendPerson adds whom another issuer's tokens are about.
func appendPerson(to []edge.Holder, of *ports.UsersIdentity) []edge.Holder {
	if of.User.PasswordHash == lockedHash {
		return to
	}
	h := holderOf(&of.User)
	h.Hash, h.Permissions = edge.HashSubject(of.Identity.Issuer, of.Identity.Subject), issuer.Permit(nil, of.User.Permissions, nil)
	return append(to, h)
}

func holderOf(u *user.User) edge.Holder {
	h := edge.Holder{Subject: u.ID, Name: u.Name.String(), Tenant: u.Tenant}
	switch {
	case u.Ban == nil:
	case u.Ban.Until.IsZero():
		h.BannedUntil = edge.BannedForever
	default:
		h.BannedUntil = max(0, u.Ban.Until.UnixMilli())
	}
	return h
}
