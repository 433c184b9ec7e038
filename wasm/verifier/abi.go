package main

import (
	"strconv"
	"unsafe"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// What the calls return.
const (
	done    = 0
	wanted  = 1 // a signature is
	refused = 2
)

// fields is how many a request has.
const fields = 6

// module is the state of an instance.
type module struct {
	trust *token.KeySet
	stale int64

	verifier *edge.Verifier
	input    []byte
	result   []byte

	request edge.Pending
	bundle  token.Pending
	pending *token.Pending // what a signature is wanted for: request's or bundle's; nil for nothing
	now     int64
	verdict edge.Verdict

	keys   []*token.Key // by handle, less the first
	offset int          // of the first
}

// maxInput bounds the input, and minInput is room for any usual request, in bytes.
const (
	maxInput = edge.MaxBundle
	minInput = 64 << 10
)

// room returns a buffer for size bytes of input, or nil. It only ever grows, and doubles at least: TinyGo never gives back what a
// smaller one left.
func (m *module) room(size int32) []byte {
	m.pending = nil
	if size < 0 || size > maxInput {
		return nil
	}
	n := max(int(size), 1)
	if cap(m.input) < n {
		m.input = make([]byte, max(n, minInput, min(2*cap(m.input), maxInput)))
	}
	m.input = m.input[:n]
	return m.input
}

// read returns the input, of this length; none of it when there is not as much.
func (m *module) read(size int32) []byte {
	m.pending = nil
	if size < 0 || int(size) > len(m.input) {
		return nil
	}
	return m.input[:size]
}

// renew makes a verifier that holds nothing.
func (m *module) renew() int32 {
	v, err := edge.New(edge.Config{Trust: m.trust, Algorithms: algorithms[:], StaleFor: m.stale, Alone: true})
	if err != nil {
		return m.refuse(err)
	}
	m.verifier = v
	return done
}

func (m *module) setTrust(size int32) int32 {
	set, err := token.ParseKeySet(m.read(size))
	if err != nil {
		return m.refuse(err)
	}
	was := m.trust
	m.trust = set
	if m.renew() != done {
		m.trust = was
		return refused
	}
	return done
}

func (m *module) setStale(seconds int32) int32 {
	m.pending = nil
	was := m.stale
	m.stale = int64(seconds)
	if m.renew() != done {
		m.stale = was
		return refused
	}
	return done
}

func (m *module) configure(size int32) int32 {
	b, err := edge.ParseBundle(string(m.read(size)))
	if err == nil && m.ready() {
		err = m.verifier.Configure(b)
	}
	if err != nil {
		return m.refuse(err)
	}
	return done
}

// ready reports whether there is a verifier, which it makes.
func (m *module) ready() bool { return m.verifier != nil || m.renew() == done }

func (m *module) load(size int32, now float64) int32 {
	compact := m.read(size)
	m.now = millis(now)
	if !m.ready() {
		return refused
	}
	if err := m.verifier.PrepareLoad(compact, &m.bundle); err != nil {
		return m.refuse(err)
	}
	m.pending = &m.bundle
	return wanted
}

func (m *module) decide(size int32, now float64) int32 {
	text := view(m.read(size))
	m.now = millis(now)
	if !m.ready() {
		return refused
	}
	var r edge.Request
	if !readRequest(text, &r) {
		m.verdict = edge.Verdict{} // what is assigned next would be put together in new memory
		m.verdict.Status, m.verdict.Rule = 400, -1
		m.verdict.Code, m.verdict.Detail = "malformed_request", "this request can be read in more than one way"
		return m.decided()
	}
	m.request.Token.Volatile = true
	if !m.verifier.PrepareDecide(&r, m.now, &m.request, &m.verdict) {
		return m.decided()
	}
	m.pending = &m.request.Token
	if m.pending.Key.Type() == "oct" { // a secret is not handed out
		return m.settle(m.pending.Check())
	}
	return wanted
}

// readRequest reads the fields of a request.
func readRequest(text string, r *edge.Request) bool {
	var list [fields]string
	var there [fields]bool
	n := 0
	for start, i := 0, 0; i <= len(text); i++ {
		if i < len(text) && text[i] != 0 {
			continue
		}
		if n == fields {
			return false
		}
		if field := text[start:i]; field != "" {
			if field[0] != '=' {
				return false
			}
			list[n], there[n] = field[1:], true
		}
		n++
		start = i + 1
	}
	r.Method, r.Path, r.Authorization, r.Cookie, r.Origin, r.FetchSite = list[0], list[1], list[2], list[3], list[4], list[5]
	r.HasAuthorization = there[2]
	return n == fields && there[0] == there[1] && (r.Method != "") == there[0]
}

// view returns b as a string without copying it: the input stays as it is while a decision is made.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // G103: read-only and bounded by len(b)
}

func (m *module) decided() int32 {
	m.result = m.verdict.AppendJSON(m.result[:0])
	return done
}

// settle goes on when it is known whether the wanted signature is good.
func (m *module) settle(good bool) int32 {
	pending := m.pending
	m.pending = nil
	switch {
	case pending == nil:
		return m.refuse(edge.ErrConfig)
	case pending == &m.request.Token:
		m.verifier.FinishDecide(&m.request, good, m.now, &m.verdict)
		return m.decided()
	}
	err := token.ErrSignature
	if good {
		err = m.verifier.FinishLoad(pending, m.now)
	}
	m.bundle = token.Pending{} // a bundle is large, and the next one far off
	if err != nil {
		return m.refuse(err)
	}
	return m.held()
}

func (m *module) held() int32 {
	var number, expires int64
	if m.verifier != nil {
		number, expires = m.verifier.Held()
	}
	m.result = append(m.result[:0], `{"number":`...)
	m.result = strconv.AppendInt(m.result, number, 10)
	m.result = append(m.result, `,"expires":`...)
	m.result = strconv.AppendInt(m.result, expires, 10)
	m.result = append(m.result, '}')
	return done
}

func (m *module) refuse(err error) int32 {
	m.result = append(m.result[:0], `{"code":`...)
	m.result = token.AppendText(m.result, edge.CodeOf(err))
	m.result = append(m.result, `,"detail":`...)
	m.result = token.AppendText(m.result, edge.DetailOf(err))
	m.result = append(m.result, '}')
	return refused
}

// maxHandles is how many keys have handles at a time.
const maxHandles = 1024

// wantedKey returns the handle of the key that is wanted, or -1.
func (m *module) wantedKey() int32 {
	if m.pending == nil || m.pending.Key == nil {
		return -1
	}
	for i := len(m.keys) - 1; i >= 0; i-- {
		if m.keys[i] == m.pending.Key {
			return int32(m.offset + i) //nolint:gosec // far fewer keys come in the life of an instance
		}
	}
	if len(m.keys) == maxHandles {
		m.offset += len(m.keys)
		m.keys = m.keys[:0]
	}
	m.keys = append(m.keys, m.pending.Key)
	return int32(m.offset + len(m.keys) - 1) //nolint:gosec // likewise
}

func (m *module) key(handle int32) int32 {
	i := int(handle) - m.offset
	if i < 0 || i >= len(m.keys) {
		return m.refuse(token.ErrKeyUnknown)
	}
	jwk, err := m.keys[i].AppendJWK(m.result[:0])
	if err != nil {
		return m.refuse(err)
	}
	m.result = jwk
	return done
}

// wantedInput and wantedSignature return what the host verifies, or nil.
func (m *module) wantedInput() []byte {
	if m.pending == nil {
		return nil
	}
	return m.pending.SigningInput
}

func (m *module) wantedSignature() []byte {
	if m.pending == nil {
		return nil
	}
	return m.pending.Signature
}

// check reports whether the wanted signature is good; false in the flavour that leaves that to the host.
func (m *module) check() bool { return m.pending != nil && m.pending.Check() }

// millis returns a time of the host's, in Unix milliseconds: 0, at which nothing is valid yet, for one that is none.
func millis(now float64) int64 {
	if now > 0 && now < 1<<53 {
		return int64(now)
	}
	return 0
}
