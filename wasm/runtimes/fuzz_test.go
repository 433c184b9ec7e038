package runtimes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// pair is a verifier in Go and one in WebAssembly that are given the same.
type pair struct {
	native  *edge.Verifier
	trust   *token.KeySet
	stale   int64
	request edge.Pending
	bundle  token.Pending
	verdict edge.Verdict
	module  *instance
	inside  bool // signatures are verified in the module
	handles map[int32]string

	signatures int // that were wanted
}

var everyAlgorithm = []token.Algorithm{
	token.EdDSA, token.ES256, token.ES384, token.ES512, token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512,
	token.HS256, token.HS384, token.HS512,
}

// answer is what both sides say.
type answer struct {
	returned int32
	result   string
}

func refused(err error) answer {
	detail, _ := json.Marshal(err.Error()) // a text
	return answer{2, fmt.Sprintf(`{"code":%q,"detail":%s}`, edge.CodeOf(err), detail)}
}

// renew makes the Go side anew.
func (p *pair) renew(trust *token.KeySet, stale int64) error {
	v, err := edge.New(edge.Config{Trust: trust, Algorithms: everyAlgorithm, StaleFor: stale})
	if err == nil {
		p.native, p.trust, p.stale = v, trust, stale
	}
	return err
}

// same holds what the module says against what Go does.
func (p *pair) same(want answer, got int32, err error) error {
	if err != nil {
		return err
	}
	result := ""
	if got != 0 || want.result != "" {
		text, err := p.module.copied("result")
		if err != nil {
			return err
		}
		result = string(text)
	}
	if got != want.returned || result != want.result {
		return fmt.Errorf("got %d %s\nwant %d %s", got, result, want.returned, want.result)
	}
	return nil
}

// holds compares what is held.
func (p *pair) holds() error {
	number, expires := p.native.Held()
	got, err := p.module.call("held")
	return p.same(answer{0, fmt.Sprintf(`{"number":%d,"expires":%d}`, number, expires)}, got, err)
}

func (p *pair) give(name, input string) error {
	want := answer{}
	switch name {
	case "trust":
		set, err := token.ParseKeySet([]byte(input))
		if err == nil {
			err = p.renew(set, p.stale)
		}
		if err != nil {
			want = refused(err)
		}
	default:
		b, err := edge.ParseBundle(input)
		if err == nil {
			err = p.native.Configure(b)
		}
		if err != nil {
			want = refused(err)
		}
	}
	got, err := p.module.give(name, []byte(input))
	return p.same(want, got, err)
}

// wanted holds the signature that the module wants to have verified against the one that Go wants, and returns whether it is
// good: as the caller says, or as both find when it does not.
func (p *pair) wanted(pending *token.Pending, said *bool) (good bool, err error) {
	p.signatures++
	if p.inside {
		good = pending.Check()
		got, err := p.module.call("check")
		if err == nil && (got == 1) != good {
			err = fmt.Errorf("the module finds the signature %d, Go %t", got, good)
		}
		return good, err
	}
	handle, err := p.module.call("wanted_key")
	if err != nil {
		return false, err
	}
	input, err := p.module.copied("wanted_input")
	if err != nil {
		return false, err
	}
	signature, err := p.module.copied("wanted_signature")
	if err != nil {
		return false, err
	}
	if p.handles[handle] == "" {
		if got, err := p.module.call("key", uint64(uint32(handle))); err != nil || got != 0 {
			return false, fmt.Errorf("key %d: returned %d, %w", handle, got, err)
		}
		jwk, err := p.module.copied("result")
		if err != nil {
			return false, err
		}
		p.handles[handle] = string(jwk)
	}
	jwk, err := pending.Key.AppendJWK(nil)
	if err != nil {
		return false, err
	}
	if p.handles[handle] != string(jwk) || !bytes.Equal(input, pending.SigningInput) || !bytes.Equal(signature, pending.Signature) {
		return false, fmt.Errorf("wants %x over %q by %s\nwant %x over %q by %s", signature, input, p.handles[handle], pending.Signature, pending.SigningInput, jwk)
	}
	if said != nil {
		return *said, nil
	}
	return pending.Check(), nil
}

func (p *pair) load(compact string, now int64, said *bool) error {
	err := p.native.PrepareLoad([]byte(compact), &p.bundle)
	got, trap := p.module.at("load", []byte(compact), now)
	if err != nil || trap != nil {
		if err == nil {
			return trap
		}
		return p.same(refused(err), got, trap)
	}
	if got != 1 {
		return fmt.Errorf("load returned %d, want 1", got)
	}
	good, err := p.wanted(&p.bundle, said)
	if err != nil {
		return err
	}
	err = token.ErrSignature
	if good {
		err = p.native.FinishLoad(&p.bundle, now)
	}
	number, expires := p.native.Held()
	want := answer{0, fmt.Sprintf(`{"number":%d,"expires":%d}`, number, expires)}
	if err != nil {
		want = refused(err)
	}
	got, err = p.settle(good)
	return p.same(want, got, err)
}

func (p *pair) settle(good bool) (int32, error) {
	if good {
		return p.module.call("settle", 1)
	}
	return p.module.call("settle", 0)
}

// decide gives an input in the form of the interface, whatever it is.
func (p *pair) decide(input string, now int64, said *bool) error {
	r, ok := readInput(input)
	got, trap := p.module.at("decide", []byte(input), now)
	if trap != nil {
		return trap
	}
	wanted := false
	if ok {
		p.request.Token.Volatile = true
		wanted = p.native.PrepareDecide(r, now, &p.request, &p.verdict)
	} else {
		p.verdict = edge.Verdict{Status: 400, Code: "malformed_request", Detail: "this request can be read in more than one way", Rule: -1}
	}
	switch {
	case wanted && p.request.Token.Key.Type() == "oct":
		p.native.FinishDecide(&p.request, p.request.Token.Check(), now, &p.verdict)
	case wanted:
		if got != 1 {
			return fmt.Errorf("decide returned %d, want 1", got)
		}
		good, err := p.wanted(&p.request.Token, said)
		if err != nil {
			return err
		}
		p.native.FinishDecide(&p.request, good, now, &p.verdict)
		if got, err = p.settle(good); err != nil {
			return err
		}
	}
	return p.same(answer{0, string(p.verdict.AppendJSON(nil))}, got, nil)
}

// readInput reads the fields of a request.
func readInput(input string) (*edge.Request, bool) {
	fields := strings.Split(input, "\x00")
	if len(fields) != 6 {
		return nil, false
	}
	there := make([]bool, len(fields))
	for i, field := range fields {
		if there[i] = field != ""; there[i] && field[0] != '=' {
			return nil, false
		}
		fields[i] = strings.TrimPrefix(field, "=")
	}
	if there[0] != there[1] || there[0] && fields[0] == "" {
		return nil, false
	}
	return &edge.Request{
		Method: fields[0], Path: fields[1], Authorization: fields[2], HasAuthorization: there[2], Cookie: fields[3], Origin: fields[4], FetchSite: fields[5],
	}, true
}

// inputs is how many inputs each module is given: HEXWARD_FUZZ_WASM, or few.
func inputs(t *testing.T) int {
	t.Helper()
	text := os.Getenv("HEXWARD_FUZZ_WASM")
	if text == "" {
		return 10_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HEXWARD_FUZZ_WASM is %q, not a number of inputs", text)
	}
	return n
}

// TestDifferential gives the same to a verifier in Go and to one in WebAssembly, in wazero: bundles, configurations and requests out of the
// vectors, changed at random. Both say the same to the letter, and nothing traps. In the flavour "host" whether a signature is
// good is said by Go, half of the time whatever it is, so that changed claims are read; in "full" both find it.
//
// HEXWARD_FUZZ_WASM=1000000 gives each module of "host" that many inputs, and each of "full", which takes far longer, a hundredth.
func TestDifferential(t *testing.T) {
	s := staged(t)
	const life = 500 // inputs to one pair
	n := inputs(t)
	m := newMachine(t)
	for _, module := range s.modules {
		compiled := m.compile(t, s.path(module))
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			n, inside := n, strings.HasSuffix(module, "full")
			if inside {
				n = max(n/100, 500)
			}
			source := newMutator(&s.vectors, 1)
			var p *pair
			codes := map[string]int{}
			signatures, memory := 0, uint32(0)
			for i := range n {
				if i%life == 0 {
					if p != nil {
						p.module.close()
					}
					module, err := m.start(compiled)
					if err != nil {
						t.Fatal(err)
					}
					p = &pair{module: module, inside: inside, handles: map[int32]string{}}
					p.open(t, &s.vectors, source.settle())
				}
				p.verdict.Code = ""
				what, err := p.step(source)
				if err != nil {
					t.Fatalf("input %d, %s: %v", i, what, err)
				}
				codes[p.verdict.Code]++
				signatures += p.signatures
				p.signatures = 0
				memory = max(memory, p.module.memory())
			}
			p.module.close()
			t.Logf("%d inputs, verdicts of %d codes, %d signatures, no difference; at most %d KiB", n, len(codes), signatures, memory>>10)
			if n >= 10_000 && (codes["allowed"] < n/10 || len(codes) < 25) || signatures < n/10 {
				t.Errorf("the inputs are too much alike: %v", codes)
			}
		})
	}
}

// open begins as a run of the vectors does.
func (p *pair) open(t *testing.T, v *vectors, s *source) {
	t.Helper()
	err := p.renew(nil, 0)
	if err == nil && s.trust != "" {
		err = p.give("trust", s.trust)
	}
	switch {
	case err != nil:
	case s.opening.Load != nil:
		err = p.load(string(v.bytes(s.opening.Load)), s.opening.Now, nil)
	default:
		err = p.give("configure", string(v.bytes(s.opening.Configure)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// step gives both the next input, and returns what it was.
func (p *pair) step(m *mutator) (what string, err error) {
	var said *bool
	if !p.inside && m.IntN(2) == 0 {
		good := m.IntN(8) > 0
		said = &good
	}
	now := m.time()
	switch k := m.IntN(1000); {
	case k < 30:
		compact := from(m, bundlesOf)
		if m.IntN(3) > 0 {
			compact = m.jws(compact)
		}
		what, err = fmt.Sprintf("load %q at %d", compact, now), p.load(compact, now, said)
	case k < 34:
		config := from(m, configsOf)
		if m.IntN(2) == 0 {
			config = m.text(config)
		}
		what, err = fmt.Sprintf("configure %q", config), p.give("configure", config)
	case k < 36:
		trust := one(m, m.runs).trust
		if m.IntN(2) == 0 {
			trust = m.text(trust)
		}
		what, err = fmt.Sprintf("trust %q", trust), p.give("trust", trust)
		if opening := m.home.opening.Load; err == nil && opening != nil { // what was held is gone
			err = p.load(string(m.vectors.bytes(opening)), m.home.opening.Now, nil)
		}
	case k < 60:
		input := m.text(encoded(m.request()))
		return fmt.Sprintf("decide %q at %d", input, now), p.decide(input, now, said)
	default:
		input := encoded(m.request())
		return fmt.Sprintf("decide %q at %d", input, now), p.decide(input, now, said)
	}
	if err == nil {
		err = p.holds()
	}
	return what, err
}

// encoded returns a request in the form of the interface.
func encoded(fields []*string) string {
	list := make([]string, len(fields))
	for i, field := range fields {
		if field != nil {
			list[i] = "=" + *field
		}
	}
	return strings.Join(list, "\x00")
}
