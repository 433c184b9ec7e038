package runtimes_test

import (
	"strings"
	"testing"
)

// slack is by how many bytes the memory may grow all the same: the standard compiler's collector lets a heap grow for a while.
const slack = 2 << 20

// TestMemory shows that the memory of a module stays as it is after the first thousand decisions, whatever is asked and however
// long.
func TestMemory(t *testing.T) {
	s := staged(t)
	n := inputs(t)
	m := newMachine(t)
	for _, module := range s.modules {
		compiled := m.compile(t, s.path(module))
		t.Run(module, func(t *testing.T) {
			inside := strings.HasSuffix(module, "full")
			n := n
			if inside {
				n = max(n/100, 2000)
			}
			source := newMutator(&s.vectors, 2)
			home := func(name string) {
				for i := range source.runs {
					if source.runs[i].name == name {
						source.home = &source.runs[i]
						return
					}
				}
				t.Fatalf("there is no run %s", name)
			}
			i, err := m.start(compiled)
			if err != nil {
				t.Fatal(err)
			}
			defer i.close()
			home("every credential at every route")
			i.begin(t, source.home.trust, 0)
			open := source.home.opening
			verify := verifyHere()
			if inside {
				verify = nil
			}
			if returned, err := i.settled("load", s.vectors.bytes(open.Load), open.Now, verify); err != nil || returned != 0 {
				t.Fatalf("the bundle: %d, %v", returned, err)
			}
			long := strings.Repeat("=", 150_000)
			var after uint32
			for k := range n {
				input := encoded(source.request())
				if k%50 == 0 {
					input += long // refused, and room is needed for it
				}
				returned, err := i.at("decide", []byte(input), source.time())
				if err == nil && returned == 1 {
					_, err = i.settle(verify)
				}
				if err != nil {
					t.Fatalf("input %d, %q: %v", k, input, err)
				}
				if k == 1000 {
					after = i.memory()
				}
			}
			t.Logf("%d KiB after 1,000 inputs, %d KiB after %d", after>>10, i.memory()>>10, n)
			if i.memory() > after+slack {
				t.Errorf("the memory grew from %d to %d bytes", after, i.memory())
			}
		})
	}
}
