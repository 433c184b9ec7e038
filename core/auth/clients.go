package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// NewClient is a machine to be.
type NewClient struct {
	Name        string
	Permissions []string // the scopes that it may have
	Keys        []byte   // a JWK Set of public keys to authenticate with (RFC 7523); empty for a secret
}

var (
	errNoClient   = fault.New(fault.NotFound, "client_unknown", "there is no such client")
	errClientKeys = fault.New(fault.Conflict, "client_keys", "this client signs assertions and has no secret; take its keys away first")
)

// AddClient makes a machine client in the principal's tenant, and returns its secret, which is not shown again; it is
// empty for a client with keys. The operator makes it in the tenant that their principal names, which has to be there, or
// in the default one. Members that cannot be are an Invalid fault on "name", "permissions" and "keys". The principal is an
// administrator.
//
// An administrator gives a client any permission, as they do users and themselves (Permit): a bound by what
// they hold would be one that they lift by themselves.
func (s *Service) AddClient(ctx context.Context, p *access.Principal, in NewClient, c Client) (client.Client, string, error) {
	scope, err := s.administers(ctx, p, c, ports.Event{Action: "client.add"})
	if err != nil {
		return client.Client{}, "", err
	}
	home, err := s.home(ctx, p)
	if err != nil {
		return client.Client{}, "", err
	}
	now := s.Now()
	id, err := s.newID()
	if err != nil {
		return client.Client{}, "", err
	}
	made, err := client.New(id, home, in.Name, in.Permissions, in.Keys, now)
	if err != nil {
		return client.Client{}, "", err
	}
	text := ""
	if len(in.Keys) == 0 {
		var h secret.Hash
		if text, h, err = secret.Mint(s.Rand, secret.Client); err != nil {
			return client.Client{}, "", err
		}
		made.AddSecret(h, now, now)
	}
	if err := s.Directory.Clients(scope).Create(ctx, made); err != nil {
		return client.Client{}, "", fmt.Errorf("create client: %w", err)
	}
	err = s.record(ctx, c, by(p, ports.Event{
		Action: "client.add", Subject: made.ID, Tenant: made.Tenant, Detail: map[string]string{"permissions": strings.Join(made.Permissions, " ")},
	}), nil)
	if err != nil {
		return client.Client{}, "", err
	}
	return made, text, nil
}

// home returns the tenant that a principal makes things in.
func (s *Service) home(ctx context.Context, p *access.Principal) (string, error) {
	switch {
	case p.Via != access.LocalOperator && p.Tenant == "":
		return "", errForbidden
	case p.Via != access.LocalOperator:
		return p.Tenant, nil
	case p.Tenant == "" || p.Tenant == tenant.Default:
		return tenant.Default, nil
	}
	t, err := s.Tenants.ByID(ctx, p.Tenant)
	if isNotFound(err) {
		return "", errNoTenant
	}
	if err != nil {
		return "", fmt.Errorf("look up tenant: %w", err)
	}
	return t.ID, nil
}

// ListClients returns the clients that the principal sees, by ascending id, after this one. The principal is an administrator.
func (s *Service) ListClients(ctx context.Context, p *access.Principal, after string, limit int) ([]client.Client, error) {
	scope, err := s.administers(ctx, p, Client{}, ports.Event{Action: "client.list"})
	if err != nil {
		return nil, err
	}
	list, err := s.Directory.Clients(scope).List(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	return list, nil
}

// FindClient returns a client that the principal sees. The principal is an administrator.
func (s *Service) FindClient(ctx context.Context, p *access.Principal, id string) (client.Client, error) {
	scope, err := s.administers(ctx, p, Client{}, ports.Event{Action: "client.find", Subject: id})
	if err != nil {
		return client.Client{}, err
	}
	cl, err := s.Directory.Clients(scope).ByID(ctx, id)
	if isNotFound(err) {
		return client.Client{}, errNoClient
	}
	if err != nil {
		return client.Client{}, fmt.Errorf("look up client: %w", err)
	}
	return cl, nil
}

// ChangedClient is what ChangeClient changes; what is nil stays.
type ChangedClient struct {
	Name        *string
	Permissions *[]string
	Keys        *[]byte
}

// ChangeClient changes a client. Tokens that say otherwise are revoked: all that there are, when it is given permissions
// or a key is taken away; another key besides ends none. A client that gets keys has no secret any more; one whose keys are taken away (none, or an
// empty text) authenticates again once RotateClient gave it a secret. The principal is an administrator.
func (s *Service) ChangeClient(ctx context.Context, p *access.Principal, id string, in ChangedClient, c Client) (client.Client, error) {
	event := ports.Event{Action: "client.change", Subject: id, Detail: map[string]string{}}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return client.Client{}, err
	}
	now := s.Now()
	var probe client.Client
	var nameErr, permissionsErr, keysErr error
	if in.Name != nil {
		nameErr = probe.Rename(*in.Name, now)
		event.Detail["name"] = probe.Name
	}
	if in.Permissions != nil {
		permissionsErr = probe.Permit(*in.Permissions, now)
	}
	if in.Keys != nil {
		keysErr = probe.SetKeys(*in.Keys, now)
	}
	if err := fault.Join(nameErr, permissionsErr, keysErr); err != nil {
		return client.Client{}, err
	}
	ends := false
	cl, begun, err := s.changeClient(ctx, scope, id, func(cl *client.Client) error {
		// Even if something is set to what it is: the call that changed it may have failed after that.
		ends = in.Permissions != nil || in.Keys != nil && (len(cl.Secrets) > 0 || !keeps(cl.Keys, probe.Keys) || keeps(probe.Keys, cl.Keys))
		cl.UpdatedAt = now
		if in.Name != nil {
			cl.Name = probe.Name
		}
		if in.Permissions != nil {
			event.Detail["from"], event.Detail["to"] = strings.Join(cl.Permissions, " "), strings.Join(probe.Permissions, " ")
			cl.Permissions = probe.Permissions
		}
		if in.Keys != nil {
			event.Detail["keys"] = "changed"
			cl.Keys, cl.Secrets = probe.Keys, nil
		}
		return nil
	})
	if !begun {
		return client.Client{}, err
	}
	if ends {
		err = errors.Join(err, s.markUser(ctx, id))
	}
	event.Tenant = cl.Tenant
	return cl, s.finished(ctx, c, by(p, event), err)
}

// keeps reports whether every one of a client's keys is among the new ones.
func keeps(old, now []byte) bool {
	before, err := token.ParseKeySet(old)
	if err != nil {
		return len(old) == 0
	}
	after, err := token.ParseKeySet(now)
	if err != nil {
		return false
	}
	for i := range before.Len() {
		k := before.At(i)
		if !slices.ContainsFunc(keysOf(after), func(other *token.Key) bool {
			return other.Algorithm() == k.Algorithm() && other.Thumbprint() == k.Thumbprint()
		}) {
			return false
		}
	}
	return true
}

func keysOf(set *token.KeySet) []*token.Key {
	list := make([]*token.Key, set.Len())
	for i := range list {
		list[i] = set.At(i)
	}
	return list
}

// RotateClient makes another secret for a client and returns it; the one before works for Settings.SecretOverlap, or no
// more when it is compromised, and then the client's tokens end too. If it fails the client has the secrets that it had, but for a
// compromised one. A client with keys is Conflict with "client_keys". The principal is an administrator.
func (s *Service) RotateClient(ctx context.Context, p *access.Principal, id string, compromised bool, c Client) (client.Client, string, error) {
	event := ports.Event{Action: "client.rotate", Subject: id}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return client.Client{}, "", err
	}
	text, h, err := secret.Mint(s.Rand, secret.Client)
	if err != nil {
		return client.Client{}, "", err
	}
	now := s.Now()
	until := now.Add(s.Settings.SecretOverlap)
	if compromised {
		until = now
		event.Detail = map[string]string{"compromised": "true"}
	}
	var before []client.Secret
	cl, begun, err := s.changeClient(ctx, scope, id, func(cl *client.Client) error {
		if len(cl.Keys) > 0 {
			return errClientKeys
		}
		before = slices.Clone(cl.Secrets)
		cl.AddSecret(h, until, now)
		return nil
	})
	if !begun {
		return client.Client{}, "", err
	}
	if compromised {
		err = errors.Join(err, s.markUser(ctx, id))
	}
	event.Tenant = cl.Tenant
	if err = s.finished(ctx, c, by(p, event), err); err == nil {
		return cl, text, nil
	}
	if !compromised { // nobody gets the new one: were it kept, doing it again would drop the one that is in use
		s.withdrawSecret(ctx, scope, id, h, before)
	}
	return client.Client{}, "", err
}

// withdrawSecret gives a client the secrets that it had before one was added, if nobody added another one since.
func (s *Service) withdrawSecret(ctx context.Context, scope tenant.Scope, id string, h secret.Hash, before []client.Secret) {
	_, _, err := s.changeClient(context.WithoutCancel(ctx), scope, id, func(cl *client.Client) error {
		if n := len(cl.Secrets); n > 0 && cl.Secrets[n-1].Hash == h {
			cl.Secrets = before
		}
		return nil
	})
	if err != nil && !isNotFound(err) {
		s.Report(ctx, "take a client's secret back", err)
	}
}

// DisableClient shuts a client out, and ends its tokens, or lets it in again. The principal is an administrator.
func (s *Service) DisableClient(ctx context.Context, p *access.Principal, id string, disabled bool, c Client) (client.Client, error) {
	action := "client.enable"
	if disabled {
		action = "client.disable"
	}
	event := ports.Event{Action: action, Subject: id}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return client.Client{}, err
	}
	cl, begun, err := s.disable(ctx, scope, id, disabled)
	if !begun {
		return client.Client{}, err
	}
	event.Tenant = cl.Tenant
	return cl, s.finished(ctx, c, by(p, event), err)
}

func (s *Service) disable(ctx context.Context, scope tenant.Scope, id string, disabled bool) (cl client.Client, begun bool, err error) {
	cl, begun, err = s.changeClient(ctx, scope, id, func(cl *client.Client) error {
		cl.Disable(disabled, s.Now())
		return nil
	})
	if begun && disabled {
		err = errors.Join(err, s.markUser(ctx, id))
	}
	return cl, begun, err
}

// DeleteClient removes a client and ends its tokens. It is disabled first, and stays so until its tokens have ended:
// a call that fails can be made again. The principal is an administrator.
func (s *Service) DeleteClient(ctx context.Context, p *access.Principal, id string, c Client) error {
	event := ports.Event{Action: "client.delete", Subject: id}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return err
	}
	cl, begun, err := s.disable(ctx, scope, id, true)
	if !begun {
		return err
	}
	if err == nil {
		if err = s.Directory.Clients(scope).Delete(ctx, id); isNotFound(err) { // somebody was quicker
			err = nil
		}
		s.changed(id)
		if err != nil {
			err = fmt.Errorf("delete client: %w", err)
		}
	}
	event.Tenant = cl.Tenant
	return s.finished(ctx, c, by(p, event), err)
}

// changeClient updates a client within a scope, and has what is remembered of it forgotten. With an error, begun says that the
// store may have made the change all the same.
func (s *Service) changeClient(
	ctx context.Context, scope tenant.Scope, id string, f func(*client.Client) error,
) (cl client.Client, begun bool, err error) {
	cl, err = s.Directory.Clients(scope).Update(ctx, id, func(cl *client.Client) error {
		err := f(cl)
		begun = err == nil
		return err
	})
	s.changed(id)
	if isNotFound(err) {
		return client.Client{}, false, errNoClient
	}
	if err != nil {
		return cl, begun, fmt.Errorf("change client: %w", err)
	}
	return cl, true, nil
}
