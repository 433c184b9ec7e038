package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
)

type tenantCommand struct {
	Add    tenantAdd    `cmd:"" help:"Add a tenant."`
	List   tenantList   `cmd:"" help:"List tenants."`
	Show   tenantShow   `cmd:"" help:"Show a tenant."`
	Rename tenantRename `cmd:"" help:"Give a tenant another name; its id stays."`
	Link   tenantLink   `cmd:"" help:"Say what a tenant is called by a provider or issuer."`
	Unlink tenantUnlink `cmd:"" help:"Take such a name from a tenant."`
}

// within returns the operator as one of a single tenant, which must be there; the
// operator as they are for none.
func (s *system) within(ctx context.Context, id string) (access.Principal, error) {
	operator := s.operator
	if id == "" {
		return operator, nil
	}
	t, err := s.FindTenant(ctx, &s.operator, id)
	if err != nil {
		return operator, err
	}
	operator.Tenant = t.ID
	return operator, nil
}

// external is what a tenant is called elsewhere, as SOURCE=ID on the command line.
type external tenant.External

// UnmarshalText reads an external name.
func (e *external) UnmarshalText(text []byte) error {
	source, id, found := strings.Cut(string(text), "=")
	if !found || source == "" || id == "" {
		return fmt.Errorf("%q is not the name of a provider or issuer and what it says, like auth0=org_4f2a", text)
	}
	*e = external{Source: source, ID: id}
	return nil
}

func externals(list []external) []tenant.External {
	out := make([]tenant.External, len(list))
	for i, e := range list {
		out[i] = tenant.External(e)
	}
	return out
}

// shownTenant is a tenant as commands print one.
type shownTenant struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	External  []shownExternal `json:"external"`
	CreatedAt *time.Time      `json:"created_at"`
	UpdatedAt *time.Time      `json:"updated_at"`
}

type shownExternal struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

func showTenant(t *tenant.Tenant) shownTenant {
	s := shownTenant{ID: t.ID, Name: t.Name, External: make([]shownExternal, len(t.External)), CreatedAt: optional(t.CreatedAt), UpdatedAt: optional(t.UpdatedAt)}
	for i, e := range t.External {
		s.External[i] = shownExternal(e)
	}
	return s
}

// elsewhere is what it is called elsewhere, as it is given.
func (s *shownTenant) elsewhere() string {
	list := make([]string, len(s.External))
	for i, e := range s.External {
		list[i] = e.Source + "=" + e.ID
	}
	return strings.Join(list, " ")
}

type tenantAdd struct {
	ID       string     `arg:"" help:"Its id, which stays: lower-case letters, digits and ._- characters."`
	Name     string     `arg:"" help:"What people call it."`
	External []external `sep:"none" placeholder:"SOURCE=ID" help:"What a provider or issuer calls it, by the name that it is configured under; may be given again."`
	JSON     bool       `help:"Print JSON."`
}

// Run adds the tenant.
func (c *tenantAdd) Run(ctx context.Context, p *program) error {
	return p.use(ctx, true, func(s *system) error {
		t, err := s.AddTenant(ctx, &s.operator, c.ID, c.Name, externals(c.External), by)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(p.stdout, showTenant(&t))
		}
		fmt.Fprintf(p.stdout, "added %s (%s)\n", t.ID, printable(t.Name))
		return nil
	})
}

type tenantList struct {
	After string `placeholder:"ID" help:"Only tenants after this one: the last one of the page before."`
	Limit int    `default:"50" placeholder:"N" help:"At most this many (${default}; 1000 at most)."`
	JSON  bool   `help:"Print JSON."`
}

// Run lists the tenants.
func (c *tenantList) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		tenants, err := s.ListTenants(ctx, &s.operator, c.After, c.Limit)
		if err != nil {
			return err
		}
		shown := make([]shownTenant, len(tenants))
		rows := [][]string{{"ID", "NAME", "ELSEWHERE", "CREATED"}}
		for i := range tenants {
			shown[i] = showTenant(&tenants[i])
			rows = append(rows, []string{tenants[i].ID, tenants[i].Name, shown[i].elsewhere(), when(tenants[i].CreatedAt)})
		}
		if c.JSON {
			return printJSON(p.stdout, shown)
		}
		return printTable(p.stdout, rows)
	})
}

type tenantShow struct {
	ID   string `arg:"" help:"Its id."`
	JSON bool   `help:"Print JSON."`
}

// Run shows the tenant.
func (c *tenantShow) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		t, err := s.FindTenant(ctx, &s.operator, c.ID)
		if err != nil {
			return err
		}
		shown := showTenant(&t)
		if c.JSON {
			return printJSON(p.stdout, shown)
		}
		return printTable(p.stdout, [][]string{
			{"id", t.ID}, {"name", t.Name}, {"elsewhere", shown.elsewhere()}, {"created", when(t.CreatedAt)}, {"changed", when(t.UpdatedAt)},
		})
	})
}

type tenantRename struct {
	ID   string `arg:"" help:"Its id."`
	Name string `arg:"" help:"What people call it from now on."`
}

// Run renames the tenant.
func (c *tenantRename) Run(ctx context.Context, p *program) error {
	return p.changeTenant(ctx, c.ID, auth.ChangedTenant{Name: &c.Name})
}

type tenantLink struct {
	ID       string     `arg:"" help:"Its id."`
	External []external `arg:"" placeholder:"SOURCE=ID" help:"What a provider or issuer calls it, by the name that it is configured under."`
}

// Run links the tenant.
func (c *tenantLink) Run(ctx context.Context, p *program) error {
	return p.changeTenant(ctx, c.ID, auth.ChangedTenant{Link: externals(c.External)})
}

type tenantUnlink struct {
	ID       string     `arg:"" help:"Its id."`
	External []external `arg:"" placeholder:"SOURCE=ID" help:"What it is no longer called."`
}

// Run unlinks the tenant.
func (c *tenantUnlink) Run(ctx context.Context, p *program) error {
	return p.changeTenant(ctx, c.ID, auth.ChangedTenant{Unlink: externals(c.External)})
}

func (p *program) changeTenant(ctx context.Context, id string, change auth.ChangedTenant) error {
	return p.use(ctx, false, func(s *system) error {
		t, err := s.ChangeTenant(ctx, &s.operator, id, change, by)
		if err != nil {
			return err
		}
		shown := showTenant(&t)
		elsewhere := shown.elsewhere()
		if elsewhere == "" {
			elsewhere = "nothing"
		}
		fmt.Fprintf(p.stdout, "%s is %s, and elsewhere %s\n", t.ID, printable(t.Name), printable(elsewhere))
		return nil
	})
}
