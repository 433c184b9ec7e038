package web

import (
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// flowLife is how long the cookie lives that binds sign-ins at providers to a
// browser: as long as the core lets one take.
const flowLife = 10 * time.Minute

// beginProvider sends the browser to a provider.
func (k *call) beginProvider() error {
	query := k.Request().URI().QueryArgs()
	var in auth.ProviderLogin
	err := each(query, map[string]*string{"provider": &in.Provider, "return_to": &in.ReturnTo})
	if err != nil {
		return err
	}
	if in.Provider == "" {
		switch providers := k.service.Providers; len(providers) {
		case 0: // the core's answer is right
		case 1:
			in.Provider = providers[0].Name
		default:
			return fault.InvalidField("provider", "required", "this names one of the providers")
		}
	}
	to, err := k.begin(in)
	if err != nil {
		return err
	}
	return k.redirect(to)
}

// begin begins a sign-in with a provider, and gives the browser the one cookie that
// binds all that it has begun.
func (k *call) begin(in auth.ProviderLogin) (url string, err error) {
	in.Browser = k.cookies.flowOf(&k.Request().Header)
	who := k.who()
	if who == nil {
		who = &access.Principal{}
	}
	url, browser, err := k.service.BeginProvider(k.ctx(), who, in)
	if err != nil {
		return "", err
	}
	k.setCookie(&k.cookies.flow, browser, flowLife)
	return url, nil
}

// callback is where a provider sends the browser back to. The request comes from
// another site by its nature: what binds it to this browser is the state and the
// flow's cookie.
func (k *call) callback() error {
	h := &k.Request().Header
	var in auth.Callback
	err := each(k.Request().URI().QueryArgs(), map[string]*string{"state": &in.State, "code": &in.Code, "iss": &in.Issuer, "error": &in.Error})
	if err != nil {
		return err
	}
	in.Browser, in.Replaces = k.cookies.flowOf(h), k.shown.Session
	if err := k.authenticate(); err != nil {
		if fault.KindOf(err) != fault.Unauthenticated {
			return err
		}
		k.identity.Principal = &access.Principal{} // signing in is what a dead cookie's owner came for
	}
	done, err := k.service.FinishProvider(k.ctx(), k.who(), in, k.client())
	if err != nil {
		return err
	}
	if done.Grant != nil {
		k.setGrant(done.Grant)
	}
	if done.ReturnTo == "" {
		return k.redirect(k.FrontEnd)
	}
	return k.redirect(k.server.origin + done.ReturnTo)
}

// signInCode takes a code that a front end got by doing the redirect itself. The
// access token is in the answer whatever the delivery: such a front end came for
// it. With the delivery "cookie" the answer sets the cookies besides, and the
// refresh token is in its cookie alone.
func (k *call) signInCode() error {
	var in auth.ProviderCode
	delivery := byBody
	err := k.body(text("code", &in.Code), text("redirect_uri", &in.RedirectURI), optional(text("code_verifier", &in.Verifier)),
		optional(text("nonce", &in.Nonce)), optional(text("iss", &in.Issuer)), optional(text("provider", &in.Provider)), optional(text("delivery", &delivery)))
	if err == nil {
		err = checkDelivery(delivery)
	}
	if err != nil {
		return err
	}
	if delivery == byCookie {
		in.Replaces = k.shown.Session
	}
	g, err := k.service.SignInWithCode(k.ctx(), in, k.client())
	if err != nil {
		return err
	}
	out := grantOf(g, byBody)
	out.Delivery = delivery
	if delivery == byCookie {
		out.RefreshToken = ""
		k.setGrant(g)
	}
	return k.answer(fiber.StatusOK, out)
}

// oauthError is an error as RFC 6749 §5.2 writes it.
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// backChannelLogout takes a provider's word that somebody has signed out there
// (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8). What is wrong with the
// request is 400; what is wrong here stays 500 or 503, so that the provider may
// try again.
func (k *call) backChannelLogout() error {
	out, err := k.posted("logout_token")
	if err == nil && out == "" {
		err = fault.InvalidField("logout_token", "required", "a logout token is required")
	}
	if err == nil {
		_, err = k.service.BackChannelLogout(k.ctx(), k.param("provider"), out, k.client())
	}
	if err == nil {
		k.Status(fiber.StatusOK)
		return nil
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unauthenticated, fault.Unsupported, fault.TooLarge:
		p, _ := problemOf(err)
		return k.answer(fiber.StatusBadRequest, oauthError{"invalid_request", p.Detail})
	}
	return err
}

// redirect sends the browser on.
func (k *call) redirect(to string) error {
	k.Response().Header.Set(fiber.HeaderLocation, to)
	k.Status(fiber.StatusFound)
	return nil
}

// once returns the value of a parameter, or "". One that comes twice is refused
// (RFC 6749 §3.1).
func once(args *fasthttp.Args, name string) (string, error) {
	values := args.PeekMulti(name)
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return string(values[0]), nil
	}
	return "", fault.InvalidField(name, "duplicate", "this is given once")
}

// each reads several parameters.
func each(args *fasthttp.Args, into map[string]*string) (err error) {
	for name, at := range into {
		if *at, err = once(args, name); err != nil {
			return err
		}
	}
	return nil
}

// flowOf returns the cookie that binds flows to the browser, or "". It is no
// credential, so an Authorization header does not matter. One that comes twice was
// planted once.
func (n *cookieNames) flowOf(h *fasthttp.RequestHeader) (flow string) {
	found := 0
	for _, line := range h.PeekAll(fiber.HeaderCookie) {
		for len(line) > 0 {
			var name, value []byte
			if name, value, line = nextCookie(line); string(name) == n.flow.name {
				found++
				flow = string(value)
			}
		}
	}
	if found != 1 {
		return ""
	}
	return flow
}

// navigated runs a handler that browsers are led to: its errors are shown as a page
// to whoever prefers one.
func navigated(handle func(*call) error) func(*call) error {
	page := paged(func(k *call) (*page, error) {
		err := handle(k)
		if err == nil {
			return nil, nil
		}
		again := link{"/sign-in", "Try again"}
		if !k.pages {
			again = link{k.FrontEnd, "Go back"}
		}
		return told("That did not work", "", again), err
	})
	return func(k *call) error {
		k.Vary(fiber.HeaderAccept)
		if k.Accepts(fiber.MIMEApplicationJSON, fiber.MIMETextHTML) == fiber.MIMETextHTML {
			err := page(k)
			k.Response().Header.Set(fiber.HeaderReferrerPolicy, "no-referrer") // the code may be in our URL
			return err
		}
		return handle(k)
	}
}

// providerLinks are what leads to the providers from a page. They are links: a
// form's redirect to another origin would need that origin in form-action.
func (k *call) providerLinks(verb string) (links []link) {
	for i := range k.service.Providers {
		up := &k.service.Providers[i]
		links = append(links, link{k.base + "/login?provider=" + url.QueryEscape(up.Name), verb + " with " + up.Title})
	}
	return links
}
