package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

// userJSON is a user as the user sees it.
type userJSON struct {
	ID             string    `json:"id"`
	Username       string    `json:"username"`
	Email          string    `json:"email"`
	EmailConfirmed bool      `json:"email_confirmed"`
	Permissions    []string  `json:"permissions"`
	Tenant         string    `json:"tenant"`
	CreatedAt      time.Time `json:"created_at"`
	Name           string    `json:"name,omitempty"`    // in full, as a provider says it
	Picture        string    `json:"picture,omitempty"` // an https URL, likewise
}

func userOf(u user.User) userJSON {
	if u.Permissions == nil {
		u.Permissions = []string{}
	}
	return userJSON{
		ID: u.ID, Username: u.Name.String(), Email: u.Email.String(), EmailConfirmed: u.EmailConfirmed,
		Permissions: u.Permissions, Tenant: u.Tenant, CreatedAt: u.CreatedAt.UTC(),
		Name: u.Profile.FullName, Picture: u.Profile.Picture,
	}
}

// The ways in which credentials reach a client.
const (
	byCookie = "cookie"
	byBody   = "body"
)

func checkDelivery(delivery string) error {
	if delivery != byCookie && delivery != byBody {
		return fault.InvalidField("delivery", "unknown", `this is "cookie" or "body"`)
	}
	return nil
}

// grantJSON is what a sign-in answers. The tokens are there with the delivery
// "body" only.
type grantJSON struct {
	User         userJSON `json:"user"`
	Delivery     string   `json:"delivery"`
	TokenType    string   `json:"token_type,omitempty"`
	AccessToken  string   `json:"access_token,omitempty"`
	Access       string   `json:"access,omitempty"` // AccessToken again, for front ends that know it by this name
	ExpiresIn    int64    `json:"expires_in"`       // of the access token, in seconds
	RefreshToken string   `json:"refresh_token,omitempty"`
}

// maxCookie is the most that every browser keeps of a cookie, with room for its
// name and attributes (RFC 6265 §6.1).
const maxCookie = 3800

// grantOf is what a Grant looks like.
func grantOf(g *auth.Grant, delivery string) grantJSON {
	out := grantJSON{User: userOf(g.User), Delivery: delivery, ExpiresIn: int64(g.AccessLife / time.Second)}
	if delivery == byBody {
		out.TokenType, out.AccessToken, out.Access, out.RefreshToken = "Bearer", g.Access, g.Access, g.Refresh
	}
	return out
}

// grant hands a Grant over.
func (k *call) grant(status int, g *auth.Grant, delivery string) error {
	if delivery == byCookie {
		k.setGrant(g)
	}
	return k.answer(status, grantOf(g, delivery))
}

// setGrant hands a Grant over in cookies.
func (k *call) setGrant(g *auth.Grant) {
	life := g.Session.EndsAt.Sub(k.service.Now())
	if g.Cookie != "" {
		k.setCookie(&k.cookies.session, g.Cookie, life)
	}
	if len(g.Access) <= maxCookie {
		k.setCookie(&k.cookies.access, g.Access, g.AccessLife)
	} else { // the session's cookie says the same
		k.dropCookie(&k.cookies.access)
	}
	k.setCookie(&k.cookies.refresh, g.Refresh, life)
}

// newUser reads the body of a registration.
func (k *call) newUser() (in auth.NewUser, delivery string, err error) {
	delivery = byCookie
	err = k.body(text("username", &in.Username), text("email", &in.Email), text("password", &in.Password),
		optional(text("captcha", &in.Captcha)), optional(text("delivery", &delivery)))
	if err == nil {
		err = checkDelivery(delivery)
	}
	if delivery == byCookie {
		in.Replaces = k.shown.Session
	}
	return in, delivery, err
}

func (k *call) register() error {
	in, delivery, err := k.newUser()
	if err != nil {
		return err
	}
	g, err := k.service.Register(k.ctx(), in, k.client())
	if err != nil {
		return err
	}
	if g == nil { // what comes next is in the mail
		return k.answer(fiber.StatusAccepted, struct {
			Status string `json:"status"`
		}{"pending"})
	}
	return k.grant(fiber.StatusCreated, g, delivery)
}

func (k *call) setup() error {
	in, delivery, err := k.newUser()
	if err != nil {
		return err
	}
	g, err := k.service.Setup(k.ctx(), k.param("token"), in, k.client())
	if err != nil {
		return err
	}
	return k.grant(fiber.StatusCreated, g, delivery)
}

func (k *call) login() error {
	var in auth.PasswordLogin
	delivery := byCookie
	err := k.body(text("login", &in.Login), text("password", &in.Password),
		optional(text("captcha", &in.Captcha)), optional(text("delivery", &delivery)))
	if err == nil {
		err = checkDelivery(delivery)
	}
	if err != nil {
		return err
	}
	if delivery == byCookie {
		in.Replaces = k.shown.Session
	}
	g, err := k.service.Login(k.ctx(), in, k.client())
	if err != nil {
		return err
	}
	return k.grant(fiber.StatusOK, g, delivery)
}

// endShown ends the session that the request shows. One that is over is fine, but
// a bad Authorization header is not. Of cookies that came twice every one is
// ended: the browser forgets ours, and would take the planted one for good. It
// returns where the browser goes to sign out at the provider too, or "".
func (k *call) endShown() (onward string, err error) {
	shown := []auth.Credentials{k.shown.Credentials}
	if k.shown.ambiguous {
		shown = k.cookies.each(&k.Request().Header)
	}
	for _, c := range shown {
		var to string
		k.identity, err = k.service.Authenticate(k.ctx(), c)
		if err == nil {
			to, err = k.service.SignOut(k.ctx(), k.who(), k.FrontEnd, k.client())
		}
		if err != nil && (k.shown.HasBearer || fault.KindOf(err) != fault.Unauthenticated) {
			return "", err
		}
		if onward == "" {
			onward = to
		}
	}
	if !k.shown.HasBearer {
		k.dropCookies()
	}
	return onward, nil
}

func (k *call) logout() error {
	if err := k.body(); err != nil {
		return err
	}
	onward, err := k.endShown()
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, struct {
		Status    string `json:"status"`
		LogoutURL string `json:"logout_url,omitempty"` // where a browser goes to sign out at the provider too
	}{"signed out", onward})
}

// logoutByLink leads to the provider, which leads on, or to the front end, and
// nowhere else that a request may name.
func (k *call) logoutByLink() error {
	if !k.ownNavigation() {
		return errCrossOrigin
	}
	onward, err := k.endShown()
	if err != nil {
		return err
	}
	if onward == "" {
		onward = k.FrontEnd
	}
	return k.redirect(onward)
}

// errNoAccount sends a machine to where it is told who it is.
var errNoAccount = fault.New(fault.Forbidden, "person_required", "a machine has no account; /verify says who it is")

func (k *call) me() error {
	if k.who().Kind != access.User {
		return errNoAccount
	}
	u, err := k.service.Me(k.ctx(), k.who())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, userOf(u))
}

func (k *call) tokenUser() error {
	if err := k.body(); err != nil {
		return err
	}
	return k.me()
}

func (k *call) deleteMe() error {
	var password string
	if err := k.body(text("password", &password)); err != nil {
		return err
	}
	if err := k.service.DeleteAccount(k.ctx(), k.who(), password, k.client()); err != nil {
		return err
	}
	if !k.shown.HasBearer {
		k.dropCookies()
	}
	return k.nothing()
}

func (k *call) changeUsername() error {
	var username string
	if err := k.body(text("username", &username)); err != nil {
		return err
	}
	u, err := k.service.ChangeUsername(k.ctx(), k.who(), k.pathID(), username, k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, userOf(u))
}

// refresh takes the token from the body, else from its cookie, and answers the way
// it came.
func (k *call) refresh() error {
	var presented string
	if err := k.body(optional(text("refresh_token", &presented))); err != nil {
		return err
	}
	delivery := byBody
	if presented == "" {
		if k.shown.ambiguous {
			return errAmbiguous
		}
		presented, delivery = k.shown.refresh, byCookie
	}
	g, err := k.service.Refresh(k.ctx(), presented, k.client())
	if err != nil {
		if delivery == byCookie && presented != "" && fault.KindOf(err) == fault.Unauthenticated {
			k.dead = &k.cookies.refresh
		}
		return err
	}
	return k.grant(fiber.StatusOK, g, delivery)
}

// delivered says how the credentials came that the request shows.
func (k *call) delivered() string {
	if k.shown.HasBearer {
		return byBody
	}
	return byCookie
}

// PrincipalFrom returns who asks, on a route behind one of Guard's handlers, and the
// anonymous principal on any other. It is shared: do not change it. It may be kept
// after the request.
func PrincipalFrom(c *fiber.Ctx) *access.Principal {
	if p, ok := c.Locals(principalKey{}).(*access.Principal); ok {
		return p
	}
	return &access.Principal{}
}
