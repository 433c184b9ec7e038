package edge

// SipHash is the hash by which marks are known, whole.
func SipHash(seed Seed, s string) uint64 { return sipHash(&seed, s) }

// MaxMarks is the greatest number of marks of one kind.
const MaxMarks = maxMarks
