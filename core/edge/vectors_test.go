package edge_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

var (
	update       = flag.Bool("update", false, "write the digests of the vectors anew")
	vectorsInto  = flag.String("vectors", "", "write the vectors into this file")
	vectorDigest = "testdata/vectors.sha256"
)

// vectorFile is what every runtime replays: what a verifier decides, to the letter, after what it was given. It is made anew by
// each test, the same each time, since it is larger than what belongs into a repository; its digests are kept there.
//
// A run is one verifier's life from its beginning, a step one thing that it is asked, by exactly one of configure, load,
// decide, input and room. In its texts ${name} stands for a text of the file. What has bytes that are no UTF-8, or many of them, is an
// object instead of a text: {"base64": "…"} or {"repeat": "A", "count": 9}.
type vectorFile struct {
	Format int               `json:"format"` // 1
	Texts  map[string]string `json:"texts"`
	Runs   []*vectorRun      `json:"runs"`
}

type vectorRun struct {
	Name  string        `json:"name"`
	Trust string        `json:"trust,omitempty"` // the JWK Set of those who sign bundles
	Stale int64         `json:"stale,omitempty"` // seconds
	Steps []*vectorStep `json:"steps"`

	maker    *vectorMaker
	verifier *edge.Verifier
}

type vectorStep struct {
	Name      string      `json:"name"`
	Now       int64       `json:"now,omitempty"`       // Unix milliseconds
	Trust     *vectorText `json:"trust,omitempty"`     // a JWK Set: everything that was held is gone, if it is accepted
	Configure *vectorText `json:"configure,omitempty"` // a bundle's payload that nobody signed
	Load      *vectorText `json:"load,omitempty"`      // a signed bundle
	Decide    []*string   `json:"decide,omitempty"`    // method, path, authorization, cookie, origin, sec-fetch-site; null for what is not there
	Input     *vectorText `json:"input,omitempty"`     // a request in the form of the WebAssembly interface, which need not be well formed
	Room      *int64      `json:"room,omitempty"`      // asks the WebAssembly interface for room; returns 1 for some, 0 for none
	Returns   int         `json:"returns,omitempty"`   // 0, or 2 for what is refused
	Result    string      `json:"result,omitempty"`    // what the interface gives as the result, to the letter
	Held      string      `json:"held,omitempty"`      // what is held afterwards, likewise
	Status    int         `json:"status,omitempty"`    // of the verdict; written by hand, and in the result too
	Code      string      `json:"code,omitempty"`      // of the verdict or the refusal, likewise
}

// vectorText is a text that may hold any bytes.
type vectorText string

func textOf(s string) *vectorText {
	t := vectorText(s)
	return &t
}

func (v vectorText) MarshalJSON() ([]byte, error) {
	s := string(v)
	switch {
	case len(s) > 1<<16 && strings.Count(s, s[:1]) == len(s):
		return json.Marshal(map[string]any{"repeat": s[:1], "count": len(s)})
	case !utf8.ValidString(s):
		return json.Marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(s))})
	}
	return json.Marshal(s)
}

// vectorMaker makes the vectors by asking the verifier, and holds what it answers against what was written down by hand.
type vectorMaker struct {
	t    *testing.T
	file vectorFile
}

// The time of the vectors, in Unix seconds and milliseconds.
const (
	vectorSecond = 1_800_000_000
	vectorNow    = vectorSecond * 1000
)

// every algorithm, verified by this program.
var everyAlgorithm = []token.Algorithm{
	token.EdDSA, token.ES256, token.ES384, token.ES512, token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512,
	token.HS256, token.HS384, token.HS512,
}

// text keeps a text and returns what stands for it.
func (m *vectorMaker) text(name, text string) string {
	if was, ok := m.file.Texts[name]; ok && was != text {
		m.t.Fatalf("two texts are called %s", name)
	}
	m.file.Texts[name] = text
	return "${" + name + "}"
}

var placeholder = regexp.MustCompile(`\$\{([a-z0-9_]+)\}`)

func (m *vectorMaker) expand(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(name string) string {
		text, ok := m.file.Texts[name[2:len(name)-1]]
		if !ok {
			m.t.Fatalf("no text is called %s", name)
		}
		return text
	})
}

// run begins a run with a verifier that trusts these keys.
func (m *vectorMaker) run(name, trust string, stale int64) *vectorRun {
	m.t.Helper()
	r := &vectorRun{Name: name, Trust: trust, Stale: stale, maker: m}
	if slices.ContainsFunc(m.file.Runs, func(other *vectorRun) bool { return other.Name == name }) {
		m.t.Errorf("two runs are called %s", name)
	}
	m.file.Runs = append(m.file.Runs, r)
	if !r.renew(trust) {
		m.t.Fatalf("%s: the trusted keys are refused", name)
	}
	return r
}

// renew begins with a new verifier.
func (r *vectorRun) renew(trust string) bool {
	c := edge.Config{Algorithms: everyAlgorithm, StaleFor: r.Stale}
	if trust != "" {
		set, err := token.ParseKeySet([]byte(r.maker.expand(trust)))
		if err != nil {
			return false
		}
		c.Trust = set
	}
	v, err := edge.New(c)
	if err != nil {
		return false
	}
	r.verifier = v
	return true
}

// add adds a step with what is held after it.
func (r *vectorRun) add(s *vectorStep) {
	number, expires := r.verifier.Held()
	s.Held = fmt.Sprintf(`{"number":%d,"expires":%d}`, number, expires)
	r.Steps = append(r.Steps, s)
}

// refusal returns how the interface tells of an error.
func refusal(code, detail string) string {
	quoted, err := json.Marshal(detail)
	must(err)
	return fmt.Sprintf(`{"code":%q,"detail":%s}`, code, quoted)
}

// load loads a bundle, which is refused with a code, or not when that is empty.
func (r *vectorRun) load(name, compact string, now int64, code string) {
	t := r.maker.t
	t.Helper()
	s := &vectorStep{Name: name, Now: now, Load: textOf(compact), Code: code}
	before, _ := r.verifier.Held()
	err := r.verifier.Load([]byte(r.maker.expand(compact)), now)
	if got := edge.CodeOf(err); got != code {
		t.Errorf("%s / %s: got %q, want %q", r.Name, name, got, code)
	}
	number, expires := r.verifier.Held()
	if err != nil {
		s.Returns, s.Result = 2, refusal(edge.CodeOf(err), err.Error())
		if number != before {
			t.Errorf("%s / %s: was refused and changed what is held to %d", r.Name, name, number)
		}
	} else {
		s.Result = fmt.Sprintf(`{"number":%d,"expires":%d}`, number, expires)
	}
	r.add(s)
}

// configure takes a payload that nobody signed, which is refused with a code, or not when that is empty.
func (r *vectorRun) configure(name, payload, code string) {
	t := r.maker.t
	t.Helper()
	s := &vectorStep{Name: name, Configure: textOf(payload), Code: code}
	b, err := edge.ParseBundle(r.maker.expand(payload))
	if err == nil {
		err = r.verifier.Configure(b)
	}
	if got := edge.CodeOf(err); got != code {
		t.Errorf("%s / %s: got %q, want %q", r.Name, name, got, code)
	}
	if err != nil {
		s.Returns, s.Result = 2, refusal(edge.CodeOf(err), err.Error())
	}
	r.add(s)
}

// retrust gives keys to trust anew, which are refused with a code, or not when that is empty.
func (r *vectorRun) retrust(name, trust, code string) {
	t := r.maker.t
	t.Helper()
	s := &vectorStep{Name: name, Trust: textOf(trust), Code: code}
	set, err := token.ParseKeySet([]byte(r.maker.expand(trust)))
	if err == nil {
		_, err = edge.New(edge.Config{Trust: set, Algorithms: everyAlgorithm})
	}
	if got := edge.CodeOf(err); got != code {
		t.Errorf("%s / %s: got %q, want %q", r.Name, name, got, code)
	}
	if err != nil {
		s.Returns, s.Result = 2, refusal(edge.CodeOf(err), err.Error())
	} else {
		r.renew(trust)
	}
	r.add(s)
}

// asked is a request: its fields are absent unless they were set.
type asked [6]*string

// The fields of a request.
const (
	inMethod = iota
	inPath
	inAuthorization
	inCookie
	inOrigin
	inSite
)

// get returns a request for a path with a method, or without both for two empty ones.
func get(method, path string) (a asked) {
	if method != "" {
		a[inMethod], a[inPath] = &method, &path
	}
	return a
}

func (a asked) with(field int, value string) asked {
	a[field] = &value
	return a
}

func (a asked) bearer(text string) asked { return a.with(inAuthorization, "Bearer "+text) }
func (a asked) cookie(text string) asked { return a.with(inCookie, text) }
func (a asked) origin(text string) asked { return a.with(inOrigin, text) }
func (a asked) site(text string) asked   { return a.with(inSite, text) }

// request returns what the verifier is asked.
func (m *vectorMaker) request(a asked) *edge.Request {
	var f [len(a)]string
	for i, value := range a {
		if value != nil {
			f[i] = m.expand(*value)
		}
	}
	return &edge.Request{
		Method: f[inMethod], Path: f[inPath], Authorization: f[inAuthorization], HasAuthorization: a[inAuthorization] != nil,
		Cookie: f[inCookie], Origin: f[inOrigin], FetchSite: f[inSite],
	}
}

// decide decides about a request, with this status and code.
func (r *vectorRun) decide(name string, a asked, now int64, status int, code string) *edge.Verdict {
	t := r.maker.t
	t.Helper()
	var v edge.Verdict
	r.verifier.Decide(r.maker.request(a), now, &v)
	if v.Status != status || v.Code != code {
		t.Errorf("%s / %s: got %d %s, want %d %s", r.Name, name, v.Status, v.Code, status, code)
	}
	held(t, r.Name+" / "+name, &v, a[inAuthorization] != nil)
	r.add(&vectorStep{Name: name, Now: now, Decide: a[:], Result: string(v.AppendJSON(nil)), Status: status, Code: code})
	return &v
}

// held holds a verdict against what is so for every one.
func held(t *testing.T, name string, v *edge.Verdict, bearer bool) {
	t.Helper()
	challenge := ""
	if v.Status == 401 {
		challenge = "Bearer"
		if bearer {
			challenge = `Bearer error="invalid_token"`
		}
	}
	if v.Challenge != challenge || v.Allowed() != (v.Detail == "") || v.Allowed() != (v.Code == "allowed") {
		t.Errorf("%s: a verdict in which things do not go together: %+v", name, v)
	}
	if !v.Allowed() && (v.Principal.SignedIn() || v.Principal.Subject != "" || v.Claims.Raw() != "") {
		t.Errorf("%s: a refusal that tells who asks: %+v", name, v)
	}
	if doc := v.AppendJSON(nil); !json.Valid(doc) {
		t.Errorf("%s: a verdict that is no JSON: %s", name, doc)
	}
}

// input adds a request in the form of the interface that it refuses as it is.
func (r *vectorRun) input(name, text string) {
	r.add(&vectorStep{
		Name: name, Now: vectorNow, Input: textOf(text), Status: 400, Code: "malformed_request",
		Result: `{"allowed":false,"status":400,"code":"malformed_request","detail":"this request can be read in more than one way","challenge":"","rule":-1,` +
			`"principal":{"subject":"","name":"","kind":"anonymous","tenant":"","permissions":[],"session":"","token":"","via":"none","expires":0},"claims":null}`,
	})
}

// room asks for room.
func (r *vectorRun) room(name string, size int64, some int) {
	r.add(&vectorStep{Name: name, Room: &size, Returns: some})
}

// makeVectors makes all vectors.
func makeVectors(t *testing.T) *vectorMaker {
	t.Helper()
	m := &vectorMaker{t: t, file: vectorFile{Format: 1, Texts: map[string]string{}}}
	m.bundles()
	m.payloads()
	m.grid()
	m.requests()
	m.tokens()
	m.foreign()
	return m
}

// encode returns the file.
func (m *vectorMaker) encode() []byte {
	var doc bytes.Buffer
	e := json.NewEncoder(&doc)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	must(e.Encode(m.file))
	return doc.Bytes()
}

// digests returns a line for each run, so that a change shows where it is.
func (m *vectorMaker) digests(doc []byte) string {
	var b strings.Builder
	line := func(doc []byte, name string, steps int) {
		sum := sha256.Sum256(doc)
		fmt.Fprintf(&b, "%s %4d %s\n", hex.EncodeToString(sum[:]), steps, name)
	}
	all := 0
	for _, r := range m.file.Runs {
		own, err := json.Marshal(r)
		must(err)
		line([]byte(m.expand(string(own))), r.Name, len(r.Steps))
		all += len(r.Steps)
	}
	line(doc, "vectors.json", all)
	return b.String()
}

// TestVectors makes the vectors, holds each against what is expected of it, and all of them against their digests.
func TestVectors(t *testing.T) {
	m := makeVectors(t)
	doc := m.encode()
	if again := makeVectors(t).encode(); !bytes.Equal(doc, again) {
		t.Fatal("the vectors are not the same each time")
	}
	codes := map[string]int{}
	steps := 0
	for _, r := range m.file.Runs {
		names := map[string]bool{}
		for _, s := range r.Steps {
			if names[s.Name] {
				t.Errorf("%s: two steps are called %s", r.Name, s.Name)
			}
			names[s.Name] = true
			codes[s.Code]++
			steps++
		}
	}
	t.Logf("%d runs, %d steps, %d codes, %d bytes", len(m.file.Runs), steps, len(codes), len(doc))
	if steps < 500 {
		t.Error("those are few")
	}
	if t.Failed() {
		return
	}
	if *vectorsInto != "" {
		must(os.WriteFile(*vectorsInto, doc, 0o600))
	}
	digests := m.digests(doc)
	if *update {
		must(os.WriteFile(vectorDigest, []byte(digests), 0o600))
	}
	kept, err := os.ReadFile(vectorDigest)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) == digests {
		return
	}
	before := strings.Split(string(kept), "\n")
	for _, line := range strings.Split(digests, "\n") {
		if !slices.Contains(before, line) {
			t.Errorf("changed: %s", line)
		}
	}
	t.Error("the vectors are not those of before: if that is meant, run go test ./core/edge -run TestVectors -update, and tell whoever replays them")
}

// twin returns the other signature that verifies under an ECDSA key wherever this one does.
func twin(signature []byte, order *big.Int) []byte {
	half := len(signature) / 2
	s := new(big.Int).SetBytes(signature[half:])
	return append(bytes.Clone(signature[:half]), s.Sub(order, s).FillBytes(make([]byte, half))...)
}
