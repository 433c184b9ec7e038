package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hexward/hexward/core/auth"
)

type keysCommand struct {
	List   keysList   `cmd:"" help:"List signing keys."`
	Rotate keysRotate `cmd:"" help:"Make a signing key, publish it, and sign with it after the key delay."`
	Import keysImport `cmd:"" help:"Take over a private key from a PEM file, and sign with it after the key delay."`
	Retire keysRetire `cmd:"" help:"Take a signing key out of use."`
}

// shownKey is a signing key as commands print one.
type shownKey struct {
	ID          string     `json:"id"`
	Algorithm   string     `json:"algorithm"`
	State       string     `json:"state"`
	PublishedAt *time.Time `json:"published_at,omitempty"`
	SignsFrom   *time.Time `json:"signs_from,omitempty"`
	RetiredAt   *time.Time `json:"retired_at,omitempty"`
	DropAt      *time.Time `json:"drop_at,omitempty"`
}

func showKey(k auth.Key) shownKey {
	return shownKey{
		k.ID, k.Algorithm, string(k.State), optional(k.PublishedAt), optional(k.SignsFrom), optional(k.RetiredAt), optional(k.DropAt),
	}
}

type keysList struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the keys.
func (c *keysList) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		keys, err := s.ListKeys(ctx, &s.operator)
		if err != nil {
			return err
		}
		return p.printKeys(keys, c.JSON)
	})
}

func (p *program) printKeys(keys []auth.Key, asJSON bool) error {
	shown := make([]shownKey, len(keys))
	rows := [][]string{{"ID", "ALGORITHM", "STATE", "PUBLISHED", "SIGNS FROM", "RETIRED", "DROPPED"}}
	for i, k := range keys {
		shown[i] = showKey(k)
		rows = append(rows, []string{
			k.ID, k.Algorithm, string(k.State), when(k.PublishedAt), when(k.SignsFrom), when(k.RetiredAt), when(k.DropAt),
		})
	}
	if asJSON {
		return printJSON(p.stdout, shown)
	}
	return printTable(p.stdout, rows)
}

// start says when a new key begins to sign.
type start struct {
	Now   bool           `xor:"start" help:"Sign with it at once. Verifiers that have not read the new key set yet refuse its tokens."`
	Delay *time.Duration `xor:"start" placeholder:"TIME" help:"Sign with it after this time in the place of the key delay."`
	JSON  bool           `help:"Print JSON."`
}

// rotate makes or imports a key and says what comes next.
func (c start) rotate(ctx context.Context, p *program, r auth.Rotation) error {
	r.Delay = -1
	switch {
	case c.Now:
		r.Delay = 0
	case c.Delay != nil && *c.Delay < 0:
		return &usageError{fmt.Errorf("--delay: is not negative, like %s", *c.Delay), "hexward keys rotate"}
	case c.Delay != nil:
		r.Delay = *c.Delay
	}
	return p.use(ctx, true, func(s *system) error {
		k, err := s.RotateKeys(ctx, &s.operator, r, by)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(p.stdout, showKey(k))
		}
		fmt.Fprintf(p.stdout, "%s key %s is published and signs from %s on\n", k.Algorithm, k.ID, when(k.SignsFrom))
		return nil
	})
}

type keysRotate struct {
	start
	Of string `name:"of" placeholder:"ALGORITHM" help:"Make it of this algorithm in the place of the configured one."`
}

// Run rotates.
func (c *keysRotate) Run(ctx context.Context, p *program) error {
	return c.rotate(ctx, p, auth.Rotation{Algorithm: c.Of})
}

type keysImport struct {
	File string `arg:"" help:"The PEM file: PKCS #8, PKCS #1 or SEC 1, not encrypted. - reads standard input."`
	start
}

// maxPEM bounds what is read of a PEM file.
const maxPEM = 64 << 10

// Run imports.
func (c *keysImport) Run(ctx context.Context, p *program) error {
	in := p.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return &usageError{fmt.Errorf("%s: %w", c.File, reason(err)), "hexward keys import"}
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, reason(err))
		}
		if info.Mode().Perm()&0o007 != 0 {
			return &usageError{fmt.Errorf("%s: everybody on this machine may read it (mode %04o), so nobody should trust this key: make another one with chmod 600", c.File, info.Mode().Perm()), "hexward keys import"}
		}
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPEM+1))
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, reason(err))
	}
	if len(text) == 0 || len(text) > maxPEM {
		return &usageError{errors.New(c.File + ": is empty, or over 64 KiB, which no key is"), "hexward keys import"}
	}
	return c.rotate(ctx, p, auth.Rotation{PEM: text})
}

type keysRetire struct {
	ID          string `arg:"" help:"The key's id; if it begins with a dash, as the last word, after --."`
	Compromised bool   `help:"Refuse every token that it has signed, at once."`
}

// Run retires the key.
func (c *keysRetire) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		if err := s.RetireKey(ctx, &s.operator, c.ID, c.Compromised, by); err != nil {
			return err
		}
		what := "retired: it verifies until the last token that it signed has expired"
		if c.Compromised {
			what = "out of use: every token that it signed is refused"
		}
		fmt.Fprintf(p.stdout, "%s is %s\n", c.ID, what)
		return nil
	})
}
