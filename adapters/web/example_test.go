package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/keyring"
	"github.com/hexward/hexward/adapters/memory"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/signer"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
)

// Accounts become part of somebody's own app: the routes under a prefix of its
// choice, and a guard in front of its own routes.
func ExampleMount() {
	service := exampleService()

	app := fiber.New()
	guard, err := web.Mount(app.Group("/api/users"), service, web.Config{PublicURL: "https://app.example"})
	if err != nil {
		log.Fatal(err)
	}
	app.Get("/notes", guard.RequireUser, func(c *fiber.Ctx) error {
		return c.SendString("the notes of " + web.PrincipalFrom(c).Name)
	})
	app.Get("/feed", guard.RequireUserOrToken, func(c *fiber.Ctx) error {
		tenant, _ := auth.TenantFrom(c.UserContext()) // or several calls away from the handler
		return c.SendString("the feed of " + tenant)
	})
	app.Get("/reports", guard.RequirePermission("reports:read"), func(c *fiber.Ctx) error {
		return c.SendString("the reports")
	})
	app.Post("/jobs", guard.RequireMachine, func(c *fiber.Ctx) error {
		return c.SendString("a job of " + web.PrincipalFrom(c).Subject)
	})

	registered := send(app, "POST", "/api/users/register", `{"username":"alice","email":"alice@mail.example","password":"seven green lanterns hum"}`, nil)
	fmt.Println("register:", registered.Status)
	fmt.Println("notes:", send(app, "GET", "/notes", "", nil).Status)
	fmt.Println("notes, signed in:", send(app, "GET", "/notes", "", registered.Cookies()).Status)
	fmt.Println("feed, signed in:", send(app, "GET", "/feed", "", registered.Cookies()).Status)
	fmt.Println("reports, signed in:", send(app, "GET", "/reports", "", registered.Cookies()).Status)
	fmt.Println("jobs, signed in:", send(app, "POST", "/jobs", "", registered.Cookies()).Status)
	// Output:
	// register: 201 Created
	// notes: 401 Unauthorized
	// notes, signed in: 200 OK
	// feed, signed in: 200 OK
	// reports, signed in: 403 Forbidden
	// jobs, signed in: 403 Forbidden
}

// One policy says what every route of an app demands; what no rule is about demands a
// session, so that a new route is closed until somebody opens it.
func ExampleGuard_Enforce() {
	service := exampleService()

	app := fiber.New(fiber.Config{CaseSensitive: true})
	guard, err := web.Mount(app.Group("/api/users"), service, web.Config{PublicURL: "https://app.example"})
	if err != nil {
		log.Fatal(err)
	}
	policy, err := access.NewPolicy([]access.Rule{
		{Path: "/about", Demand: access.Public},
		{Path: "/api/**", Demand: access.SessionOrToken},
		{Path: "/jobs/**", Demand: access.TokenOnly, Only: access.Machine, Permissions: []string{"jobs:run"}},
	})
	if err != nil {
		log.Fatal(err) // every rule that is wrong, is there twice, or is never reached
	}
	app.Use(guard.Enforce(policy))
	app.All("/*", func(c *fiber.Ctx) error {
		return c.SendString("hello " + web.PrincipalFrom(c).Name)
	})

	registered := send(app, "POST", "/api/users/register", `{"username":"alice","email":"alice@mail.example","password":"seven green lanterns hum"}`, nil)
	for _, path := range []string{"/about", "/api/orders", "/notes", "/jobs/1", "/about/../notes"} {
		fmt.Println(path, send(app, "GET", path, "", nil).StatusCode, send(app, "GET", path, "", registered.Cookies()).StatusCode)
	}
	// Output:
	// /about 200 200
	// /api/orders 401 200
	// /notes 401 200
	// /jobs/1 401 403
	// /about/../notes 400 400
}

func send(app *fiber.App, method, path, body string, cookies []*http.Cookie) *http.Response {
	req := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for _, c := range cookies {
		req.AddCookie(c)
	}
	res, err := app.Test(req, -1)
	if err != nil {
		log.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// exampleService keeps everything in memory. Package sqlite has a store that
// lasts, and passhash the hasher for passwords.
func exampleService() *auth.Service {
	store, mails := memory.New(), &mailbox{}
	seals, err := sealer.New(bytes.Repeat([]byte{1}, sealer.KeySize))
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keyring.New(seals)
	if err != nil {
		log.Fatal(err)
	}
	seal, err := session.NewSeal(bytes.Repeat([]byte{2}, session.SealKeySize))
	if err != nil {
		log.Fatal(err)
	}
	service, err := auth.New(auth.Config{
		Users: store.Users(), Sessions: store.Sessions(), SessionSets: store.SessionSets(),
		MailTokens: store.MailTokens(), Attempts: store.Attempts(), Marks: store.Marks(), Audit: store.Audit(), Keys: store.Keys(),
		Keyring: ring, Signer: signer.New(), Sealer: seals, Hasher: quickHash{}, Mailer: mails, Seal: seal,
		Tenants: store.Tenants(), Directory: store.Directory(), Machines: store.Machines(), APITokens: store.APITokens(),
		Now: time.Now, Rand: rand.Reader, Report: func(context.Context, string, error) {},
		Settings: auth.DefaultSettings("https://app.example"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := service.Load(context.Background()); err != nil {
		log.Fatal(err)
	}
	return service
}
