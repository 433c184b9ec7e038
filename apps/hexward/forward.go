package main

import (
	"slices"
	"strings"

	"github.com/hexward/hexward/core/access"
)

// proxies that ask about each request, each in its own way.
var forwarders = []string{"nginx", "traefik", "caddy", "envoy"}

// forward checks what a proxy is answered.
func (k *checker) forward(s *settled) {
	on := k.ForwardAuth != "off" && k.ForwardAuth != ""
	bundles := k.Bundle != "off"
	switch {
	case on && !slices.Contains(forwarders, k.ForwardAuth):
		k.wrong("forward-auth: is %s or off, not %q", strings.Join(forwarders, ", "), k.ForwardAuth)
	case on && len(k.TrustProxy) == 0:
		k.wrong("forward-auth: trusted-proxies is needed: nobody else's word counts for what was asked for, and without it every request is refused")
	case !on && !bundles && k.Policy != "":
		k.wrong("policy: nothing asks about it; name the proxy that does as forward-auth, give edge workers a bundle, or leave policy out")
	case !on && k.ForwardToken:
		k.wrong("forward-token: is for the proxy that forward-auth names; give it, or leave forward-token out")
	}
	if on {
		s.forward = k.ForwardAuth
	}
	if k.Policy == "" {
		if bundles { // as for a proxy
			s.policy, _ = access.NewPolicy([]access.Rule{{Path: "/**", Demand: access.SessionOrToken}}) // which is good
		}
		return
	}
	policy, err := loadPolicy(k.Policy)
	if err != nil {
		for _, one := range unjoin(err) {
			k.wrong("policy: %w", one)
		}
	}
	s.policy = policy
}
