package edge

// SipHash is the hash by which marks are known, whole.
func SipHash(seed Seed, s string) uint64 { return sipHash(&seed, s) }

// MaxMarks is the greatest number of marks of one kind.
const MaxMarks = maxMarks

// HasToken reports whether m marks the tokens whose jti has that hash.
func (m *Marks) HasToken(hash uint64) bool { return m.tokens.find(hash) >= 0 }
