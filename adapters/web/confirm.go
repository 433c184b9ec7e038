package web

import "github.com/gofiber/fiber/v2"

// confirmJSON is how an e-mail address stands.
type confirmJSON struct {
	Email     string `json:"email"`
	Confirmed bool   `json:"confirmed"`
}

func (k *call) confirmStatus() error {
	u, err := k.service.Me(k.ctx(), k.who())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, confirmJSON{u.Email.String(), u.EmailConfirmed})
}

func (k *call) sendConfirm() error {
	if err := k.body(); err != nil {
		return err
	}
	if err := k.service.SendConfirm(k.ctx(), k.who(), k.client()); err != nil {
		return err
	}
	return k.sent()
}

// sent answers that a mail is on its way, if there is anybody to read it.
func (k *call) sent() error {
	return k.answer(fiber.StatusAccepted, struct {
		Status string `json:"status"`
	}{"sent"})
}

func (k *call) confirm() error {
	if err := k.body(); err != nil {
		return err
	}
	u, err := k.service.Confirm(k.ctx(), k.param("token"), k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, confirmJSON{u.Email.String(), u.EmailConfirmed})
}
