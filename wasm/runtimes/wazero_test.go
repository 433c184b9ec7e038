package runtimes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/token"
)

// verifyHere returns what verifies a signature in this program, as a host does: by the key that a module hands out.
func verifyHere() func(jwk, input, signature []byte) (bool, error) {
	algorithms := map[string]token.Algorithm{}
	for _, a := range []token.Algorithm{
		token.EdDSA, token.ES256, token.ES384, token.ES512, token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512,
	} {
		algorithms[a.Name()] = a
	}
	primitives := map[string]token.Primitive{}
	return func(jwk, input, signature []byte) (bool, error) {
		primitive := primitives[string(jwk)]
		if primitive == nil {
			key, err := token.ParseKey(jwk)
			if err != nil {
				return false, err
			}
			if primitive, err = algorithms[key.Algorithm()].Primitive(key); err != nil {
				return false, err
			}
			primitives[string(jwk)] = primitive
		}
		return primitive.Verify(input, signature), nil
	}
}

// settled gives what may want a signature, and answers that: by verify, or inside of the module when there is none.
func (i *instance) settled(name string, input []byte, now int64, verify func(jwk, input, signature []byte) (bool, error)) (int32, error) {
	returned, err := i.at(name, input, now)
	if err != nil || returned != 1 {
		return returned, err
	}
	return i.settle(verify)
}

// settle answers what is wanted.
func (i *instance) settle(verify func(jwk, input, signature []byte) (bool, error)) (returned int32, err error) {
	good := int32(0)
	if verify == nil {
		if good, err = i.call("check"); err != nil {
			return 0, err
		}
		return i.call("settle", uint64(uint32(good)))
	}
	handle, err := i.call("wanted_key")
	if err != nil {
		return 0, err
	}
	signed, err := i.copied("wanted_input")
	if err != nil {
		return 0, err
	}
	signature, err := i.copied("wanted_signature")
	if err != nil {
		return 0, err
	}
	if returned, err = i.call("key", uint64(uint32(handle))); err != nil || returned != 0 {
		return 0, fmt.Errorf("key %d: returned %d, %w", handle, returned, err)
	}
	jwk, err := i.copied("result")
	if err != nil {
		return 0, err
	}
	ok, err := verify(jwk, signed, signature)
	if err != nil {
		return 0, err
	}
	if ok {
		good = 1
	}
	return i.call("settle", uint64(uint32(good)))
}

// TestWazero replays the vectors in wazero: with signatures verified by this program, and inside.
func TestWazero(t *testing.T) {
	s := staged(t)
	m := newMachine(t)
	for _, module := range s.modules {
		compiled := m.compile(t, s.path(module))
		ways := map[string]func(jwk, input, signature []byte) (bool, error){"host": verifyHere()}
		if strings.HasSuffix(module, "full") {
			ways["inside"] = nil
		}
		for way, verify := range ways {
			t.Run(module+"/"+way, func(t *testing.T) {
				steps := 0
				for _, r := range s.vectors.Runs {
					i, err := m.start(compiled)
					if err != nil {
						t.Fatal(err)
					}
					i.begin(t, s.vectors.expand(r.Trust), r.Stale)
					for _, step := range r.Steps {
						i.replay(t, &s.vectors, r.Name, &step, verify)
						steps++
					}
					i.close()
				}
				if steps != s.vectors.steps() || steps < 500 {
					t.Errorf("%d steps", steps)
				}
				t.Logf("%d steps", steps)
			})
		}
	}
}

// begin gives the keys to trust and how long past its end a bundle is decided by.
func (i *instance) begin(t testing.TB, trust string, stale int32) {
	t.Helper()
	if trust != "" {
		if returned, err := i.give("trust", []byte(trust)); err != nil || returned != 0 {
			t.Fatalf("the keys to trust: returned %d, %v", returned, err)
		}
	}
	if returned, err := i.call("stale", uint64(uint32(stale))); err != nil || returned != 0 {
		t.Fatalf("stale: returned %d, %v", returned, err)
	}
}

// replay takes one step.
func (i *instance) replay(t *testing.T, v *vectors, run string, s *step, verify func(jwk, input, signature []byte) (bool, error)) {
	t.Helper()
	var returned int32
	var err error
	switch {
	case s.Trust != nil:
		returned, err = i.give("trust", v.bytes(s.Trust))
	case s.Configure != nil:
		returned, err = i.give("configure", v.bytes(s.Configure))
	case s.Load != nil:
		returned, err = i.settled("load", v.bytes(s.Load), s.Now, verify)
	case s.Input != nil:
		returned, err = i.settled("decide", v.bytes(s.Input), s.Now, verify)
	case s.Decide != nil:
		returned, err = i.settled("decide", v.request(s.Decide), s.Now, verify)
	case s.Room != nil:
		if returned, err = i.call("input", uint64(uint32(*s.Room))); returned != 0 {
			returned = 1
		}
	default:
		t.Fatalf("%s / %s: a step that is none", run, s.Name)
	}
	if err != nil || returned != s.Returns {
		t.Errorf("%s / %s: returned %d, %v; want %d", run, s.Name, returned, err, s.Returns)
		return
	}
	hold := func(what string, want *string) {
		if want == nil {
			return
		}
		if got, err := i.copied("result"); err != nil || string(got) != *want {
			t.Errorf("%s / %s: %s: got %s, %v\nwant %s", run, s.Name, what, got, err, *want)
		}
	}
	hold("result", s.Result)
	if s.Held != nil {
		if _, err := i.call("held"); err != nil {
			t.Errorf("%s / %s: %v", run, s.Name, err)
		}
		hold("held", s.Held)
	}
}
