package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Trusted is another authorization server whose access tokens are taken for good.
type Trusted struct {
	Name   string // in the subjects of its machines, and in the audit log
	URL    string // the "iss" of its tokens, by which a token finds it
	Issuer ports.Issuer

	// Users says whose tokens of people are taken: who has an identity of this
	// issuer already, or anybody, who is made a user by the first token. Empty is
	// UsersRefused.
	Users UserTokens

	// Tenant, Tenants, TenantRequired and LinkByEmail are those of Upstream, for
	// people and machines alike.
	Tenant         string
	Tenants        map[string]string
	TenantRequired bool
	LinkByEmail    bool

	Edge bool // its tokens are decided about by edge verifiers too: bundles carry its keys and its people
}

// UserTokens says which people's tokens of an issuer are taken.
type UserTokens string

// The choices.
const (
	UsersRefused UserTokens = "refused"
	UsersKnown   UserTokens = "known"
	UsersMade    UserTokens = "made" // just in time
)

// upstream returns the issuer as the provider of its people.
func (t *Trusted) upstream() *Upstream {
	return &Upstream{
		Name: t.Name, Title: t.Name, Tenant: t.Tenant, Tenants: t.Tenants, TenantRequired: t.TenantRequired, LinkByEmail: t.LinkByEmail,
	}
}

// atIssuers returns a user's identities of issuers whose tokens are taken.
func (s *Service) atIssuers(ctx context.Context, userID string) ([]user.Identity, error) {
	if len(s.Issuers) == 0 || s.Identities == nil {
		return nil, nil
	}
	list, err := s.Identities.ByUser(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	return slices.DeleteFunc(list, func(i user.Identity) bool { return s.trusted[i.Issuer] == nil }), nil
}

// checkIssuers names what is wrong with the issuers.
func (c *Config) checkIssuers() error {
	var errs []error
	names, urls := map[string]bool{}, map[string]bool{c.Settings.Issuer: true}
	c.Issuers = slices.Clone(c.Issuers)
	for i := range c.Issuers {
		t := &c.Issuers[i]
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("issuer %q: %w", t.Name, fmt.Errorf(format, args...)))
		}
		if !validProvider(t.Name) || names[t.Name] {
			wrong("a name is required, once, of at most 64 letters, digits, - and _")
		}
		switch {
		case t.URL == "" || strings.ContainsFunc(t.URL, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
			wrong("the URL is the \"iss\" of its tokens, not %q", t.URL)
		case t.URL == c.Settings.Issuer:
			wrong("%s is what our own tokens have as their issuer", t.URL)
		case urls[t.URL]:
			wrong("%s is another issuer's URL", t.URL)
		}
		names[t.Name], urls[t.URL] = true, true
		if t.Issuer == nil {
			wrong("Issuer is required")
		}
		switch t.Users {
		case "", UsersRefused:
		case UsersKnown, UsersMade:
			if c.Identities == nil {
				wrong("Identities is required where people's tokens are taken")
			}
		default:
			wrong("tokens of people are refused, known or made, not %q", t.Users)
		}
		if err := checkTenants(t.Tenant, t.Tenants); err != nil {
			wrong("%w", err)
		}
	}
	return errors.Join(errs...)
}

// checkCaches refuses one cache for both, where garbage would push out what is good.
func (c *Config) checkCaches() error {
	if c.Verified != nil && c.Verified == c.Refused {
		return errors.New("there are two caches, Verified and Refused, and not one for both")
	}
	return nil
}

// checkTenants returns an error that names what cannot be the tenants of a provider or issuer.
func checkTenants(fallback string, mapped map[string]string) error {
	var errs []error
	for _, said := range slices.Sorted(maps.Keys(mapped)) {
		if said == "" {
			errs = append(errs, fmt.Errorf("a tenant is known by a name, not \"\": %q", mapped[said]))
		}
		if tenant.CheckID(mapped[said]) != nil {
			errs = append(errs, fmt.Errorf("a tenant's id is 1 to 64 lower-case letters, digits and ._- characters, not %q: %q", said, mapped[said]))
		}
	}
	if fallback != "" && tenant.CheckID(fallback) != nil {
		errs = append(errs, fmt.Errorf("a tenant's id is 1 to 64 lower-case letters, digits and ._- characters, not %q", fallback))
	}
	return errors.Join(errs...)
}

// tenantOf returns the tenant here of somebody of whom a provider or issuer with
// this name said a tenant, or nothing. What the configuration maps goes before what
// is recorded; where it maps anything, or a tenant is required, who has none is
// refused. For everybody else it is the fallback, or the default tenant.
func (s *Service) tenantOf(
	ctx context.Context, source string, configured map[string]string, fallback string, required bool, said string,
) (string, error) {
	if said != "" {
		if id := configured[said]; id != "" {
			return id, nil
		}
		t, err := s.Tenants.ByExternal(ctx, tenant.External{Source: source, ID: said})
		switch {
		case err == nil:
			return t.ID, nil
		case !isNotFound(err):
			return "", fmt.Errorf("look up tenant: %w", err)
		}
	}
	switch {
	case len(configured) > 0, required:
		return "", errTenant
	case fallback != "":
		return fallback, nil
	default:
		return tenant.Default, nil
	}
}

// loadTenants makes the tenants that the configuration names, where there is no
// record of them yet: whoever looks at the list of tenants sees all that there are.
func (s *Service) loadTenants(ctx context.Context) error {
	if s.tenantsMade { // none is ever removed
		return nil
	}
	named := []string{tenant.Default}
	for i := range s.Providers {
		named = slices.AppendSeq(append(named, s.Providers[i].Tenant), maps.Values(s.Providers[i].Tenants))
	}
	for i := range s.Issuers {
		named = slices.AppendSeq(append(named, s.Issuers[i].Tenant), maps.Values(s.Issuers[i].Tenants))
	}
	slices.Sort(named)
	for _, id := range slices.Compact(named) {
		if id == "" {
			continue
		}
		if err := s.makeTenant(ctx, id); err != nil {
			return err
		}
	}
	s.tenantsMade = true
	return nil
}

func (s *Service) makeTenant(ctx context.Context, id string) error {
	_, err := s.Tenants.ByID(ctx, id)
	if !isNotFound(err) {
		return err
	}
	t, err := tenant.New(id, id, s.Now())
	if err != nil {
		return err
	}
	if err := s.Tenants.Create(ctx, t); err != nil && fault.KindOf(err) != fault.Conflict { // another process was quicker
		return err
	}
	return nil
}
