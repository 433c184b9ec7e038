package web

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
)

// readyWithin bounds the question whether the service is ready.
const readyWithin = 3 * time.Second

// Operations returns the app for the operations listener, which only whoever runs
// the service reaches: /healthz says that the process answers, /readyz that ready
// returns nil, and 503 when it does not. Why not is for the log, which is ready's
// to write.
func Operations(ready func(ctx context.Context) error) *fiber.App {
	app := fiber.New(fiber.Config{
		AppName: "hexward operations", DisableStartupMessage: true, StrictRouting: true, CaseSensitive: true,
		ReadTimeout: defaultTimeout, WriteTimeout: defaultTimeout, IdleTimeout: defaultIdle,
		ReadBufferSize: maxHeaders, BodyLimit: 1 << 10,
	})
	app.Server().SecureErrorLogMessage = true
	answer := func(c *fiber.Ctx, status int, word string) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.Status(status).JSON(struct {
			Status string `json:"status"`
		}{word})
	}
	app.Get("/healthz", func(c *fiber.Ctx) error { return answer(c, fiber.StatusOK, "ok") })
	app.Get("/readyz", func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
		defer cancel()
		if err := ready(ctx); err != nil {
			return answer(c, fiber.StatusServiceUnavailable, "unavailable")
		}
		return answer(c, fiber.StatusOK, "ready")
	})
	return app
}
