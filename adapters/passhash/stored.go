package passhash

import (
	"fmt"
	"strings"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"

	"github.com/hexward/hexward/core/fault"
)

// The bounds of what a stored hash may ask for. A row that somebody made up, or
// that another system made for larger machines, must not stop this one.
const (
	maxLength     = 1024 // bytes of the PHC string
	minKey        = 16   // bytes of the key: fewer match by chance
	maxKey        = 128
	maxBcryptCost = 16      // 65,536 rounds, some seconds
	maxIterations = 5 << 20 // of PBKDF2, in blocks of its hash; some seconds
)

// What parse fails with. Neither repeats any of the hash.
var (
	errUnreadable = fault.New(fault.Internal, "password_hash", "this password hash is of a kind that is not known, or damaged")
	errCostly     = fault.New(fault.Internal, "password_hash_cost", "this password hash asks for more memory or time than the configuration allows")
)

// decoder reads the formats of the package comment.
var decoder = func() *crypt.Decoder {
	d := crypt.NewDecoder()
	for _, register := range []func(algorithm.DecoderRegister) error{
		argon2.RegisterDecoder, bcrypt.RegisterDecoder, pbkdf2.RegisterDecoder, scrypt.RegisterDecoderScrypt,
	} {
		if err := register(d); err != nil { // only for a name that is taken
			panic("passhash: " + err.Error())
		}
	}
	return d
}()

// stored is a hash that was read and found affordable.
type stored struct {
	digest algorithm.Digest
	kind   string // the first part of its PHC string
	memory uint32 // KiB that verifying takes
	passes uint32 // of argon2
	lanes  uint32 // of argon2
}

// ours reports whether the hash is one that a Hasher of this Config makes.
func (s *stored) ours(c Config) bool {
	return s.kind == argon2.AlgIdentifierVariantID && s.memory == c.Memory && s.passes == c.Passes && s.lanes == uint32(c.Threads) &&
		len(s.digest.Salt()) == saltSize && len(s.digest.Key()) == keySize
}

// parse reads a hash that may take maxMemory KiB.
func parse(hash string, maxMemory uint32) (*stored, error) {
	if len(hash) > maxLength {
		return nil, errUnreadable
	}
	hash = crypt.Normalize(hash) // LDAP's spellings
	if strings.HasPrefix(hash, "$2x$") || strings.HasPrefix(hash, "$2$") {
		return nil, errUnreadable
	}
	if strings.HasPrefix(hash, "$pbkdf2") { // PHC's base64 alphabet, where the library knows passlib's
		hash = strings.ReplaceAll(hash, "+", ".")
	}
	digest, err := decoder.Decode(hash)
	if err != nil {
		return nil, errUnreadable // the library's text may quote the hash
	}
	if n := len(digest.Key()); n < minKey || n > maxKey {
		return nil, errUnreadable
	}
	// The digest keeps its parameters to itself, but for writing them down. What is
	// bounded here is therefore what will be computed, defaults filled in.
	s := &stored{digest: digest}
	text := digest.Encode()
	s.kind, _, _ = strings.Cut(strings.TrimPrefix(text, "$"), "$")
	affordable, err := s.bound(text, uint64(maxMemory))
	if err != nil {
		return nil, errUnreadable
	}
	if !affordable {
		return nil, errCostly
	}
	return s, nil
}

// bound reads the parameters and reports whether they keep to the bounds.
func (s *stored) bound(text string, maxMemory uint64) (affordable bool, err error) {
	switch digest := s.digest.(type) {
	case *argon2.Digest:
		var m, t, p uint64
		if _, err := fmt.Sscanf(text, "$"+s.kind+"$v=19$m=%d,t=%d,p=%d$", &m, &t, &p); err != nil {
			return false, err
		}
		if p > maxThreads || m > maxMemory || t > maxWork || m*t > maxWork {
			return false, nil
		}
		s.memory, s.passes, s.lanes = uint32(m), uint32(t), uint32(p)
		return t > 0 && p > 0, nil
	case *scrypt.Digest:
		var ln, r, p uint64
		if _, err := fmt.Sscanf(text, "$scrypt$ln=%d,r=%d,p=%d$", &ln, &r, &p); err != nil {
			return false, err
		}
		if ln < 1 || ln > 30 || r < 1 || r > 1024 || p < 1 || p > 1024 {
			return false, nil
		}
		bytes := 128 * r * (p + 1<<ln) // RFC 7914 §2
		if bytes/1024 > maxMemory || bytes/1024*p > maxWork {
			return false, nil
		}
		s.memory = uint32(bytes / 1024) //nolint:gosec // at most maxMemory
		return true, nil
	case *bcrypt.Digest:
		var cost int
		format := "$" + s.kind + "$%d$"
		if s.kind == bcrypt.AlgIdentifierVariantSHA256 {
			format = "$" + s.kind + "$v=2,t=2b,r=%d$"
		}
		if _, err := fmt.Sscanf(text, format, &cost); err != nil {
			return false, err
		}
		return cost >= 4 && cost <= maxBcryptCost, nil
	case *pbkdf2.Digest:
		var iterations int
		if _, err := fmt.Sscanf(text, "$"+s.kind+"$%d$", &iterations); err != nil {
			return false, err
		}
		blocks := (len(digest.Key()) + 19) / 20 // of SHA-1, which has the shortest
		return iterations >= 1 && iterations <= maxIterations/blocks, nil
	}
	return false, errUnreadable
}
