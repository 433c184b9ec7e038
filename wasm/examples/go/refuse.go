package main

import (
	"encoding/json"
	"net/http"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
)

// asking is the key of who asks in a request's context.
type asking struct{}

// principal returns who makes a request that protect let through; nobody on a public route.
func principal(r *http.Request) *access.Principal {
	if who, ok := r.Context().Value(asking{}).(*access.Principal); ok {
		return who
	}
	return &access.Principal{}
}

// refuse writes a refusal as the server does (RFC 9457).
func refuse(w http.ResponseWriter, v *edge.Verdict) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if v.Challenge != "" {
		h.Set("WWW-Authenticate", v.Challenge)
	}
	if v.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "2")
	}
	w.WriteHeader(v.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(v.Status), "status": v.Status, "code": v.Code, "detail": v.Detail,
	})
}
