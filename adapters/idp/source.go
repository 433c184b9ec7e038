package idp

import (
	"errors"
	"net/http"
	"time"
)

// source is where the documents of a provider or issuer come from, and those that came.
type source struct {
	preset     *preset
	issuer     string
	discovery  string // in place of what follows from issuer
	endpoints  Endpoints
	needs      []string // the endpoints that discovery must know
	algorithms []string
	timeout    time.Duration
	now        func() time.Time
	client     *http.Client
	fixed      *metadata // in place of discovery
	discovered cached[metadata]
	keys       cached[keySet]
}

// Status is what an administrator wants to know of a provider or issuer. Times are zero for what
// has not been fetched yet.
type Status struct {
	Discovered time.Time // when the discovery document was fetched
	KeysAt     time.Time // when the keys were
	Keys       []string  // the ids of those that are of use; "" for one without
	Err        error     // why the latest fetch of either failed; nil if none did
}

// Status returns what was fetched, and fetches nothing.
func (s *source) Status() Status {
	_, discovered, documentErr := s.discovered.state()
	keys, at, keysErr := s.keys.state()
	status := Status{Discovered: discovered, KeysAt: at, Err: errors.Join(documentErr, keysErr)}
	for _, k := range keys {
		status.Keys = append(status.Keys, k.ID())
	}
	return status
}

// plain reports whether the source is spoken http with, on this machine.
func (s *source) plain() bool { return plain(s.issuer, s.discovery) }
