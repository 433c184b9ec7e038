package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
)

type bundleCommand struct {
	Export bundleExport `cmd:"" help:"Write the bundle by which edge workers decide, for where they cannot fetch it."`
	Verify bundleVerify `cmd:"" help:"Say what is in a bundle; exit with 3 unless a worker would take it."`
	Key    bundleKey    `cmd:"" help:"Look after the keys that sign bundles."`
}

type bundleExport struct {
	Out string `short:"o" placeholder:"FILE" help:"Write it to this file, in one step, and not to standard output."`
}

// Run exports. Each export is a bundle of its own, with a greater number than every
// one before. It is the server's where the settings are the server's.
func (c *bundleExport) Run(ctx context.Context, p *program) error {
	if p.config.Bundle == "off" { // then nobody has thought about the policy
		return &usageError{errors.New("bundle is off: give public or secret, and a policy, as the server has them"), "hexward bundle export"}
	}
	return p.use(ctx, false, func(s *system) error {
		b, err := s.Bundle(ctx, 0)
		if err != nil {
			return err
		}
		if c.Out == "" {
			_, err := fmt.Fprintf(p.stdout, "%s\n", b.Compact)
			return err
		}
		if err := replaceFile(c.Out, b.Compact); err != nil {
			return &usageError{fmt.Errorf("--out: %s: %w", c.Out, reason(err)), "hexward bundle export"}
		}
		fmt.Fprintf(p.stdout, "bundle %d is in %s; workers decide by it until %s\n", b.Number, c.Out, when(b.Expires))
		return nil
	})
}

// replaceFile writes a file, for its owner only, so that whoever reads it meanwhile reads
// the old one or the new.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".bundle-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is not there any more when all went well
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

type bundleVerify struct {
	File  string `arg:"" help:"The bundle; - reads standard input."`
	Keys  string `required:"" placeholder:"FILE" help:"The JWK Set of the keys that workers believe, as \"hexward bundle key show\" prints it; - reads standard input."`
	After int64  `placeholder:"N" help:"Refuse it unless its number is greater, as a worker does that holds bundle N."`
	JSON  bool   `help:"Print JSON."`
}

// shownBundle is a bundle as commands print one.
type shownBundle struct {
	Issuer    string    `json:"issuer"`
	Number    int64     `json:"number"`
	Base      int64     `json:"base,omitempty"` // of a delta
	IssuedAt  time.Time `json:"issued_at"`
	Expires   time.Time `json:"expires"`
	Bytes     int       `json:"bytes"`
	Marks     int       `json:"marks"`
	Keys      []string  `json:"keys"`
	Rules     int       `json:"rules"`
	APITokens bool      `json:"api_tokens"`
	Holders   int       `json:"holders"`
	Issuers   []string  `json:"issuers"`
	SignedBy  string    `json:"signed_by"`
	Refused   string    `json:"refused,omitempty"` // why
}

// Run verifies. It needs no database: whoever ships bundles can run it where they
// go.
func (c *bundleVerify) Run(p *program) error {
	const try = "hexward bundle verify"
	if c.File == "-" && c.Keys == "-" {
		return &usageError{errors.New("the bundle and the keys cannot both be standard input"), try}
	}
	keys, err := p.read(c.Keys, 1<<20)
	if err != nil {
		return &usageError{fmt.Errorf("--keys: %w", err), try}
	}
	trust, err := token.ParseKeySet(keys)
	if err != nil || trust.Len() == 0 {
		return &usageError{fmt.Errorf("--keys: %s: is no JWK Set of public keys", c.Keys), try}
	}
	compact, err := p.read(c.File, edge.MaxBundle+2)
	if err != nil {
		return &usageError{err, try}
	}
	shown, err := look(bytes.TrimSpace(compact), trust, c.After, p.now())
	if shown == nil {
		return refusedBundle(err)
	}
	if err != nil {
		shown.Refused = edge.CodeOf(err)
	}
	if c.JSON {
		if err := printJSON(p.stdout, shown); err != nil {
			return err
		}
	} else if _, err := fmt.Fprint(p.stdout, shown.text()); err != nil {
		return err
	}
	if err != nil {
		return refusedBundle(err)
	}
	return nil
}

func refusedBundle(err error) error {
	return fault.New(fault.Forbidden, edge.CodeOf(err), "a worker would refuse it: "+strings.TrimPrefix(strings.TrimPrefix(err.Error(), "edge: "), "token: "))
}

// look reads a bundle as a worker does that believes these keys and holds the bundle with the
// number after. It returns nothing of one whose signature is not good, and what it
// read of any other, with why a worker would refuse it.
func look(compact []byte, trust *token.KeySet, after int64, now time.Time) (*shownBundle, error) {
	algorithms := []token.Algorithm{token.ES256, token.EdDSA, token.RS256}
	worker, err := edge.New(edge.Config{Trust: trust, Algorithms: algorithms})
	if err != nil {
		return nil, err
	}
	var pending token.Pending
	if err := worker.PrepareLoad(compact, &pending); err != nil {
		return nil, err
	}
	if !pending.Check() {
		return nil, token.ErrSignature
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(compact), ".")[1]) // which is whole: it was signed
	if err != nil {
		return nil, token.ErrMalformed
	}
	b, err := edge.ParseBundle(string(payload))
	if err != nil {
		return nil, err
	}
	shown := &shownBundle{
		Issuer: b.Issuer, Number: b.Number, Base: b.Base, IssuedAt: time.Unix(b.IssuedAt, 0).UTC(), Expires: time.Unix(b.Expires, 0).UTC(),
		Bytes: len(compact), Marks: b.Marks.Len(), Rules: len(b.Rules), APITokens: b.APITokens, Holders: len(b.Holders), SignedBy: pending.Key.ID(),
		Keys: []string{}, Issuers: []string{},
	}
	for i := 0; b.Keys != nil && i < b.Keys.Len(); i++ {
		shown.Keys = append(shown.Keys, b.Keys.At(i).ID())
	}
	for i := range b.Issuers {
		shown.Issuers = append(shown.Issuers, b.Issuers[i].URL)
	}
	switch {
	case b.Number <= after:
		return shown, edge.ErrOld
	case b.Base > 0 && after > 0 && after < b.Base:
		return shown, edge.ErrBase
	case b.Base > 0 && !now.Before(shown.Expires): // a delta cannot be loaded alone
		return shown, edge.ErrPassed
	case b.Base > 0:
		return shown, nil
	}
	return shown, worker.FinishLoad(&pending, now.UnixMilli())
}

// text is a bundle for people.
func (b *shownBundle) text() string {
	var t strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&t, "%-10s"+format+"\n", append([]any{name}, args...)...)
	}
	kind := "whole"
	if b.Base > 0 {
		kind = fmt.Sprintf("a delta to %d", b.Base)
	}
	line("issuer", "%s", printable(b.Issuer))
	line("number", "%d, %s", b.Number, kind)
	line("issued", "%s", when(b.IssuedAt))
	line("expires", "%s", when(b.Expires))
	line("signed by", "%s", printable(b.SignedBy))
	line("size", "%d bytes", b.Bytes)
	line("marks", "%d", b.Marks)
	if b.Base == 0 {
		line("keys", "%s", printable(strings.Join(b.Keys, " ")))
		line("rules", "%d", b.Rules)
		if b.APITokens || len(b.Issuers) > 0 {
			line("carries", "%d API tokens and people of other issuers", b.Holders)
		}
	}
	return t.String()
}

type bundleKey struct {
	Show   bundleKeyShow   `cmd:"" default:"1" help:"Print the public keys as the JWK Set that workers are set up with."`
	List   bundleKeyList   `cmd:"" help:"List the keys and where each stands in its life."`
	Rotate bundleKeyRotate `cmd:"" help:"Make a key, print the JWK Set with it, and sign with it after a day."`
	Retire bundleKeyRetire `cmd:"" help:"Take a key out of use."`
}

type bundleKeyShow struct{}

// Run prints the JWK Set. The first key is made for it, if need be.
func (*bundleKeyShow) Run(ctx context.Context, p *program) error {
	return p.use(ctx, true, func(s *system) error { return p.printBundleKeys(ctx, s) })
}

func (p *program) printBundleKeys(ctx context.Context, s *system) error {
	jwks, err := s.BundleKeys(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", jwks)
	return err
}

type bundleKeyList struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the keys.
func (c *bundleKeyList) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		keys, err := s.ListBundleKeys(ctx, &s.operator)
		if err != nil {
			return err
		}
		return p.printKeys(keys, c.JSON)
	})
}

type bundleKeyRotate struct {
	Now   bool           `xor:"start" help:"Sign with it at once. Workers that do not know it yet refuse every bundle from now on."`
	Delay *time.Duration `xor:"start" placeholder:"TIME" help:"Sign with it after this time."`
}

// Run rotates.
func (c *bundleKeyRotate) Run(ctx context.Context, p *program) error {
	r := auth.Rotation{Delay: -1}
	switch {
	case c.Now:
		r.Delay = 0
	case c.Delay != nil && *c.Delay < 0:
		return &usageError{fmt.Errorf("--delay: is not negative, like %s", *c.Delay), "hexward bundle key rotate"}
	case c.Delay != nil:
		r.Delay = *c.Delay
	}
	return p.use(ctx, true, func(s *system) error {
		if _, err := s.BundleKeys(ctx); err != nil { // there is one to rotate
			return err
		}
		k, err := s.RotateBundleKeys(ctx, &s.operator, r, by)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "key %s signs bundles from %s on: give every worker the keys below before\n", k.ID, when(k.SignsFrom))
		return p.printBundleKeys(ctx, s)
	})
}

type bundleKeyRetire struct {
	ID          string `arg:"" help:"The key's id; if it begins with a dash, as the last word, after --."`
	Compromised bool   `help:"Take it out of the JWK Set, too. Only workers that are set up anew stop believing it."`
}

// Run retires the key.
func (c *bundleKeyRetire) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		if err := s.RetireBundleKey(ctx, &s.operator, c.ID, c.Compromised, by); err != nil {
			return err
		}
		what := "signs no bundle any more; workers need it until the last one that it signed has ended"
		if c.Compromised {
			what = "is out of use; give every worker the keys below, since they believe it until then"
		}
		fmt.Fprintf(p.stderr, "%s %s\n", c.ID, what)
		return p.printBundleKeys(ctx, s)
	})
}

// read reads a file, or standard input, of so many bytes at most.
func (p *program) read(path string, most int64) ([]byte, error) {
	in := p.stdin
	if path != "-" {
		f, err := os.Open(path) //nolint:gosec // whoever runs the command says which
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, reason(err))
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	case int64(len(b)) > most:
		return nil, fmt.Errorf("%s: is over %d bytes", path, most)
	}
	return b, nil
}
