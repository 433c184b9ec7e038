package passhash_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	crypt "github.com/go-crypt/crypt/algorithm/argon2"

	"github.com/hexward/hexward/adapters/passhash"
	"github.com/hexward/hexward/core/fault"
)

// TestVerify_other_formats verifies hashes that other programs made: libxcrypt
// (bcrypt), Python's hashlib (scrypt, PBKDF2), the reference implementation of
// Argon2 and the documentation of passlib.
func TestVerify_other_formats(t *testing.T) {
	h := newHasher(t, passhash.Config{})
	const digits = "0123456789"
	long := strings.Repeat(digits, 8)
	for _, tt := range []struct{ name, hash, password string }{
		{"argon2id, other parameters", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
		{"argon2i", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password"},
		{"argon2d", argon2d(t), password},
		{"bcrypt 2a", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		{"bcrypt 2b", "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", password},
		{"bcrypt 2y", "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", password},
		{"bcrypt, 80 bytes", "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S", long},
		{"bcrypt, the 72 of them that count", "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S", long[:72]},
		{"bcrypt in LDAP", "{CRYPT}$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", password},
		{"bcrypt-sha256", "$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2", "password"},
		{"scrypt", "$scrypt$ln=14,r=8,p=1$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg", password},
		{"pbkdf2, which is sha1", "$pbkdf2$1000$c2l4dGVlbiBieXRlIHNsdA$FMzdi193zlT50xfDm2YNyRZVEJU", password},
		{"pbkdf2-sha1", "$pbkdf2-sha1$1000$c2l4dGVlbiBieXRlIHNsdA$FMzdi193zlT50xfDm2YNyRZVEJU", password},
		{"pbkdf2-sha224", "$pbkdf2-sha224$1000$c2l4dGVlbiBieXRlIHNsdA$MDaYmHriRtktcWX0Tj42KsUSIHHP.u3ky1v0Xg", password},
		{"pbkdf2-sha256", "$pbkdf2-sha256$1000$c2l4dGVlbiBieXRlIHNsdA$BaruwSbpHYJRQRMzlz9t09usJ2bfLKNK.A6dm04mJuk", password},
		{"pbkdf2-sha384", "$pbkdf2-sha384$1000$c2l4dGVlbiBieXRlIHNsdA$Fr/59WMnP.XHrN.GWh/43M8HgvbeW6RNCcpIFBmL1tQjsdMUmuo1qkvbpqOwH6hQ", password},
		{"pbkdf2-sha512", "$pbkdf2-sha512$1000$c2l4dGVlbiBieXRlIHNsdA$3QMwrxLg4/X2UcnWiHG3oGtaw1Sr4coKsAAOWMiR/640yePfdIno4J23vNuKz9ZkADlvSFRe8oUd.qOpwSH1Ww", password},
		{"pbkdf2 in PHC's base64", "$pbkdf2-sha512$1000$c2l4dGVlbiBieXRlIHNsdA$3QMwrxLg4/X2UcnWiHG3oGtaw1Sr4coKsAAOWMiR/640yePfdIno4J23vNuKz9ZkADlvSFRe8oUd+qOpwSH1Ww", password},
		{"pbkdf2 in LDAP", "{PBKDF2-SHA256}1000$c2l4dGVlbiBieXRlIHNsdA$BaruwSbpHYJRQRMzlz9t09usJ2bfLKNK.A6dm04mJuk", password},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if matches, outdated, err := h.Verify(t.Context(), tt.hash, tt.password); !matches || !outdated || err != nil {
				t.Errorf("matches %v, outdated %v, %v", matches, outdated, err)
			}
			if matches, outdated, err := h.Verify(t.Context(), tt.hash, "x"+tt.password); matches || outdated || err != nil {
				t.Errorf("another password: matches %v, outdated %v, %v", matches, outdated, err)
			}
		})
	}
}

// argon2d has no hash from elsewhere: the library that verifies makes one.
func argon2d(t *testing.T) string {
	t.Helper()
	hasher, err := crypt.New(crypt.WithVariantD(), crypt.WithM(1024), crypt.WithT(2), crypt.WithP(1))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := hasher.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	return digest.Encode()
}

// hostile has hashes that must be refused before anything is computed.
var hostile = []struct{ name, hash, code string }{
	{"argon2 100 GiB", "$argon2id$v=19$m=104857600,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash_cost"},
	{"argon2 over the bound", "$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash_cost"},
	{"argon2 passes", "$argon2id$v=19$m=64,t=4294967295,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash_cost"},
	{"argon2 memory times passes", "$argon2i$v=19$m=262144,t=17,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash_cost"},
	{"argon2 lanes", "$argon2d$v=19$m=65536,t=1,p=255$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash_cost"},
	{"argon2 lanes 0 mod 256", "$argon2id$v=19$m=65536,t=1,p=256$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash_cost"},
	{"argon2 version 16", "$argon2id$v=16$m=65536,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash"},
	{"argon2 one-byte key", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$CQ", "password_hash"},
	{"argon2 long key", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$" + strings.Repeat("C", 200), "password_hash"},
	{"argon2 without key", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$", "password_hash"},
	{"argon2 without salt and key", "$argon2id$v=19$m=65536,t=1,p=1", "password_hash"},
	{"bcrypt cost 17", "$2b$17$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "password_hash_cost"},
	{"bcrypt cost 31", "$2b$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "password_hash_cost"},
	{"bcrypt cost 99", "$2b$99$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "password_hash_cost"},
	{"bcrypt cost -1", "$2b$-1$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "password_hash_cost"},
	{"bcrypt 2x", "$2x$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "password_hash"},
	{"bcrypt 2x in LDAP", "{CRYPT}$2x$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "password_hash"},
	{"bcrypt 2", "$2$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "password_hash"},
	{"bcrypt-sha256 cost", "$bcrypt-sha256$v=2,t=2b,r=31$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2", "password_hash_cost"},
	{"scrypt memory", "$scrypt$ln=24,r=8,p=1$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg", "password_hash_cost"},
	{"scrypt memory over the bound", "$scrypt$ln=19,r=8,p=1$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg", "password_hash_cost"},
	{"scrypt shift", "$scrypt$ln=64,r=8,p=1$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg", "password_hash_cost"},
	{"scrypt negative shift", "$scrypt$ln=-1,r=8,p=1$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg", "password_hash"},
	{"scrypt block", "$scrypt$ln=1,r=4194304,p=1$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg", "password_hash_cost"},
	{"scrypt lanes", "$scrypt$ln=14,r=8,p=1024$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg", "password_hash_cost"},
	{"yescrypt", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "password_hash"},
	{"pbkdf2 iterations", "$pbkdf2-sha256$2147483647$c2l4dGVlbiBieXRlIHNsdA$BaruwSbpHYJRQRMzlz9t09usJ2bfLKNK.A6dm04mJuk", "password_hash_cost"},
	{"pbkdf2 no iterations", "$pbkdf2-sha256$0$c2l4dGVlbiBieXRlIHNsdA$BaruwSbpHYJRQRMzlz9t09usJ2bfLKNK.A6dm04mJuk", "password_hash_cost"},
	{"pbkdf2 negative iterations", "$pbkdf2-sha256$-5$c2l4dGVlbiBieXRlIHNsdA$BaruwSbpHYJRQRMzlz9t09usJ2bfLKNK.A6dm04mJuk", "password_hash_cost"},
	{"plain text", "$plaintext$correct horse battery staple", "password_hash"},
	{"base64 of plain text", "$base64$Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ", "password_hash"},
	{"md5", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "password_hash"},
	{"bare digest", "5f4dcc3b5aa765d61d8327deb882cf99", "password_hash"},
	{"too long", "$argon2id$v=19$m=65536,t=1,p=1$" + strings.Repeat("c29t", 300) + "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password_hash"},
}

func TestVerify_hostile_hashes(t *testing.T) {
	h := newHasher(t, passhash.Config{})
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			var matches, outdated bool
			var err error
			took := time.Hour
			for try := 0; try < 10 && took > 20*time.Millisecond; try++ { // a busy machine may take its time once
				start := time.Now()
				matches, outdated, err = h.Verify(t.Context(), tt.hash, password)
				took = min(took, time.Since(start))
			}
			if took > 20*time.Millisecond {
				t.Errorf("took %v: something was computed", took)
			}
			if matches || outdated || fault.KindOf(err) != fault.Internal || fault.CodeOf(err) != tt.code {
				t.Fatalf("matches %v, outdated %v, %v; want code %q", matches, outdated, err, tt.code)
			}
			for part := range strings.SplitSeq(tt.hash, "$") {
				if len(part) > 7 && strings.Contains(err.Error(), part) {
					t.Errorf("the error shows the hash: %v", err)
				}
			}
		})
	}
}

func TestVerify_MaxMemory(t *testing.T) {
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h := newHasher(t, passhash.Config{MaxMemory: 65535})
	if _, _, err := h.Verify(t.Context(), reference, "password"); fault.CodeOf(err) != "password_hash_cost" {
		t.Errorf("64 MiB under a bound of 64 MiB less one: %v", err)
	}
	h = newHasher(t, passhash.Config{MaxMemory: 65536})
	if matches, _, err := h.Verify(t.Context(), reference, "password"); !matches || err != nil {
		t.Errorf("64 MiB under a bound of 64 MiB: %v, %v", matches, err)
	}
}

// FuzzVerify reads hashes without computing them: the context is over, so a hash
// that is accepted ends at the permit.
func FuzzVerify(f *testing.F) {
	for _, tt := range hostile {
		f.Add(tt.hash)
	}
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG")
	f.Add("$scrypt$ln=14,r=8,p=1$c2l4dGVlbiBieXRlIHNsdA$+MlkscRfrlPlgdYQk55KaGvpWS4JwVxO/WRAZf4hBwg")
	f.Add("{PBKDF2-SHA256}1000$c2l4dGVlbiBieXRlIHNsdA$BaruwSbpHYJRQRMzlz9t09usJ2bfLKNK.A6dm04mJuk")
	h := newHasher(f, passhash.Config{})
	over, cancel := context.WithCancel(context.Background())
	cancel()
	f.Fuzz(func(t *testing.T, hash string) {
		matches, outdated, err := h.Verify(over, hash, password)
		if matches || outdated || err == nil {
			t.Errorf("matches %v, outdated %v, %v", matches, outdated, err)
		}
		if fault.KindOf(err) != fault.Internal && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
