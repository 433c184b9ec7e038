package token

import "slices"

// MarkKind says what a revocation mark matches.
type MarkKind uint8

// The kinds of marks, in the order in which All lists them.
const (
	MarkToken   MarkKind = iota + 1 // the one token whose jti is the mark's value
	MarkSession                     // every token whose sid is the mark's value
	MarkUser                        // every token whose sub is the mark's value, issued no later than Before
	MarkAll                         // every token issued no later than Before; the mark has no value
)

// String returns the word for k: "token", "session", "user", "all", or "unknown".
func (k MarkKind) String() string {
	switch k {
	case MarkToken:
		return "token"
	case MarkSession:
		return "session"
	case MarkUser:
		return "user"
	case MarkAll:
		return "all"
	default:
		return "unknown"
	}
}

// Mark revokes tokens before they expire.
//
// Before is in Unix milliseconds, although iat counts seconds: a token that was issued in the same second as, but
// before, its user was locked out must be dead, and one issued after a new sign-in in that very second must live. So our
// own tokens carry iat_ms beside iat. A token is revoked when it was issued at Before or earlier; see
// Claims.IssueMillis for tokens that lack iat_ms or iat.
type Mark struct {
	Kind   MarkKind
	Value  string // jti, sid or sub; empty for MarkAll
	Before int64  // Unix milliseconds; only for MarkUser and MarkAll
	Until  int64  // Unix seconds; the last second in which a token that this mark matches may still be live, leeway included
}

// span is what is kept of a mark besides its kind and value.
type span struct{ before, until int64 }

func (s span) merge(m Mark) span {
	return span{before: max(s.before, m.Before), until: max(s.until, m.Until)}
}

// Marks is a set of revocation marks. Its zero value is empty and ready for use. It is not safe for use while it is being
// changed: the owner locks, or changes a Clone and swaps it in. Any number of goroutines may call Revoked, Len, All and
// Clone on a set that nobody changes.
type Marks struct {
	tokens   map[string]span
	sessions map[string]span
	users    map[string]span
	all      span
	hasAll   bool
}

// Add adds m, or merges it with the mark of the same kind and value: the later Before and the later Until win, so that
// marks may arrive in any order and more than once. It returns ErrMark, and changes nothing, when m has no known kind, when
// it lacks a value (or has one, for MarkAll), or when Before is not positive where it counts.
func (s *Marks) Add(m Mark) error {
	timed := m.Kind == MarkUser || m.Kind == MarkAll
	if (m.Value == "") != (m.Kind == MarkAll) || timed && m.Before <= 0 {
		return ErrMark
	}
	if !timed {
		m.Before = 0
	}
	switch m.Kind {
	case MarkToken:
		put(&s.tokens, m)
	case MarkSession:
		put(&s.sessions, m)
	case MarkUser:
		put(&s.users, m)
	case MarkAll:
		s.all = s.all.merge(m)
		s.hasAll = true
	default:
		return ErrMark
	}
	return nil
}

func put(to *map[string]span, m Mark) {
	if *to == nil {
		*to = make(map[string]span)
	}
	old, ok := (*to)[m.Value]
	if !ok {
		old = span{before: m.Before, until: m.Until}
	}
	(*to)[m.Value] = old.merge(m)
}

// Revoked reports whether a mark matches c. It does not look at Until: a mark counts for as long as it is in the set. A
// nil s revokes nothing; a nil c is revoked. It allocates nothing.
func (s *Marks) Revoked(c *Claims) bool {
	if c == nil {
		return true
	}
	if s == nil {
		return false
	}
	if s.hasAll && c.IssueMillis() <= s.all.before {
		return true
	}
	if c.ID != "" && len(s.tokens) > 0 {
		if _, ok := s.tokens[c.ID]; ok {
			return true
		}
	}
	if c.Session != "" && len(s.sessions) > 0 {
		if _, ok := s.sessions[c.Session]; ok {
			return true
		}
	}
	if c.Subject != "" && len(s.users) > 0 {
		if m, ok := s.users[c.Subject]; ok && c.IssueMillis() <= m.before {
			return true
		}
	}
	return false
}

// DropExpired removes the marks whose Until lies before now (Unix seconds) and returns how many those were.
func (s *Marks) DropExpired(now int64) int {
	n := drop(s.tokens, now) + drop(s.sessions, now) + drop(s.users, now)
	if s.hasAll && s.all.until < now {
		s.all, s.hasAll = span{}, false
		n++
	}
	return n
}

func drop(from map[string]span, now int64) (n int) {
	for v, m := range from {
		if m.until < now {
			delete(from, v)
			n++
		}
	}
	return n
}

// Len returns the number of marks.
func (s *Marks) Len() int {
	n := len(s.tokens) + len(s.sessions) + len(s.users)
	if s.hasAll {
		n++
	}
	return n
}

// All returns the marks ordered by kind, then by value in byte order, so that equal sets make equal snapshots.
func (s *Marks) All() []Mark {
	list := s.Append(make([]Mark, 0, s.Len()))
	slices.SortFunc(list, func(a, b Mark) int {
		switch {
		case a.Kind != b.Kind:
			return int(a.Kind) - int(b.Kind)
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		default:
			return 0
		}
	})
	return list
}

// Append appends the marks in no order, for whoever has no use for that of All: of many marks, sorting takes most of its time.
func (s *Marks) Append(to []Mark) []Mark {
	to = appendMarks(to, MarkToken, s.tokens)
	to = appendMarks(to, MarkSession, s.sessions)
	to = appendMarks(to, MarkUser, s.users)
	if s.hasAll {
		to = append(to, Mark{Kind: MarkAll, Before: s.all.before, Until: s.all.until})
	}
	return to
}

func appendMarks(list []Mark, kind MarkKind, from map[string]span) []Mark {
	for v, m := range from {
		list = append(list, Mark{Kind: kind, Value: v, Before: m.before, Until: m.until})
	}
	return list
}

// Clone returns a copy that shares nothing with s.
func (s *Marks) Clone() *Marks {
	return &Marks{
		tokens:   cloneSpans(s.tokens),
		sessions: cloneSpans(s.sessions),
		users:    cloneSpans(s.users),
		all:      s.all,
		hasAll:   s.hasAll,
	}
}

func cloneSpans(from map[string]span) map[string]span {
	if len(from) == 0 {
		return nil
	}
	to := make(map[string]span, len(from))
	for v, m := range from {
		to[v] = m
	}
	return to
}
