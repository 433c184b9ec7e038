package memory

import (
	"cmp"
	"context"
	"maps"
	"strings"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

type audit Store

var _ ports.Audit = (*audit)(nil)

// Record implements ports.Audit.
func (s *audit) Record(ctx context.Context, events ...ports.Event) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	added := map[string]struct{}{}
	for i := range events {
		id := events[i].ID
		_, there := s.eventIDs[id]
		_, twice := added[id]
		if there || twice {
			return ports.ErrIDTaken
		}
		added[id] = struct{}{}
	}
	for _, e := range events {
		e = cleanEvent(e)
		e.Sequence = int64(len(s.events) + 1)
		s.events = append(s.events, e)
		s.eventIDs[e.ID] = struct{}{}
	}
	return nil
}

// log is the audit log of a scope.
type log struct {
	*Store
	scope tenant.Scope
}

var _ ports.Log = (*log)(nil)

// Search implements ports.Log.
func (s *log) Search(ctx context.Context, q ports.EventQuery) ([]ports.Event, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []ports.Event
	limit := ports.Limit(q.Limit)
	for i := len(s.events) - 1; i >= 0 && len(found) < limit; i-- {
		e := &s.events[i]
		switch {
		case !s.scope.Sees(cmp.Or(e.Tenant, tenant.Default)):
		case q.Action != "" && e.Action != q.Action &&
			(!strings.HasSuffix(q.Action, ".") || !strings.HasPrefix(e.Action, q.Action)):
		case q.Subject != "" && e.Subject != q.Subject && e.Actor != q.Subject:
		case q.Before != 0 && e.Sequence >= q.Before:
		default:
			found = append(found, cleanEvent(*e))
		}
	}
	return found, nil
}

// cleanEvent returns a copy of an event that shares nothing with it.
func cleanEvent(e ports.Event) ports.Event {
	e.At = whole(e.At)
	if len(e.Detail) == 0 {
		e.Detail = nil
	} else {
		e.Detail = maps.Clone(e.Detail)
	}
	return e
}
