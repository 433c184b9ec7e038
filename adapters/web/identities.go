package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
)

// identityJSON is one account of the user at a provider.
type identityJSON struct {
	ID        string    `json:"id"`
	Provider  string    `json:"provider"`
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"`
	Email     string    `json:"email,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at"`
}

func (k *call) listIdentities() error {
	list, err := k.service.ListIdentities(k.ctx(), k.who())
	if err != nil {
		return err
	}
	out := make([]identityJSON, len(list))
	for i, one := range list {
		out[i] = identityJSON{
			ID: one.ID, Provider: one.Provider, Issuer: one.Issuer, Subject: one.Subject, Email: one.Email,
			CreatedAt: one.CreatedAt.UTC(), UsedAt: one.UsedAt.UTC(),
		}
	}
	return k.answer(fiber.StatusOK, struct {
		Identities []identityJSON `json:"identities"`
	}{out})
}

// linkIdentity begins what adds an account at a provider. A script is told where to
// navigate to, a form is led there. It ends in the browser, where the same user has
// to be signed in by cookie.
func (k *call) linkIdentity() error {
	in := auth.ProviderLogin{Provider: k.param("provider"), Link: true}
	var err error
	form := k.isForm()
	if form {
		in.ReturnTo, err = k.posted("return_to")
	} else {
		err = k.body(optional(text("return_to", &in.ReturnTo)))
	}
	if err != nil {
		return err
	}
	to, err := k.begin(in)
	if err != nil {
		return err
	}
	if form {
		return k.redirect(to)
	}
	return k.answer(fiber.StatusOK, struct {
		URL string `json:"url"`
	}{to})
}

func (k *call) unlinkIdentity() error {
	if err := k.body(); err != nil {
		return err
	}
	if err := k.service.Unlink(k.ctx(), k.who(), k.pathID(), k.client()); err != nil {
		return err
	}
	return k.nothing()
}
