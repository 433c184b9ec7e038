package token_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/hexward/hexward/core/token"
)

var base64Seeds = []string{
	"", "A", "AA", "AB", "AAA", "AAB", "AAAA", "AAAAA", "Zm9v", "Zm9vYg", "Zm9vYh", "Zm9vYmE", "Zm9vYmF", "Zm9vYmFy",
	"-_-_", "+/+/", "Zg==", "Zm9=", "Zm 9v", "Zm9v\n", "\r\nZm9v", "Zm9\x80", "Zm9vYmFyZm9vYmFy", "Zm9vYmFyZm9v?mFy", "=", ".",
}

func TestDecodeBase64(t *testing.T) {
	for _, s := range base64Seeds {
		sameAsStandard(t, []byte(s))
	}
	// Every byte in every place of a long enough text, and every length.
	text := []byte("Zm9vYmFyZm9vYmFyZm9vYmE")
	for i := range text {
		for c := range 256 {
			changed := bytes.Clone(text)
			changed[i] = byte(c)
			sameAsStandard(t, changed)
			sameAsStandard(t, changed[:i])
		}
	}
}

func FuzzDecodeBase64(f *testing.F) {
	for _, s := range base64Seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(sameAsStandard)
}

// sameAsStandard holds the decoder against the standard library's strict one, which differs in skipping line ends.
func sameAsStandard(t *testing.T, src []byte) {
	got, ok := token.DecodeBase64(src)
	want, err := base64.RawURLEncoding.Strict().DecodeString(string(src))
	if wantOK := err == nil && !bytes.ContainsAny(src, "\r\n"); ok != wantOK {
		t.Fatalf("%q: accepted %v, want %v", src, ok, wantOK)
	}
	if !ok {
		return
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%q: got %x, want %x", src, got, want)
	}
	if again := token.AppendBase64(nil, got); !bytes.Equal(again, src) {
		t.Fatalf("%q: encodes to %q", src, again)
	}
}

func BenchmarkDecodeBase64(b *testing.B) {
	src := []byte(b64(payload))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, ok := token.DecodeBase64(src); !ok {
			b.Fatal("refused")
		}
	}
}
