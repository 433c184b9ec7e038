package runtimes_test

import (
	"encoding/base64"
	"math/rand/v2"
	"strconv"
	"strings"
)

// mutator makes inputs out of those of the vectors.
type mutator struct {
	*rand.Rand
	vectors *vectors
	runs    []source
	home    *source // where most inputs come from
}

// source is what a run of the vectors has.
type source struct {
	name     string
	trust    string
	opening  *step       // the first thing that is taken into use
	requests [][]*string // fields
	tokens   []string
	bundles  []string // compact
	configs  []string
	times    []int64
}

// newMutator collects what the vectors have.
func newMutator(v *vectors, seed uint64) *mutator {
	m := &mutator{vectors: v, Rand: rand.New(rand.NewPCG(seed, 0))}
	const longest = 20_000
	all := source{}
	for i := range v.Runs {
		one := source{name: v.Runs[i].Name, trust: v.expand(v.Runs[i].Trust)}
		for n := range v.Runs[i].Steps {
			s := &v.Runs[i].Steps[n]
			if s.Now > 0 {
				one.times = append(one.times, s.Now)
			}
			if one.opening == nil && s.Returns == 0 && (s.Load != nil || s.Configure != nil) {
				one.opening = s
			}
			switch {
			case s.Load != nil && len(v.bytes(s.Load)) < longest:
				one.bundles = append(one.bundles, string(v.bytes(s.Load)))
			case s.Configure != nil:
				one.configs = append(one.configs, string(v.bytes(s.Configure)))
			case s.Decide != nil:
				fields := make([]*string, len(s.Decide))
				for at, field := range s.Decide {
					if field != nil {
						whole := v.expand(*field)
						fields[at] = &whole
					}
				}
				one.requests = append(one.requests, fields)
				if text, ok := strings.CutPrefix(or(fields[2]), "Bearer "); ok && strings.Count(text, ".") == 2 && len(text) < longest {
					one.tokens = append(one.tokens, text)
				}
			}
		}
		all.requests, all.tokens = append(all.requests, one.requests...), append(all.tokens, one.tokens...)
		all.bundles, all.configs, all.times = append(all.bundles, one.bundles...), append(all.configs, one.configs...), append(all.times, one.times...)
		if one.opening != nil && len(one.requests) > 0 {
			m.runs = append(m.runs, one)
		}
	}
	m.runs = append(m.runs, all)
	m.settle()
	return m
}

// settle chooses a home.
func (m *mutator) settle() *source {
	m.home = &m.runs[m.IntN(len(m.runs)-1)]
	return m.home
}

// from returns one of what a source has: of home mostly, and else of all.
func from[T any](m *mutator, list func(s *source) []T) T {
	if own := list(m.home); len(own) > 0 && m.IntN(8) > 0 {
		return one(m, own)
	}
	return one(m, list(&m.runs[len(m.runs)-1]))
}

func requestsOf(s *source) [][]*string { return s.requests }
func tokensOf(s *source) []string      { return s.tokens }
func bundlesOf(s *source) []string     { return s.bundles }
func configsOf(s *source) []string     { return s.configs }
func timesOf(s *source) []int64        { return s.times }

func or(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// words are what mutations put in.
var words = strings.Fields(`. .. / // %2e %2F %00 %25 %c3%a9 %ff ; \ = , "" " {} [] null true false 0 -0 1e9 1.5 -1 9007199254740992 18446744073709551616 1800000000
	1799999940 "exp" "nbf" "iat" "iat_ms" "sub" "jti" "sid" "aud" "iss" "alg" "none" "HS256" "EdDSA" "ES256" "kid" "typ" "crit" "permissions" "admin" "azp"
	"vouched" "client_id" \u0000 \ud800 \u0061 Bearer bearer __Host-hexward_access= __Host-hexward_session=x hxw_ ${ é 😀 GET POST cross-site same-origin null
	"number" "base" "marks" "seed" "tokens" "users" "count" "hashes" "policy" "path" "access" "public" "site" "issuers" "holders" "keys" "leeway" "/**" "*"`)

func one[T any](m *mutator, list []T) T { return list[m.IntN(len(list))] }

// text changes a text in one to four places.
func (m *mutator) text(s string) string {
	b := []byte(s)
	for range 1 + m.IntN(4) {
		from := m.IntN(len(b) + 1)
		to := min(len(b), from+m.IntN(8))
		switch m.IntN(9) {
		case 0:
			if from < len(b) {
				b[from] ^= 1 << m.IntN(8)
			}
		case 1:
			if from < len(b) {
				b[from] = byte(m.IntN(256))
			}
		case 2:
			b = append(b[:from], b[to:]...)
		case 3, 4:
			b = append(b[:from], one(m, words)+string(b[to:])...)
		case 5:
			b = append(b[:from], one(m, words)+string(b[from:])...)
		case 6:
			b = append(b[:to], string(b[from:])...) // twice
		case 7:
			if m.IntN(4) == 0 {
				b = b[:from]
			}
		default:
			b = append(b[:from], strconv.FormatInt(m.Int64N(1<<m.IntN(62)+1), 10)+string(b[to:])...)
		}
	}
	return string(b)
}

// jws changes a compact JWS: as text, or what its parts say.
func (m *mutator) jws(s string) string {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || m.IntN(4) == 0 {
		return m.text(s)
	}
	for range 1 + m.IntN(2) {
		at := m.IntN(5) / 2 // the header, the payload, the signature, by two, two and one in five
		doc, err := base64.RawURLEncoding.DecodeString(parts[at])
		if err != nil {
			continue
		}
		parts[at] = base64.RawURLEncoding.EncodeToString([]byte(m.text(string(doc))))
	}
	return strings.Join(parts, ".")
}

// token returns a token, mostly changed.
func (m *mutator) token() string {
	if m.IntN(4) == 0 {
		return from(m, tokensOf)
	}
	return m.jws(from(m, tokensOf))
}

// request returns the fields of a request, none of which has a NUL.
func (m *mutator) request() []*string {
	fields := append([]*string(nil), from(m, requestsOf)...)
	set := func(at int, value string) {
		value = strings.ReplaceAll(value, "\x00", "\x01")
		fields[at] = &value
	}
	switch m.IntN(8) {
	case 0: // as it is
	case 1, 2, 3:
		set(2, "Bearer "+m.token())
	case 4:
		fields[2] = nil
		set(3, "__Host-hexward_access="+m.token())
	case 5:
		other := from(m, requestsOf)
		at := m.IntN(len(fields))
		fields[at] = other[at]
	default:
		at := m.IntN(len(fields))
		set(at, m.text(or(fields[at])))
	}
	if m.IntN(8) == 0 {
		fields[m.IntN(len(fields))] = nil
	}
	return fields
}

// time returns one of the vectors, or one near it.
func (m *mutator) time() int64 {
	now := from(m, timesOf)
	if m.IntN(3) == 0 {
		now += m.Int64N(400_000) - 200_000
	}
	return now
}
