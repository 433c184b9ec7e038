package edge

import (
	"math/bits"
	"strconv"

	"github.com/hexward/hexward/core/token"
)

const (
	// maxMarks is the greatest number of marks of one kind in a bundle. Who has more to revoke revokes everything
	// (token.MarkAll): a bundle of that size is larger than what it saves.
	maxMarks = 1 << 20

	// maxBefore is the last millisecond of the year 9999, in Unix milliseconds: no token that a token.Verifier accepts was
	// issued later.
	maxBefore = 253402300799999
)

// Seed keys the hash by which marks are known in a bundle. It is random and the same in everything that one server, and its
// replicas, publish. It is no secret from those who read bundles; whoever has it can tell whether a value that they
// know is marked. The zero Seed is none.
type Seed [16]byte

// Marks is a set of revocation marks as an edge verifier has them: 56 bits of SipHash-2-4 of each jti, sid and sub under a
// seed. What a token.Marks revokes, the Marks made of it revoke; what it does not, they revoke with a chance of 2^-56 for each
// mark. How long a mark counts is not in it: whoever publishes bundles leaves out what has expired, and publishes whole sets
// from time to time.
//
// The zero value has no marks and takes the seed of the first that are merged into it. Only Merge changes a Marks: no other
// goroutine may use it meanwhile, and otherwise any number may.
type Marks struct {
	seed     Seed
	tokens   hashes
	sessions hashes
	users    hashes // with times
	all      int64  // Unix milliseconds; 0 for none
}

// NewMarks makes Marks of from, such as token.Marks.All returns: in any order, and of several for the same value the latest
// Before counts. It returns token.ErrMark for a mark that token.Marks.Add refuses, ErrSeed for the zero Seed, and ErrManyMarks
// for more than 1,048,576 of one kind.
func NewMarks(seed Seed, from []token.Mark) (*Marks, error) {
	if seed == (Seed{}) {
		return nil, ErrSeed
	}
	m := &Marks{seed: seed}
	var count [token.MarkAll + 1]int
	for i := range from {
		e := &from[i]
		timed := e.Kind == token.MarkUser || e.Kind == token.MarkAll
		if e.Kind < token.MarkToken || e.Kind > token.MarkAll || (e.Value == "") != (e.Kind == token.MarkAll) || timed && e.Before <= 0 {
			return nil, token.ErrMark
		}
		count[e.Kind]++
	}
	tokens := make([]uint64, 0, count[token.MarkToken])
	sessions := make([]uint64, 0, count[token.MarkSession])
	users := make([]timed, 0, count[token.MarkUser])
	for i := range from {
		e := &from[i]
		switch before := min(e.Before, maxBefore); e.Kind {
		case token.MarkToken:
			tokens = append(tokens, m.hash(e.Value))
		case token.MarkSession:
			sessions = append(sessions, m.hash(e.Value))
		case token.MarkUser:
			users = append(users, timed{m.hash(e.Value), before})
		default:
			m.all = max(m.all, before)
		}
	}
	m.tokens.build(tokens)
	m.sessions.build(sessions)
	m.users.buildTimed(users)
	if max(len(m.tokens.list), len(m.sessions.list), len(m.users.list)) > maxMarks {
		return nil, ErrManyMarks
	}
	return m, nil
}

func (m *Marks) hash(value string) uint64 { return sipHash(&m.seed, value) >> (64 - hashBits) }

// Revoked reports whether a mark matches c, by the rules of token.Marks.Revoked. A nil m revokes nothing; a nil c is revoked.
// It allocates nothing.
func (m *Marks) Revoked(c *token.Claims) bool {
	if c == nil {
		return true
	}
	if m == nil {
		return false
	}
	if m.all > 0 && c.IssueMillis() <= m.all {
		return true
	}
	if c.ID != "" && len(m.tokens.list) > 0 && m.tokens.find(m.hash(c.ID)) >= 0 {
		return true
	}
	if c.Session != "" && len(m.sessions.list) > 0 && m.sessions.find(m.hash(c.Session)) >= 0 {
		return true
	}
	if c.Subject != "" && len(m.users.list) > 0 {
		if i := m.users.find(m.hash(c.Subject)); i >= 0 && c.IssueMillis() <= m.users.times[i] {
			return true
		}
	}
	return false
}

// Merge adds the marks of added, which it does not change, in time proportional to the number of marks in both. Of two for the
// same value the later Before counts. It returns ErrSeed when the two have different seeds and ErrManyMarks when there would be
// more than 1,048,576 of a kind, and then leaves m as it was. Memory at least doubles when it has to grow, so that
// many small additions move it seldom.
func (m *Marks) Merge(added *Marks) error {
	if added == nil || added.seed == (Seed{}) {
		return nil
	}
	if m == nil || m.seed != (Seed{}) && m.seed != added.seed {
		return ErrSeed
	}
	tokens, sessions, users := m.tokens.missing(&added.tokens), m.sessions.missing(&added.sessions), m.users.missing(&added.users)
	if max(len(m.tokens.list)+tokens, len(m.sessions.list)+sessions, len(m.users.list)+users) > maxMarks {
		return ErrManyMarks
	}
	m.seed = added.seed
	m.tokens.merge(&added.tokens, tokens)
	m.sessions.merge(&added.sessions, sessions)
	m.users.merge(&added.users, users)
	m.all = max(m.all, added.all)
	return nil
}

// Len returns the number of marks.
func (m *Marks) Len() int {
	if m == nil {
		return 0
	}
	n := len(m.tokens.list) + len(m.sessions.list) + len(m.users.list)
	if m.all > 0 {
		n++
	}
	return n
}

// AppendJSON appends m as one JSON object without spaces, the same one for equal sets under equal seeds:
//
//	{"seed":"…","tokens":{"count":2,"hashes":"…"},"sessions":{…},
//	 "users":{"count":2,"from":1800000000250,"width":20,"hashes":"…"},"all":1800000000250}
//
// seed is 16 bytes of base64url. hashes is a Rice-coded set, as rice.go tells; each hash of a user is followed by its Before,
// less from, in width bits. from is the least Before, width what the greatest one takes. What is empty is left out, and marks
// without a seed are {}.
func (m *Marks) AppendJSON(to []byte) []byte {
	if m == nil || m.seed == (Seed{}) {
		return append(to, '{', '}')
	}
	w := bitWriter{to: append(to, `{"seed":"`...)}
	for _, b := range m.seed {
		w.put(uint64(b), 8)
	}
	to = append(w.end(), '"')
	to = appendSet(to, `,"tokens":{"count":`, &m.tokens)
	to = appendSet(to, `,"sessions":{"count":`, &m.sessions)
	to = appendSet(to, `,"users":{"count":`, &m.users)
	if m.all > 0 {
		to = strconv.AppendInt(append(to, `,"all":`...), m.all, 10)
	}
	return append(to, '}')
}

func appendSet(to []byte, start string, s *hashes) []byte {
	if len(s.list) == 0 {
		return to
	}
	to = strconv.AppendInt(append(to, start...), int64(len(s.list)), 10)
	from, width := s.span()
	if len(s.times) > 0 {
		to = strconv.AppendInt(append(to, `,"from":`...), from, 10)
		to = strconv.AppendInt(append(to, `,"width":`...), int64(width), 10)
	}
	to = append(to, `,"hashes":"`...)
	to = appendHashes(to, s, from, width)
	return append(to, '"', '}')
}

// span returns the least of the times and how many bits the greatest one takes less that, or zeros if there are none.
func (s *hashes) span() (from int64, width uint) {
	if len(s.times) == 0 {
		return 0, 0
	}
	from, to := s.times[0], s.times[0]
	for _, t := range s.times {
		from, to = min(from, t), max(to, t)
	}
	return from, uint(bits.Len64(uint64(to - from)))
}

// ParseMarks reads what AppendJSON appends and refuses everything else with ErrMarks: a set in any other encoding than its
// one, a member that is unknown or of another type. What it allocates is in proportion to the text of v.
func ParseMarks(v token.Value) (*Marks, error) {
	var top [5]token.Value
	if !members(v, marksMembers[:], top[:]) {
		return nil, ErrMarks
	}
	seed, tokens, sessions, users, all := top[0], top[1], top[2], top[3], top[4]
	m := &Marks{}
	if seed.Kind() == token.KindInvalid {
		if c := v.Members(); c.Next() {
			return nil, ErrMarks
		}
		return m, nil
	}
	if !m.seed.read(seed) || !m.tokens.read(tokens, false) || !m.sessions.read(sessions, false) || !m.users.read(users, true) {
		return nil, ErrMarks
	}
	if all.Kind() != token.KindInvalid {
		var ok bool
		if m.all, ok = all.Int(); !ok || m.all < 1 || m.all > maxBefore {
			return nil, ErrMarks
		}
	}
	return m, nil
}

var (
	marksMembers = [...]string{"seed", "tokens", "sessions", "users", "all"}
	setMembers   = [...]string{"hashes", "count", "from", "width"}
)

// members sets into[i] to the member of the object v called names[i] and reports whether v is an object with no others.
func members(v token.Value, names []string, into []token.Value) bool {
	if v.Kind() != token.KindObject {
		return false
	}
	c := v.Members()
	for c.Next() {
		known, name := false, c.Name()
		for i := range names {
			if name == names[i] && i < len(into) {
				into[i], known = c.Value(), true
			}
		}
		if !known {
			return false
		}
	}
	return true
}

// bare returns what is between the quotes of v, escapes and all, and whether v is a string.
func bare(v token.Value) (string, bool) {
	raw := v.Raw()
	if v.Kind() != token.KindString || len(raw) < 2 {
		return "", false
	}
	return raw[1 : len(raw)-1], true
}

func (s *Seed) read(v token.Value) bool {
	text, ok := bare(v)
	r := bitReader{text: text}
	for i := range s {
		s[i] = byte(r.take(8))
	}
	return ok && r.end() && *s != Seed{}
}

// read reads the set that v holds, or none if there is no v.
func (s *hashes) read(v token.Value, timed bool) bool {
	if v.Kind() == token.KindInvalid {
		return true
	}
	names := setMembers[:2]
	if timed {
		names = setMembers[:]
	}
	var set [len(setMembers)]token.Value
	if !members(v, names, set[:]) {
		return false
	}
	text, okText := bare(set[0])
	count, okCount := set[1].Int()
	if !okText || !okCount || count < 1 || count > maxMarks {
		return false
	}
	if !timed {
		return s.readHashes(text, int(count), false, 0, 0)
	}
	from, okFrom := set[2].Int()
	width, okWidth := set[3].Int()
	if !okFrom || !okWidth || from < 1 || width < 0 || width > int64(bits.Len64(maxBefore)) ||
		!s.readHashes(text, int(count), true, from, uint(width)) {
		return false
	}
	for _, t := range s.times {
		if t > maxBefore {
			return false
		}
	}
	least, needed := s.span()
	return least == from && needed == uint(width)
}
