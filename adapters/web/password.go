package web

import "github.com/gofiber/fiber/v2"

func (k *call) forgotPassword() error {
	var email, captcha string
	if err := k.body(text("email", &email), optional(text("captcha", &captcha))); err != nil {
		return err
	}
	if err := k.service.ForgotPassword(k.ctx(), email, captcha, k.client()); err != nil {
		return err
	}
	return k.sent()
}

func (k *call) resetPassword() error {
	var password string
	if err := k.body(text("password", &password)); err != nil {
		return err
	}
	if err := k.service.ResetPassword(k.ctx(), k.param("token"), password, k.client()); err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, struct {
		Status string `json:"status"`
	}{"changed"})
}

func (k *call) changePassword() error {
	var present, next string
	if err := k.body(text("password", &present), text("new_password", &next)); err != nil {
		return err
	}
	g, err := k.service.ChangePassword(k.ctx(), k.who(), present, next, k.client())
	if err != nil {
		return err
	}
	return k.grant(fiber.StatusOK, g, k.delivered())
}
