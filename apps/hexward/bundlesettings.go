package main

import (
	"slices"
	"strings"
)

// noSecrets is what operators are told who publish bundles and sign with a secret.
const noSecrets = "tokens that are signed with HS256 are no edge worker's to decide about: the secret is never in a bundle; " +
	"sign with EdDSA, ES256 or RS256"

// warnings says what of a good configuration may not be what was meant.
func (c *config) warnings() (list []string) {
	if c.Bundle != "off" && c.Algorithm == "HS256" {
		list = append(list, noSecrets)
	}
	return list
}

// bundle checks what edge workers get, and who gets it.
func (k *checker) bundle(s *settled) {
	if !slices.Contains([]string{"off", "public", "secret"}, k.Bundle) {
		k.wrong("bundle: is public, secret or off, not %q", k.Bundle)
		return
	}
	given := k.BundleSecret != "" || k.BundleFile != ""
	switch {
	case k.Bundle == "secret" && !given:
		k.wrong("bundle-secret: is needed when bundle is secret; make one with \"openssl rand -base64 48\"")
	case k.Bundle != "secret" && given:
		k.wrong("bundle: is %s although there is a secret for it; to have workers show it, give secret", k.Bundle)
	}
	if strings.ContainsFunc(s.bundleSecret, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/=", r))
	}) {
		k.wrong("bundle-secret: has letters, digits and -._~+/= only, since it is shown as a bearer token")
	}
	if flaw := weakness(s.bundleSecret); s.bundleSecret != "" && flaw != "" {
		k.wrong("bundle-secret: %s; make one with \"openssl rand -base64 48\"", flaw)
	}
	if k.Bundle == "secret" {
		return
	}
	// Hashes of tokens tell nobody the tokens, but the names and permissions beside them are people's.
	if k.BundleTokens {
		k.wrong("bundle-api-tokens: the bundle would tell anybody who has API tokens; set bundle to secret, and a bundle-secret")
	}
	for n := range k.listed.issuers {
		if i := &k.listed.issuers[n]; i.Edge {
			k.wrong("issuers, entry %d: edge: the bundle would tell anybody who its people are; set bundle to secret, and a bundle-secret", n+1)
		}
	}
}
