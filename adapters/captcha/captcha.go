// Package captcha asks a provider whether a captcha was solved. It implements
// ports.Captcha for reCAPTCHA, hCaptcha and Turnstile, which all have the same
// siteverify call.
//
//	c, err := captcha.New(captcha.Config{Provider: "turnstile", Secret: secret})
//	err = c.Check(ctx, response, client)
//
// It fails closed: whatever is not a clear yes is an error. Who solved it wrongly
// gets an Invalid fault on the member "captcha"; when the provider cannot be
// asked, answers nonsense, or says that it was asked wrongly, the error is
// Unavailable.
package captcha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// DefaultTimeout bounds one question to the provider.
const DefaultTimeout = 5 * time.Second

const (
	maxResponse = 8 << 10  // bytes of what a browser sends; the longest in use has about 3,000
	maxAnswer   = 64 << 10 // bytes of what a provider answers; some hundred are usual
)

// endpoints are the providers' siteverify calls, as they document them.
var endpoints = map[string]string{
	"recaptcha": "https://www.google.com/recaptcha/api/siteverify",
	"hcaptcha":  "https://api.hcaptcha.com/siteverify",
	"turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
}

// Config says whom to ask.
type Config struct {
	Provider string        // "recaptcha", "hcaptcha" or "turnstile"
	Secret   string        // the site's secret at the provider
	Hostname string        // where the captcha must have been solved; empty for anywhere
	MinScore float64       // of reCAPTCHA v3, above 0 to 1; 0 asks for no score
	URL      string        // in place of the provider's; https, or http on a loopback address
	Timeout  time.Duration // 0 for DefaultTimeout
}

// Checker asks one provider. It is safe for concurrent use.
type Checker struct {
	config Config
	client *http.Client
}

var _ ports.Captcha = (*Checker)(nil)

// New returns a Checker. A Config that cannot work is an error that names all
// that is wrong.
func New(c Config) (*Checker, error) {
	var errs []error
	endpoint, known := endpoints[c.Provider]
	if !known {
		errs = append(errs, fmt.Errorf("the provider is one of recaptcha, hcaptcha and turnstile, not %q", c.Provider))
	}
	if c.URL == "" {
		c.URL = endpoint
	} else if !safe(c.URL) {
		errs = append(errs, errors.New("the URL is an absolute one with https, or http on a loopback address"))
	}
	if strings.TrimSpace(c.Secret) == "" {
		errs = append(errs, errors.New("a secret is needed"))
	}
	if !(c.MinScore >= 0 && c.MinScore <= 1) { // NaN too
		errs = append(errs, errors.New("a score is between 0 and 1"))
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("a timeout is positive"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("captcha: %w", err)
	}
	return &Checker{config: c, client: &http.Client{
		// A redirected POST would carry the secret elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// safe reports whether the secret may be sent to a URL.
func safe(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	loopback := host == "localhost" || err == nil && addr.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

// answer is what the providers have in common.
type answer struct {
	Success  bool     `json:"success"`
	Hostname string   `json:"hostname"`
	Score    *float64 `json:"score"`
	Errors   []string `json:"error-codes"`
}

// ours are the error codes that blame whoever asked, not whoever solved.
var ours = []string{
	"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "invalid-keys", "internal-error",
}

// Check returns nil if response was made by solving the captcha. The client's
// address is passed on if it is valid.
func (c *Checker) Check(ctx context.Context, response string, client netip.Addr) error {
	switch {
	case response == "":
		return fault.InvalidField("captcha", "required", "please solve the captcha")
	case len(response) > maxResponse:
		return errUnsolved
	}
	form := url.Values{"secret": {c.config.Secret}, "response": {response}}
	if client.IsValid() {
		form.Set("remoteip", client.Unmap().WithZone("").String())
	}
	a, err := c.ask(ctx, form)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "captcha_unavailable", "the captcha cannot be checked at this moment; please try again")
	}
	switch {
	case !a.Success,
		c.config.Hostname != "" && !strings.EqualFold(a.Hostname, c.config.Hostname),
		c.config.MinScore > 0 && (a.Score == nil || *a.Score < c.config.MinScore):
		return errUnsolved
	}
	return nil
}

var errUnsolved = fault.InvalidField("captcha", "unsolved", "the captcha was not solved, or too long ago; please solve it again")

// ask posts the form and reads the answer.
func (c *Checker) ask(ctx context.Context, form url.Values) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	got, err := c.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("%s answered with status %d", c.config.Provider, got.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return answer{}, fmt.Errorf("%s answered with more than %d bytes", c.config.Provider, maxAnswer)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	for _, code := range a.Errors {
		if !a.Success && slices.Contains(ours, code) {
			return answer{}, fmt.Errorf("%s refused the question: %s", c.config.Provider, code)
		}
	}
	return a, nil
}
