package web

import (
	"encoding/json"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/client"
)

// clientJSON is a machine client. Secret is told once, to who made it.
type clientJSON struct {
	ID          string             `json:"id"`
	Tenant      string             `json:"tenant"`
	Name        string             `json:"name"`
	Permissions []string           `json:"permissions"`
	Keys        json.RawMessage    `json:"keys,omitempty"` // a JWK Set
	Secrets     []clientSecretJSON `json:"secrets"`
	Disabled    bool               `json:"disabled"`
	DisabledAt  *time.Time         `json:"disabled_at"`
	CreatedAt   time.Time          `json:"created_at"`
	UpdatedAt   time.Time          `json:"updated_at"`
	Secret      string             `json:"secret,omitempty"`
}

// clientSecretJSON is what there is to know of a secret: since when it is one, and
// until when.
type clientSecretJSON struct {
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"` // null for the present one
}

func clientOf(c *client.Client, secret string) clientJSON {
	out := clientJSON{
		ID: c.ID, Tenant: c.Tenant, Name: c.Name, Permissions: listed(c.Permissions), Keys: c.Keys,
		Secrets: make([]clientSecretJSON, len(c.Secrets)), Disabled: c.Disabled(), DisabledAt: timeOrNull(c.DisabledAt),
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(), Secret: secret,
	}
	for i, s := range c.Secrets {
		out.Secrets[i] = clientSecretJSON{s.CreatedAt.UTC(), timeOrNull(s.ExpiresAt)}
	}
	return out
}

func (k *call) listClients() error {
	var after string
	var limit int
	if err := k.query(map[string]func(string) bool{"after": into(&after), "limit": intoNumber(&limit)}); err != nil {
		return err
	}
	list, err := k.service.ListClients(k.ctx(), k.who(), after, limit)
	if err != nil {
		return err
	}
	out := make([]clientJSON, len(list))
	for i := range list {
		out[i] = clientOf(&list[i], "")
	}
	return k.answer(fiber.StatusOK, struct {
		Clients []clientJSON `json:"clients"`
	}{out})
}

func (k *call) addClient() error {
	var in auth.NewClient
	err := k.body(text("name", &in.Name), optional(texts("permissions", &in.Permissions)), optional(object("keys", &in.Keys)))
	if err != nil {
		return err
	}
	c, secret, err := k.service.AddClient(k.ctx(), k.who(), in, k.client())
	if err != nil {
		return err
	}
	k.Response().Header.Set(fiber.HeaderLocation, "/admin/clients/"+c.ID)
	return k.answer(fiber.StatusCreated, clientOf(&c, secret))
}

func (k *call) findClient() error {
	c, err := k.service.FindClient(k.ctx(), k.who(), k.pathID())
	return k.tellClient(&c, "", err)
}

// tellClient answers with a client, or with the error of having none.
func (k *call) tellClient(c *client.Client, secret string, err error) error {
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, clientOf(c, secret))
}

// changeClient changes what the body has. Keys that are null are taken away.
func (k *call) changeClient() error {
	var name string
	var permissions []string
	var keys []byte
	var in auth.ChangedClient
	err := k.body(optional(given(text("name", &name), &in.Name, &name)),
		optional(given(texts("permissions", &permissions), &in.Permissions, &permissions)),
		optional(given(orNull(object("keys", &keys)), &in.Keys, &keys)))
	if err != nil {
		return err
	}
	c, err := k.service.ChangeClient(k.ctx(), k.who(), k.pathID(), in, k.client())
	return k.tellClient(&c, "", err)
}

func (k *call) rotateClient() error {
	var compromised bool
	if err := k.body(optional(flag("compromised", &compromised))); err != nil {
		return err
	}
	c, secret, err := k.service.RotateClient(k.ctx(), k.who(), k.pathID(), compromised, k.client())
	return k.tellClient(&c, secret, err)
}

func (k *call) disableClient() error { return k.setDisabled(true) }

func (k *call) enableClient() error { return k.setDisabled(false) }

func (k *call) setDisabled(disabled bool) error {
	if err := k.body(); err != nil {
		return err
	}
	c, err := k.service.DisableClient(k.ctx(), k.who(), k.pathID(), disabled, k.client())
	return k.tellClient(&c, "", err)
}

func (k *call) deleteClient() error {
	if err := k.body(); err != nil {
		return err
	}
	if err := k.service.DeleteClient(k.ctx(), k.who(), k.pathID(), k.client()); err != nil {
		return err
	}
	return k.nothing()
}
