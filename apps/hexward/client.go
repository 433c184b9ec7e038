package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/client"
)

type clientCommand struct {
	Add     clientAdd     `cmd:"" help:"Add a machine, and print its secret once."`
	List    clientList    `cmd:"" help:"List machines."`
	Show    clientShow    `cmd:"" help:"Show a machine and its secrets' lives."`
	Rotate  clientRotate  `cmd:"" help:"Make another secret and print it once; the one before works on for the secret overlap."`
	Disable clientDisable `cmd:"" help:"Shut a machine out, and end its tokens."`
	Enable  clientEnable  `cmd:"" help:"Let a machine in again."`
	Permit  clientPermit  `cmd:"" help:"Set the permissions of a machine, and end tokens that say otherwise."`
	Remove  clientRemove  `cmd:"" help:"Remove a machine, and end its tokens."`
}

// shownClient is a client as commands print one.
type shownClient struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Tenant      string          `json:"tenant"`
	Permissions []string        `json:"permissions"`
	Disabled    bool            `json:"disabled"`
	DisabledAt  *time.Time      `json:"disabled_at,omitempty"`
	Secrets     []shownSecret   `json:"secrets"`
	Keys        json.RawMessage `json:"keys,omitempty"`
	CreatedAt   *time.Time      `json:"created_at"`
	UpdatedAt   *time.Time      `json:"updated_at"`
}

// shownSecret is what there is to know of a secret.
type shownSecret struct {
	CreatedAt *time.Time `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

func showClient(c *client.Client, now time.Time) shownClient {
	s := shownClient{
		ID: c.ID, Name: c.Name, Tenant: c.Tenant, Permissions: append([]string{}, c.Permissions...),
		Disabled: c.Disabled(), DisabledAt: optional(c.DisabledAt), Secrets: []shownSecret{}, Keys: c.Keys, CreatedAt: optional(c.CreatedAt), UpdatedAt: optional(c.UpdatedAt),
	}
	for _, one := range c.Secrets {
		if one.ExpiresAt.IsZero() || now.Before(one.ExpiresAt) {
			s.Secrets = append(s.Secrets, shownSecret{optional(one.CreatedAt), optional(one.ExpiresAt)})
		}
	}
	return s
}

// credentials says what a client shows for itself, in a few words.
func (s *shownClient) credentials() string {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	_ = json.Unmarshal(s.Keys, &set) // none is none
	var list []string
	for _, n := range []struct {
		count int
		what  string
	}{{len(s.Secrets), "secret"}, {len(set.Keys), "key"}} {
		switch n.count {
		case 0:
		case 1:
			list = append(list, "1 "+n.what)
		default:
			list = append(list, strconv.Itoa(n.count)+" "+n.what+"s")
		}
	}
	return strings.Join(list, ", ")
}

// printSecret prints a client with the secret that it was just given, if any.
func (p *program) printSecret(c *client.Client, done, secret string, asJSON bool) error {
	if asJSON {
		return printJSON(p.stdout, struct {
			shownClient
			Secret string `json:"secret,omitempty"`
		}{showClient(c, p.now()), secret})
	}
	fmt.Fprintf(p.stdout, "%s %s\nclient_id: %s\n", done, printable(c.Name), c.ID)
	if secret != "" {
		fmt.Fprintf(p.stdout, "client_secret: %s\n", secret)
	}
	return nil
}

type clientAdd struct {
	Name       string   `arg:"" help:"What people call it."`
	Permission []string `placeholder:"NAME,…" help:"Permissions that it may ask for, as scopes."`
	Tenant     string   `placeholder:"ID" help:"The tenant that it belongs to; the default one if it is not given."`
	Keys       string   `placeholder:"FILE" help:"Have it sign assertions with the keys of this JWK Set, of which there are only the public halves, in place of a secret. - reads standard input."`
	JSON       bool     `help:"Print JSON."`
}

// Run adds the client.
func (c *clientAdd) Run(ctx context.Context, p *program) error {
	keys, err := p.keySet(c.Keys, "hexward client add")
	if err != nil {
		return err
	}
	return p.use(ctx, true, func(s *system) error {
		operator, err := s.within(ctx, c.Tenant)
		if err != nil {
			return err
		}
		added, secret, err := s.AddClient(ctx, &operator, auth.NewClient{Name: c.Name, Permissions: c.Permission, Keys: keys}, by)
		if err != nil {
			return err
		}
		return p.printSecret(&added, "added", secret, c.JSON)
	})
}

// keySet reads a JWK Set; none without a name of a file.
func (p *program) keySet(name, command string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	in := p.stdin
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, &usageError{fmt.Errorf("--keys %s: %w", name, reason(err)), command}
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, client.MaxKeys+1))
	if err != nil {
		return nil, fmt.Errorf("--keys %s: %w", name, reason(err))
	}
	if len(text) == 0 || len(text) > client.MaxKeys {
		return nil, &usageError{fmt.Errorf("--keys %s: is empty, or over %d KiB", name, client.MaxKeys>>10), command}
	}
	return text, nil
}

type clientList struct {
	Tenant string `placeholder:"ID" help:"Only machines of this tenant."`
	After  string `placeholder:"ID" help:"Only machines after this one: the last one of the page before."`
	Limit  int    `default:"50" placeholder:"N" help:"At most this many (${default}; 1000 at most)."`
	JSON   bool   `help:"Print JSON."`
}

// Run lists the clients.
func (c *clientList) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		operator, err := s.within(ctx, c.Tenant)
		if err != nil {
			return err
		}
		clients, err := s.ListClients(ctx, &operator, c.After, c.Limit)
		if err != nil {
			return err
		}
		shown := make([]shownClient, len(clients))
		rows := [][]string{{"CLIENT ID", "NAME", "TENANT", "PERMISSIONS", "DISABLED", "SHOWS", "CREATED"}}
		for i := range clients {
			one := showClient(&clients[i], p.now())
			shown[i] = one
			rows = append(rows, []string{
				one.ID, one.Name, one.Tenant, strings.Join(one.Permissions, " "), yes(one.Disabled), one.credentials(), when(clients[i].CreatedAt),
			})
		}
		if c.JSON {
			return printJSON(p.stdout, shown)
		}
		return printTable(p.stdout, rows)
	})
}

// machine names a client on the command line.
type machine struct {
	ID string `arg:"" name:"client-id" help:"Its client id."`
}

type clientShow struct {
	machine
	JSON bool `help:"Print JSON."`
}

// Run shows the client.
func (c *clientShow) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		found, err := s.FindClient(ctx, &s.operator, c.ID)
		if err != nil {
			return err
		}
		shown := showClient(&found, p.now())
		if c.JSON {
			return printJSON(p.stdout, shown)
		}
		rows := [][]string{
			{"client id", shown.ID},
			{"name", shown.Name},
			{"tenant", shown.Tenant},
			{"permissions", strings.Join(shown.Permissions, " ")},
			{"disabled", yes(shown.Disabled)},
			{"shows", shown.credentials()},
			{"created", when(found.CreatedAt)},
		}
		for _, one := range shown.Secrets {
			life := "made " + when(*one.CreatedAt)
			if one.ExpiresAt != nil {
				life += ", works until " + when(*one.ExpiresAt)
			}
			rows = append(rows, []string{"secret", life})
		}
		return printTable(p.stdout, rows)
	})
}

type clientRotate struct {
	machine
	Compromised bool   `xor:"how" help:"Refuse the secret before, and the tokens that it gave, at once."`
	Keys        string `xor:"how" placeholder:"FILE" help:"Take the public keys of this JWK Set in place of what it showed before, and make no secret. - reads standard input."`
	NoKeys      bool   `xor:"how" help:"Take its keys away, and make a secret."`
	JSON        bool   `help:"Print JSON."`
}

// Run makes another secret, or takes other keys.
func (c *clientRotate) Run(ctx context.Context, p *program) error {
	keys, err := p.keySet(c.Keys, "hexward client rotate")
	if err != nil {
		return err
	}
	return p.use(ctx, false, func(s *system) error {
		if keys != nil {
			changed, err := s.ChangeClient(ctx, &s.operator, c.ID, auth.ChangedClient{Keys: &keys}, by)
			if err != nil {
				return err
			}
			return p.printSecret(&changed, "took the keys of", "", c.JSON)
		}
		if c.NoKeys {
			if _, err := s.ChangeClient(ctx, &s.operator, c.ID, auth.ChangedClient{Keys: &keys}, by); err != nil {
				return err
			}
		}
		changed, secret, err := s.RotateClient(ctx, &s.operator, c.ID, c.Compromised, by)
		if err != nil {
			return err
		}
		return p.printSecret(&changed, "made another secret of", secret, c.JSON)
	})
}

type clientDisable struct{ machine }

// Run shuts the client out.
func (c *clientDisable) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		changed, err := s.DisableClient(ctx, &s.operator, c.ID, true, by)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "disabled %s\n", printable(changed.Name))
		return nil
	})
}

type clientEnable struct{ machine }

// Run lets the client in again.
func (c *clientEnable) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		changed, err := s.DisableClient(ctx, &s.operator, c.ID, false, by)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "enabled %s\n", printable(changed.Name))
		return nil
	})
}

type clientPermit struct {
	machine
	Permissions []string `arg:"" optional:"" help:"All that it may ask for from now on."`
	None        bool     `help:"Take every permission from it."`
}

// Run sets the client's permissions.
func (c *clientPermit) Run(ctx context.Context, p *program) error {
	if c.None == (len(c.Permissions) > 0) {
		return &usageError{errors.New("name the permissions that it may ask for from now on, or --none"), "hexward client permit"}
	}
	return p.use(ctx, false, func(s *system) error {
		changed, err := s.ChangeClient(ctx, &s.operator, c.ID, auth.ChangedClient{Permissions: &c.Permissions}, by)
		if err != nil {
			return err
		}
		held := "nothing"
		if len(changed.Permissions) > 0 {
			held = strings.Join(changed.Permissions, " ")
		}
		fmt.Fprintf(p.stdout, "%s may ask for %s\n", printable(changed.Name), held)
		return nil
	})
}

type clientRemove struct{ machine }

// Run removes the client.
func (c *clientRemove) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		if err := s.DeleteClient(ctx, &s.operator, c.ID, by); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "removed %s\n", printable(c.ID))
		return nil
	})
}
