package main

import (
	"fmt"
	"slices"
	"strings"
)

// leastSecret is how many bytes a secret has at least that tokens are signed with
// (RFC 7518 §3.2).
const leastSecret = 32

// signing checks the secret that other services share.
func (k *checker) signing(s *settled, text string) {
	if k.SigningSecret == "" && k.SigningFile == "" {
		return
	}
	if k.Algorithm != "HS256" {
		k.wrong("algorithm: is %s%s, but a signing secret is for HS256; leave one of them out", k.Algorithm, k.from("algorithm"))
	}
	if text == "" {
		return // it was not to be read, which is said
	}
	if flaw := weakness(text); flaw != "" {
		k.wrong("%s: %s; make one with \"openssl rand -base64 48\"", k.called("signing-secret"), flaw)
		return
	}
	s.signingSecret = []byte(text)
}

// called is a setting by the name that it was given by.
func (c *config) called(name string) string {
	if origin := c.origins[name]; origin == signingSecret {
		return origin
	}
	return name
}

// from says where a setting is from, unless it is a flag.
func (c *config) from(name string) string {
	if origin := c.origins[name]; origin != "" {
		return fmt.Sprintf(" (from %s)", origin)
	}
	return ""
}

// published are secrets that stand in documentation, from where they are copied.
var published = []string{
	"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
	"a-string-secret-at-least-256-bits-long",
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
}

// weakness says what is wrong with a secret that anybody who holds a token may try to guess,
// as fast as they can hash, or returns "". It does not repeat the secret.
func weakness(text string) string {
	lower := strings.ToLower(text)
	switch {
	case len(text) < leastSecret:
		return fmt.Sprintf("has %d bytes, and needs %d or more", len(text), leastSecret)
	case text == mask:
		return "is the mask that a secret is shown as, not the secret"
	case slices.Contains(published, text):
		return "is an example that everybody knows"
	case slices.ContainsFunc([]string{
		"changeme", "change-me", "change_me", "change this", "changethis", "example", "insecure", "placeholder", "your-", "your_", "qwerty",
		"secretkey", "secret-key", "secret_key", "mysecret", "my-secret", "my_secret", "supersecret", "super-secret", "super_secret", "password",
	}, func(word string) bool { return strings.Contains(lower, word) }):
		return "reads like a placeholder"
	case period(text) <= len(text)/2 || steps(text) > len(text)/2:
		return "repeats itself, or counts up"
	}
	different := map[rune]bool{}
	for _, r := range text {
		different[r] = true
	}
	if len(different) < 8 {
		return "has too few different characters"
	}
	return ""
}

// period is the length of the shortest beginning that repeated makes the text.
func period(text string) int {
	for n := 1; n < len(text); n++ {
		if text[n:] == text[:len(text)-n] {
			return n
		}
	}
	return len(text)
}

// steps is how many bytes are the one before, or next to it.
func steps(text string) (n int) {
	for i := 1; i < len(text); i++ {
		if d := int(text[i]) - int(text[i-1]); -1 <= d && d <= 1 {
			n++
		}
	}
	return n
}
