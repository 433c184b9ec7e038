package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/gzip"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

const bundlePath = "/.well-known/hexward-bundle"

// Edge returns what edge verifiers have to know of the place where the service runs,
// for auth.Config.Edge. It is nothing where the configuration is wrong, which New and
// Mount say.
func (c Config) Edge() edge.Site {
	if c.CookieNames == "" {
		c.CookieNames = "hexward"
	}
	origin, err := parseOrigin(c.PublicURL, true)
	if err != nil {
		return edge.Site{}
	}
	names := newCookieNames(c.CookieNames, c.BasePath, strings.HasPrefix(origin, "https:"))
	return edge.Site{
		Origin: origin, Origins: slices.Clone(c.Origins),
		Session: names.session.name, Access: names.access.name, Refresh: names.refresh.name,
	}
}

const (
	maxBundleWait = 30 // seconds
	maxWaiting    = 1024

	bundleLook = time.Second // how often a waiter looks, whatever happens
)

var errBundleSecret = fault.New(fault.Unauthenticated, "bundle_secret", "this takes the secret of the edge's workers as a bearer token")

// bundle serves the bundle for edge verifiers, whole or as a delta to the one that the
// caller holds, or 304 if that is the latest. A bundle proves itself, so caches
// may keep one; but they ask each time, since every second that they do not is one in
// which somebody who was signed out passes.
func (k *call) bundle() error {
	if !k.Bundles {
		return outsideErrors[fiber.StatusNotFound]
	}
	if !k.knowsBundleSecret() {
		return errBundleSecret
	}
	var since int64
	var wait time.Duration
	err := k.query(map[string]func(string) bool{
		"since": func(text string) bool { return wholeNumber(text, &since, ports.MaxNumber) },
		"wait": func(text string) bool {
			var seconds int64
			ok := wholeNumber(text, &seconds, maxBundleWait)
			wait = time.Duration(seconds) * time.Second
			return ok
		},
	})
	if err != nil {
		return err
	}
	b, err := k.bundleSince(since)
	if b == nil && err == nil && wait > 0 {
		b, err = k.awaitBundle(since, wait)
	}
	if err != nil {
		return err
	}
	h := &k.Response().Header
	k.Vary(fiber.HeaderAcceptEncoding)
	if k.BundleSecret == "" {
		h.Set(fiber.HeaderCacheControl, "public, max-age=0, must-revalidate")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	} else {
		h.Set(fiber.HeaderCacheControl, "private, max-age=0, must-revalidate")
	}
	if b == nil {
		k.Status(fiber.StatusNotModified)
		return nil
	}
	body, encoding, err := k.coded.of(b, k.Get(fiber.HeaderAcceptEncoding))
	if err != nil {
		return err
	}
	etag := bundleTag(b, encoding)
	h.Set(fiber.HeaderETag, etag)
	if matches(k.Get(fiber.HeaderIfNoneMatch), etag) {
		k.Status(fiber.StatusNotModified)
		return nil
	}
	if encoding != "" {
		h.Set(fiber.HeaderContentEncoding, encoding)
	}
	h.SetContentType("application/jose") // RFC 7515 §9.2.1
	k.Response().SetBodyRaw(body)
	return nil
}

// knowsBundleSecret reports whether the request may have bundles. The digests are
// compared, so that how long it takes tells nothing, not even the length.
func (k *call) knowsBundleSecret() bool {
	if k.BundleSecret == "" {
		return true
	}
	shown, want := sha256.Sum256([]byte(k.shown.Bearer)), sha256.Sum256([]byte(k.BundleSecret))
	return subtle.ConstantTimeCompare(shown[:], want[:]) == 1
}

// wholeNumber reads a number from 0 to most, without a sign or leading zeros.
func wholeNumber(text string, to *int64, most int64) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	*to = n
	return err == nil && n >= 0 && n <= most && strconv.FormatInt(n, 10) == text
}

// bundleTag is a strong entity tag: a number is given out once, and what is signed
// under it since another one, and in another encoding, are other bytes.
func bundleTag(b *auth.Bundle, encoding string) string {
	tag := `"` + strconv.FormatInt(b.Number, 10)
	if b.Base > 0 {
		tag += "-" + strconv.FormatInt(b.Base, 10)
	}
	if encoding != "" {
		tag += "." + encoding
	}
	return tag + `"`
}

func (k *call) bundleSince(since int64) (*auth.Bundle, error) {
	ctx, cancel := context.WithTimeout(k.UserContext(), k.Timeout)
	defer cancel()
	return k.service.Bundle(ctx, since)
}

// awaitBundle waits for a bundle after since; nil when there was none in time. It does
// not wait when too many do, and not on when the server shuts down.
func (k *call) awaitBundle(since int64, wait time.Duration) (*auth.Bundle, error) {
	defer k.waiting.Add(-1)
	if k.waiting.Add(1) > maxWaiting {
		return nil, nil
	}
	end, down := time.NewTimer(wait), k.Context().Done()
	defer end.Stop()
	look := time.NewTicker(bundleLook)
	defer look.Stop()
	for {
		stale := k.service.BundleStale()
		b, err := k.bundleSince(since)
		if b != nil || err != nil {
			return b, err
		}
		select {
		case <-stale:
			// Wherever this process may have told already, there is a pause; and when no
			// bundle can be made there is no hurry.
			pause := time.NewTimer(auth.BundlePause)
			select {
			case <-pause.C:
			case <-down:
			}
			pause.Stop()
		case <-look.C:
		case <-end.C:
			return nil, nil
		case <-down:
			return nil, nil
		}
		select {
		case <-end.C:
			return k.bundleSince(since)
		case <-down:
			return nil, nil
		default:
		}
	}
}

// coded is the latest bundles, compressed.
type coded struct {
	mu   sync.Mutex
	list []*codedBundle // the oldest first
}

// codedBundle is a bundle as br and gzip, made when first asked for.
type codedBundle struct {
	bundle   *auth.Bundle
	br, gzip func() ([]byte, error)
}

const (
	maxCoded   = 8       // bundles that are kept compressed
	leastCoded = 1 << 10 // bytes; what is shorter goes into a packet or two anyway

	// Most of a large bundle is random bits in base64, twice: no level finds more in it than the
	// third that base64 adds, and higher ones only take longer to see that. These
	// two come within a hundredth of the best in a fiftieth of its time.
	brotliLevel = 4
	gzipLevel   = 7
)

// of returns a bundle in an encoding that the client takes, the smallest.
func (c *coded) of(b *auth.Bundle, accept string) (body []byte, encoding string, err error) {
	encoding = ""
	if len(b.Compact) >= leastCoded {
		encoding = acceptable(accept, "br", "gzip")
	}
	if encoding == "" {
		return b.Compact, "", nil
	}
	c.mu.Lock()
	i := slices.IndexFunc(c.list, func(e *codedBundle) bool { return e.bundle == b })
	if i < 0 {
		if len(c.list) == maxCoded {
			c.list = slices.Delete(c.list, 0, 1)
		}
		i = len(c.list)
		c.list = append(c.list, &codedBundle{
			bundle: b,
			br: sync.OnceValues(func() ([]byte, error) {
				return compressed(b.Compact, func(to io.Writer) (io.WriteCloser, error) { return brotli.NewWriterLevel(to, brotliLevel), nil })
			}),
			gzip: sync.OnceValues(func() ([]byte, error) {
				return compressed(b.Compact, func(to io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(to, gzipLevel) })
			}),
		})
	}
	e := c.list[i]
	c.mu.Unlock()
	if encoding == "br" {
		body, err = e.br()
	} else {
		body, err = e.gzip()
	}
	return body, encoding, err
}

func compressed(text []byte, by func(io.Writer) (io.WriteCloser, error)) ([]byte, error) {
	var to bytes.Buffer
	w, err := by(&to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return to.Bytes(), nil
}

// acceptable returns the first of these codings that an Accept-Encoding header names
// (RFC 9110 §12.5.3) without refusing it; "" for none. A wildcard names none.
func acceptable(header string, codings ...string) string {
	named := func(coding string) bool {
		for item := range strings.SplitSeq(header, ",") {
			name, weight, _ := strings.Cut(item, ";")
			if !strings.EqualFold(strings.TrimSpace(name), coding) {
				continue
			}
			_, q, weighted := strings.Cut(weight, "=")
			return !weighted || strings.Trim(strings.TrimSpace(q), "0.") != ""
		}
		return false
	}
	for _, coding := range codings {
		if named(coding) {
			return coding
		}
	}
	return ""
}

// bundleState is what the route keeps between requests.
type bundleState struct {
	waiting atomic.Int32
	coded   coded
}
