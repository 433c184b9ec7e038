package idp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
)

// maxAnswer is the most bytes that are read of one answer.
const maxAnswer = 512 << 10

const userAgent = "hexward"

// transport is a RoundTripper that reads each answer in full, within maxAnswer and the
// request's deadline, and refuses a JSON object that is not strict. What is behind it
// (x/oauth2 too) sees a body that is there.
type transport struct{ base http.RoundTripper }

var (
	errTooLong = said(fmt.Sprintf("answered with more than %d bytes", maxAnswer))
	errNotJSON = said("answered with something that is no strict JSON")
)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", userAgent)
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	got, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	_ = got.Body.Close()
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errTooLong
	}
	if got.StatusCode/100 == 2 && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		if _, err := token.ParseJSON(string(body)); err != nil {
			return nil, errNotJSON
		}
	}
	got.Body, got.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return got, nil
}

// newClient returns a client that follows no redirects.
func newClient(base http.RoundTripper, roots *x509.CertPool, timeout time.Duration) *http.Client {
	if base == nil {
		base = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    timeout,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        90 * time.Second,
		}
	}
	return &http.Client{
		Transport:     transport{base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// reply is an answer of the provider.
type reply struct {
	status int
	body   string
}

// ask sends a request that is part of what, and returns the answer, whatever its status.
func (s *source) ask(ctx context.Context, what string, r *http.Request) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	got, err := s.client.Do(r.WithContext(ctx)) //nolint:gosec // G704: where to is configured, or announced there; a subject is one escaped segment of it
	if err != nil {
		return reply{}, unavailable(what, err)
	}
	body, err := io.ReadAll(got.Body)
	_ = got.Body.Close()
	if err != nil {
		return reply{}, unavailable(what, err)
	}
	return reply{got.StatusCode, string(body)}, nil
}

// get fetches a JSON document. bearer may be empty.
func (s *source) get(ctx context.Context, what, at, bearer string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return reply{}, unavailable(what, said("cannot be asked for at its URL"))
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return s.ask(ctx, what, r)
}

// document returns the JSON value of a reply with status 200 that is an object, or, if
// list, an array.
func (r reply) document(what string, list bool) (token.Value, error) {
	if r.status != http.StatusOK {
		return token.Value{}, unavailable(what, statusOf(r.status))
	}
	v, err := token.ParseJSON(r.body)
	if err != nil || list && v.Kind() != token.KindArray || !list && v.Kind() != token.KindObject {
		return token.Value{}, unavailable(what, errNotJSON)
	}
	return v, nil
}

// unavailable says that the provider cannot be reached, or answers what cannot be
// understood. The cause is told in words of ours: a library's may quote what the
// provider answered, and a provider may answer with what it was asked.
func unavailable(what string, err error) error {
	return fault.Wrap(fmt.Errorf("%s: %w", what, plainly(err)), fault.Unavailable, "provider_unavailable",
		"the provider cannot be reached, or gives no answer that can be understood; please try again later")
}

// said is an error whose text is ours.
type said string

func (s said) Error() string { return string(s) }

func statusOf(status int) said { return said(fmt.Sprintf("answered with status %d", status)) }

func plainly(err error) error {
	var (
		operation *net.OpError
		lookup    *net.DNSError
		trust     *tls.CertificateVerificationError
		timeout   interface{ Timeout() bool }
		word      said
	)
	switch {
	case errors.As(err, &word):
		return word
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return context.DeadlineExceeded
	case errors.As(err, &trust):
		return said("its certificate is not trusted")
	case errors.As(err, &lookup):
		return said("its host is not found")
	case errors.As(err, &operation) && operation.Op == "dial":
		return said("no connection can be made")
	default:
		return said("the exchange broke off, or the answer is not HTTP")
	}
}

// refused says that the provider, or this package, does not take a code or token.
func refused(cause error) error {
	return fault.Wrap(cause, fault.Unauthenticated, "provider_refused", "the provider refused the sign-in; please sign in again")
}
