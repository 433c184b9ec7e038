package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
)

// tenantJSON is a tenant.
type tenantJSON struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	External  []externalJSON `json:"external"`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
}

// externalJSON is what a tenant is called elsewhere.
type externalJSON struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

func tenantOf(t *tenant.Tenant) tenantJSON {
	out := tenantJSON{
		ID: t.ID, Name: t.Name, External: make([]externalJSON, len(t.External)), CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
	for i, e := range t.External {
		out.External[i] = externalJSON(e)
	}
	return out
}

// externals is a member with what a tenant is called elsewhere.
func externals(name string, into *[]tenant.External) member {
	return member{name, true, `an array of objects as {"source": "…", "id": "…"}`, func(v token.Value) bool {
		if v.Kind() != token.KindArray {
			return false
		}
		for c := v.Members(); c.Next(); {
			var e tenant.External
			if c.Value().Kind() != token.KindObject || decode(c.Value().Raw(), []member{text("source", &e.Source), text("id", &e.ID)}) != nil {
				return false
			}
			*into = append(*into, e)
		}
		return true
	}}
}

func (k *call) listTenants() error {
	var after string
	var limit int
	if err := k.query(map[string]func(string) bool{"after": into(&after), "limit": intoNumber(&limit)}); err != nil {
		return err
	}
	list, err := k.service.ListTenants(k.ctx(), k.who(), after, limit)
	if err != nil {
		return err
	}
	out := make([]tenantJSON, len(list))
	for i := range list {
		out[i] = tenantOf(&list[i])
	}
	return k.answer(fiber.StatusOK, struct {
		Tenants []tenantJSON `json:"tenants"`
	}{out})
}

func (k *call) addTenant() error {
	var id, name string
	var external []tenant.External
	if err := k.body(text("id", &id), text("name", &name), optional(externals("external", &external))); err != nil {
		return err
	}
	t, err := k.service.AddTenant(k.ctx(), k.who(), id, name, external, k.client())
	if err != nil {
		return err
	}
	k.Response().Header.Set(fiber.HeaderLocation, "/admin/tenants/"+t.ID)
	return k.answer(fiber.StatusCreated, tenantOf(&t))
}

// tenantID returns the id in the path. What is none is read as one that no tenant has.
func (k *call) tenantID() string {
	if id := k.param("id"); tenant.CheckID(id) == nil {
		return id
	}
	return nobody
}

func (k *call) findTenant() error {
	t, err := k.service.FindTenant(k.ctx(), k.who(), k.tenantID())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, tenantOf(&t))
}

func (k *call) changeTenant() error {
	var name string
	var in auth.ChangedTenant
	err := k.body(optional(given(text("name", &name), &in.Name, &name)),
		optional(externals("link", &in.Link)), optional(externals("unlink", &in.Unlink)))
	if err != nil {
		return err
	}
	t, err := k.service.ChangeTenant(k.ctx(), k.who(), k.tenantID(), in, k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, tenantOf(&t))
}
