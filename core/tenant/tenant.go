// Package tenant knows the organisations that users and clients belong to. A
// tenant comes from a credential and never from a request; a Scope says which
// tenants' things a store hands out, and there is no way to one by accident: the
// zero Scope sees nothing.
package tenant

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hexward/hexward/core/fault"
)

// Default is the tenant of everybody who was not put in another one. Its
// administrators look after what all tenants share: the tenants themselves, the
// signing keys, and ending everything at once.
const Default = "default"

// Tenant is an organisation. Stores keep and return it as it is; its methods hold
// the rules.
type Tenant struct {
	ID        string // chosen by whoever adds it, and stays; see CheckID
	Name      string // for people
	External  []External
	CreatedAt time.Time
	UpdatedAt time.Time
}

// External is what a tenant is called elsewhere: by a provider or an issuer of
// tokens, under the name that it is configured by.
type External struct {
	Source string // the name of the provider or issuer
	ID     string // what it says
}

// The bounds of a tenant.
const (
	MaxID        = 64  // bytes
	MaxName      = 200 // bytes
	MaxExternal  = 100 // other names
	maxElsewhere = 255 // bytes of each
)

// New returns a tenant, or an Invalid fault that names every member that is wrong.
func New(id, name string, now time.Time) (Tenant, error) {
	t := Tenant{ID: id, CreatedAt: now}
	if err := fault.Join(CheckID(id), t.Rename(name, now)); err != nil {
		return Tenant{}, err
	}
	return t, nil
}

// CheckID returns an Invalid fault on "id" unless id is 1 to 64 lower-case letters,
// digits, ".", "_" and "-", of which the first is a letter or a digit.
func CheckID(id string) error {
	for i := range len(id) {
		c := id[i]
		word := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !word && (i == 0 || c != '.' && c != '_' && c != '-') {
			return errID
		}
	}
	if id == "" || len(id) > MaxID {
		return errID
	}
	return nil
}

var errID = fault.InvalidField("id", "form", "a tenant's id is 1 to 64 lower-case letters, digits and ._- characters, and begins with a letter or digit")

// Rename gives the tenant another name, without space around it. One that is empty, too long or has control
// characters is an Invalid fault on "name".
func (t *Tenant) Rename(name string, now time.Time) error {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > MaxName || !printable(name) {
		return fault.InvalidField("name", "form", "a tenant's name is 1 to 200 bytes of printable text")
	}
	t.Name, t.UpdatedAt = name, now
	return nil
}

// Link adds what the tenant is called elsewhere, to the letter: what others say is not changed. What it has already is no
// error. More than MaxExternal, or what is none, is an Invalid fault on "external".
func (t *Tenant) Link(e External, now time.Time) error {
	if e.Source == "" || e.ID == "" || len(e.Source) > MaxID || len(e.ID) > maxElsewhere || !printable(e.Source) || !printable(e.ID) {
		return fault.InvalidField("external", "form", "what a tenant is called elsewhere is the name of a provider or issuer, and 1 to 255 bytes of printable text")
	}
	if slices.Contains(t.External, e) {
		return nil
	}
	if len(t.External) >= MaxExternal {
		return fault.InvalidField("external", "too_many", "a tenant has at most 100 other names")
	}
	t.External = append(slices.Clone(t.External), e)
	t.UpdatedAt = now
	return nil
}

// Unlink removes what the tenant is called elsewhere, or returns a NotFound fault.
func (t *Tenant) Unlink(e External, now time.Time) error {
	i := slices.Index(t.External, e)
	if i < 0 {
		return fault.New(fault.NotFound, "external_unknown", "the tenant is not called so there")
	}
	t.External = slices.Delete(slices.Clone(t.External), i, i+1)
	t.UpdatedAt = now
	return nil
}

// printable reports whether a text has only characters that can be seen, and spaces.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}
