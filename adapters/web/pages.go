package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

// pageRoutes are the pages for people without a front end of their own, and where
// mailed links lead. They work without scripts and call the same use cases as the
// API.
var pageRoutes = []Route{
	{Method: "GET", Path: "/", handle: paged((*call).homePage)},
	{Method: "GET", Path: "/sign-in", handle: paged((*call).signInPage)},
	{Method: "POST", Path: "/sign-in", grants: true, handle: paged((*call).signInForm)},
	{Method: "GET", Path: "/sign-up", handle: paged((*call).signUpPage)},
	{Method: "POST", Path: "/sign-up", grants: true, handle: paged((*call).signUpForm)},
	{Method: "POST", Path: "/sign-out", grants: true, handle: paged((*call).signOutForm)},
	{Method: "GET", Path: "/forgot", handle: paged((*call).forgotPage)},
	{Method: "POST", Path: "/forgot", grants: true, handle: paged((*call).forgotForm)},
	{Method: "POST", Path: "/confirm", grants: true, handle: paged((*call).sendConfirmForm)},
	{Method: "GET", Path: "/confirm/{token}", handle: paged((*call).confirmPage)},
	{Method: "POST", Path: "/confirm/{token}", grants: true, handle: paged((*call).confirmForm)},
	{Method: "GET", Path: "/register/{token}", handle: paged((*call).finishPage)},
	{Method: "POST", Path: "/register/{token}", grants: true, handle: paged((*call).finishForm)},
	{Method: "GET", Path: "/reset/{token}", handle: paged((*call).resetPage)},
	{Method: "POST", Path: "/reset/{token}", grants: true, handle: paged((*call).resetForm)},
	{Method: "GET", Path: "/setup/{token}", handle: paged((*call).setupPage)},
	{Method: "POST", Path: "/setup/{token}", grants: true, handle: paged((*call).setupForm)},
	{Method: "GET", Path: stylePath, handle: (*call).style},
}

//go:embed templates static/style.css
var assets embed.FS

const stylePath = "/static/style.css"

var (
	formTemplate = parsePage("form")
	homeTemplate = parsePage("home")

	styleSheet = asset("static/style.css")
	styleTag   = func() string {
		sum := sha256.Sum256(styleSheet)
		return base64.RawURLEncoding.EncodeToString(sum[:9])
	}()
)

func parsePage(name string) *htmltemplate.Template {
	return htmltemplate.Must(htmltemplate.ParseFS(assets, "templates/layout.html", "templates/"+name+".html"))
}

func asset(name string) []byte {
	b, err := assets.ReadFile(name)
	if err != nil {
		panic(err) // embedded
	}
	return b
}

// page is what a template shows.
type page struct {
	Title   string
	Site    string
	Style   string // the style sheet's URL
	Problem string // what went wrong, if it belongs to no field
	Notice  string // what went well

	Intro  string
	Action string // where the form goes
	Button string // what it says; no form when empty
	Fields []field
	Ways   []link // to a provider
	Links  []link

	User        *user.User // home: who is signed in
	Base        string     // home: where the API is
	CanRegister bool       // home: whether people may sign up

	template *htmltemplate.Template
	status   int
}

type field struct {
	Name, Label, Type, Value, Autocomplete, Hint, Error string
	Focus                                               bool
}

type link struct{ Href, Text string }

// member returns what the form has for a field, for the input of a use case.
func (p *page) member(name string) string {
	for i := range p.Fields {
		if p.Fields[i].Name == name {
			return p.Fields[i].Value
		}
	}
	return ""
}

// form returns a page with a form that goes where it came from.
func (k *call) form(title, intro, button string, fields ...field) *page {
	if len(fields) > 0 {
		fields[0].Focus = true
	}
	return &page{
		Title: title, Intro: intro, Button: button, Fields: fields,
		Action: string(k.Request().URI().PathOriginal()), template: formTemplate,
	}
}

// told returns a page that says something and has no form.
func told(title, notice string, links ...link) *page {
	return &page{Title: title, Notice: notice, Links: links, template: formTemplate}
}

// The headers of pages that differ from those of JSON. The referrer, which may
// have a mailed secret in it, goes to our own origin only; without it browsers
// would send "Origin: null" with a form.
const (
	pagePolicy   = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	pageReferrer = "same-origin"
)

// paged runs a page's handler, which returns nil if it has answered. Its errors
// are shown as a page too.
func paged(handle func(*call) (*page, error)) func(*call) error {
	return func(k *call) error {
		p, err := handle(k)
		if err != nil {
			k.fail(err) // the status and headers are the same, the body is for people
			problem, _ := problemOf(err)
			if p == nil {
				p = &page{Title: http.StatusText(problem.Status), template: formTemplate, Links: []link{{"/", "Back to the start"}}}
			}
			p.status = problem.Status
			p.blame(err, problem)
		}
		if p == nil {
			return nil
		}
		return k.show(p)
	}
}

// blame puts an error beside the fields that it is about, and above the form if
// it is about none of them.
func (p *page) blame(err error, problem problem) {
	placed := false
	var f *fault.Error
	if errors.As(err, &f) {
		for _, wrong := range f.Fields {
			for i := range p.Fields {
				if p.Fields[i].Name == wrong.Name {
					p.Fields[i].Error, placed = wrong.Message, true
				}
			}
		}
	}
	if !placed {
		p.Problem = problem.Detail
	}
	if problem.RequestID != "" {
		p.Problem += " (" + problem.RequestID + ")"
	}
}

func (k *call) show(p *page) error {
	p.Site, p.Base = k.Site, k.base
	if k.pages {
		p.Style = stylePath + "?v=" + styleTag
	}
	for i := range p.Fields { // what is typed blindly is typed again
		if p.Fields[i].Type == "password" {
			p.Fields[i].Value = ""
		}
	}
	var body bytes.Buffer
	if err := p.template.ExecuteTemplate(&body, "layout", p); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	if p.status == 0 {
		p.status = fiber.StatusOK
	}
	k.Status(p.status)
	h := &k.Response().Header
	h.SetContentType(fiber.MIMETextHTMLCharsetUTF8)
	h.Set(fiber.HeaderContentSecurityPolicy, pagePolicy)
	h.Set(fiber.HeaderReferrerPolicy, pageReferrer)
	k.Response().SetBodyRaw(body.Bytes())
	return nil
}

// lead sends the browser on after a form.
func (k *call) lead(to string) (*page, error) {
	k.Response().Header.Set(fiber.HeaderLocation, to)
	k.Status(fiber.StatusSeeOther)
	return nil, nil
}

// fill reads a form into the fields of its page. A field that comes twice is
// refused.
func (k *call) fill(p *page) error {
	for i := range p.Fields {
		value, err := k.posted(p.Fields[i].Name)
		if err != nil {
			return err
		}
		p.Fields[i].Value = value
	}
	return nil
}

// isForm reports whether the request's body is a form.
func (k *call) isForm() bool {
	media, _, _ := bytes.Cut(k.Request().Header.ContentType(), []byte{';'})
	return string(bytes.TrimSpace(media)) == fiber.MIMEApplicationForm
}

// posted returns a field of a form, or "".
func (k *call) posted(name string) (string, error) {
	r := k.Request()
	if !k.isForm() || len(r.Header.Peek(fiber.HeaderContentEncoding)) > 0 {
		return "", fault.New(fault.Unsupported, "media_type", "a form is application/x-www-form-urlencoded")
	}
	if len(r.Body()) > maxBody { // an app around us may take more
		return "", outsideErrors[fiber.StatusRequestEntityTooLarge]
	}
	return once(r.PostArgs(), name)
}

func (k *call) style() error {
	h := &k.Response().Header
	h.Set(fiber.HeaderCacheControl, "public, max-age="+strconv.Itoa(7*24*60*60)+", immutable")
	h.SetContentType("text/css; charset=utf-8")
	k.Response().SetBodyRaw(styleSheet)
	return nil
}

// signedIn returns who looks at a page, or nil. A dead cookie is dropped: nobody
// is told off for coming back.
func (k *call) signedIn() (*user.User, error) {
	if err := k.authenticate(); err != nil {
		if fault.KindOf(err) != fault.Unauthenticated {
			return nil, err
		}
		k.dropDead()
		return nil, nil
	}
	if !k.identity.SignedIn() {
		return nil, nil
	}
	if k.identity.RotateDue {
		if err := k.renew(); err != nil {
			return nil, err
		}
	}
	u, err := k.service.Me(k.ctx(), k.who())
	return &u, err
}

func (k *call) homePage() (*page, error) {
	u, err := k.signedIn()
	if err != nil {
		return nil, err
	}
	p := &page{Title: "Welcome", template: homeTemplate, User: u, CanRegister: k.service.Settings.Registration != auth.RegistrationClosed}
	if u != nil {
		p.Title = "You are signed in"
	}
	return p, nil
}

func nameField() field {
	return field{Name: "username", Label: "User name", Type: "text", Autocomplete: "username", Hint: "3 to 32 letters, digits or punctuation, without spaces"}
}

func emailField() field {
	return field{Name: "email", Label: "E-mail address", Type: "email", Autocomplete: "email"}
}

func (k *call) passwordField() field {
	hint := fmt.Sprintf("At least %d characters; a few words in a row are good", k.service.PasswordPolicy().Least())
	return field{Name: "password", Label: "Password", Type: "password", Autocomplete: "new-password", Hint: hint}
}

func (k *call) signIn() *page {
	p := k.form("Sign in", "", "Sign in",
		field{Name: "login", Label: "User name or e-mail address", Type: "text", Autocomplete: "username"},
		field{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password"})
	p.Ways = k.providerLinks("Sign in")
	if to := k.returnTo(); to != "" {
		to = url.QueryEscape(to)
		p.Action += "?return_to=" + to
		for i := range p.Ways {
			p.Ways[i].Href += "&return_to=" + to
		}
	}
	p.Links = []link{{"/forgot", "Forgot your password?"}}
	if k.service.Settings.Registration != auth.RegistrationClosed {
		p.Links = append(p.Links, link{"/sign-up", "Create an account"})
	}
	return p
}

// returnTo returns where on our own origin the page's address says that whoever
// signs in wants to go, or "".
func (k *call) returnTo() string {
	to, err := once(k.Request().URI().QueryArgs(), "return_to")
	if err != nil || !auth.SafeReturn(to) {
		return ""
	}
	return to
}

func (k *call) signInPage() (*page, error) { return k.signIn(), nil }

func (k *call) signInForm() (*page, error) {
	p := k.signIn()
	if err := k.fill(p); err != nil {
		return p, err
	}
	g, err := k.service.Login(k.ctx(), auth.PasswordLogin{
		Login: p.member("login"), Password: p.member("password"), Replaces: k.shown.Session,
	}, k.client())
	if err != nil {
		return p, err
	}
	k.setGrant(g)
	if to := k.returnTo(); to != "" {
		return k.lead(to)
	}
	return k.lead("/")
}

func (k *call) signUp() *page {
	p := k.form("Create an account", "", "Create the account", nameField(), emailField(), k.passwordField())
	p.Ways = k.providerLinks("Sign up")
	p.Links = []link{{"/sign-in", "Sign in instead"}}
	return p
}

func (k *call) signUpPage() (*page, error) {
	if k.service.Settings.Registration == auth.RegistrationClosed {
		return told("Registration is closed", "An administrator can add you.", link{"/sign-in", "Sign in"}), nil
	}
	return k.signUp(), nil
}

// newUserFrom reads the form of a registration.
func (k *call) newUserFrom(p *page) (auth.NewUser, error) {
	err := k.fill(p)
	return auth.NewUser{
		Username: p.member("username"), Email: p.member("email"), Password: p.member("password"), Replaces: k.shown.Session,
	}, err
}

func (k *call) signUpForm() (*page, error) {
	p := k.signUp()
	in, err := k.newUserFrom(p)
	if err != nil {
		return p, err
	}
	g, err := k.service.Register(k.ctx(), in, k.client())
	if err != nil {
		return p, err
	}
	if g == nil {
		return told("Look into your mail", "What comes next is in the mail that is on its way to "+in.Email+".", link{"/sign-in", "Sign in"}), nil
	}
	k.setGrant(g)
	return k.lead("/")
}

func (k *call) signOutForm() (*page, error) {
	onward, err := k.endShown()
	if err != nil {
		return nil, err
	}
	if onward == "" {
		return k.lead("/")
	}
	// A redirect would count as the form's, which may not leave this origin.
	k.Response().Header.Set("Refresh", "0; url="+onward)
	return told("You are signed out", "You are signed out here, and go on to sign out where you signed in.", link{onward, "Go on"}), nil
}

func (k *call) forgot() *page {
	p := k.form("Forgot your password?", "We mail you a link under which you choose another one.", "Mail me a link", emailField())
	p.Links = []link{{"/sign-in", "Sign in"}}
	return p
}

func (k *call) forgotPage() (*page, error) { return k.forgot(), nil }

func (k *call) forgotForm() (*page, error) {
	p := k.forgot()
	if err := k.fill(p); err != nil {
		return p, err
	}
	if err := k.service.ForgotPassword(k.ctx(), p.member("email"), "", k.client()); err != nil {
		return p, err
	}
	return told("Look into your mail", "If somebody has an account with that address, a link is on its way.", link{"/sign-in", "Sign in"}), nil
}

func (k *call) sendConfirmForm() (*page, error) {
	u, err := k.signedIn()
	if err != nil {
		return nil, err
	}
	if u == nil {
		return k.lead("/sign-in")
	}
	if err := k.service.SendConfirm(k.ctx(), k.who(), k.client()); err != nil {
		return nil, err
	}
	return told("Look into your mail", "A link that confirms your address is on its way.", link{"/", "Back to your account"}), nil
}

func (k *call) confirmPage() (*page, error) {
	return k.form("Confirm your e-mail address", "One more click, so that no mail filter does it for you.", "Confirm"), nil
}

func (k *call) confirmForm() (*page, error) {
	u, err := k.service.Confirm(k.ctx(), k.param("token"), k.client())
	if err != nil {
		return nil, err
	}
	return told("Thank you", u.Email.String()+" is confirmed.", link{"/", "Go on"}), nil
}

func (k *call) finishPage() (*page, error) {
	return k.form("Create your account", "One more click, so that no mail filter does it for you.", "Create the account"), nil
}

func (k *call) finishForm() (*page, error) {
	u, err := k.service.Confirm(k.ctx(), k.param("token"), k.client())
	if err != nil {
		return nil, err
	}
	return told("Welcome, "+u.Name.String(), "Your account is ready.", link{"/sign-in", "Sign in"}), nil
}

func (k *call) resetPage() (*page, error) {
	if err := k.service.CheckReset(k.ctx(), k.param("token")); err != nil {
		return nil, err
	}
	return k.form("Choose another password", "It ends every other sign-in of yours.", "Set the password", k.passwordField()), nil
}

func (k *call) resetForm() (*page, error) {
	p := k.form("Choose another password", "", "Set the password", k.passwordField())
	if err := k.fill(p); err != nil {
		return p, err
	}
	if err := k.service.ResetPassword(k.ctx(), k.param("token"), p.member("password"), k.client()); err != nil {
		if fault.KindOf(err) != fault.Invalid {
			p = nil // the link is of no more use
		}
		return p, err
	}
	return told("Your password is changed", "Every other sign-in of yours has ended.", link{"/sign-in", "Sign in"}), nil
}

func (k *call) setupForms() *page {
	return k.form("Set up "+k.Site, "You are the first: this account administers the others.", "Create the administrator", nameField(), emailField(), k.passwordField())
}

func (k *call) setupPage() (*page, error) {
	if err := k.service.CheckSetup(k.ctx(), k.param("token")); err != nil {
		return nil, err
	}
	return k.setupForms(), nil
}

func (k *call) setupForm() (*page, error) {
	p := k.setupForms()
	in, err := k.newUserFrom(p)
	if err != nil {
		return p, err
	}
	g, err := k.service.Setup(k.ctx(), k.param("token"), in, k.client())
	if err != nil {
		if fault.KindOf(err) == fault.Forbidden {
			p = nil
		}
		return p, err
	}
	k.setGrant(g)
	return k.lead("/")
}
