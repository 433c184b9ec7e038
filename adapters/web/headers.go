package web

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/hexward/hexward/core/fault"
)

// header is one header of an answer, with its name in canonical case.
type header struct{ name, value []byte }

// securityHeaders returns what every answer has. Answers are JSON: nothing in
// them is to run, be framed, be sniffed, be kept by a cache, or be loaded by
// another site's page.
func securityHeaders(https bool, hsts time.Duration) []header {
	list := []header{
		{[]byte("Cache-Control"), []byte("no-store")},
		{[]byte("X-Content-Type-Options"), []byte("nosniff")},
		{[]byte("Referrer-Policy"), []byte("no-referrer")},
		{[]byte("Content-Security-Policy"), []byte("default-src 'none'; frame-ancestors 'none'")},
		{[]byte("X-Frame-Options"), []byte("DENY")},
		{[]byte("Cross-Origin-Resource-Policy"), []byte("same-origin")},
	}
	if https && hsts > 0 {
		list = append(list, header{[]byte("Strict-Transport-Security"), []byte("max-age=" + strconv.FormatInt(int64(hsts/time.Second), 10))})
	}
	return list
}

var (
	errWire = fault.New(fault.Invalid, "malformed_request", "this request can be read in more than one way")
	errPath = fault.New(fault.Invalid, "path", "a path has no empty or dot segments and no encoded slashes")
)

// checkRequest refuses requests that two HTTP implementations may read
// differently. One that was not read from a connection has no header block to
// look at.
func checkRequest(h *fasthttp.RequestHeader) error {
	raw := h.RawHeaders()
	chunked, err := checkWire(raw)
	if err == nil && chunked {
		err = checkTrailer(h, raw)
	}
	return err
}

// believed are the headers by which something is decided.
var believed = []string{
	"Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "Content-Encoding", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id",
	"X-Original-Method", "X-Original-Uri", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host",
}

// checkTrailer refuses a chunked request that has one of them in its trailer: the
// server below mixes trailer fields with the headers, behind those that a proxy
// has added.
func checkTrailer(h *fasthttp.RequestHeader, raw []byte) error {
	for _, name := range believed {
		n := len(h.PeekAll(name))
		for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
			if named(line, strings.ToLower(name)) {
				n--
			}
		}
		if n > 0 {
			return errWire
		}
	}
	return nil
}

// checkWire refuses header blocks that two HTTP implementations may read as
// different requests (RFC 9112 §5.2, §6.3, §11.2): a line that ends without a
// carriage return, a folded line, a body whose length is said twice or in two
// ways. raw is the block as it came, without the request line.
func checkWire(raw []byte) (chunked bool, err error) {
	lengths, encodings, hosts, types := 0, 0, 0, 0
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\n')
		if n < 1 || raw[n-1] != '\r' {
			return false, errWire
		}
		line := raw[:n-1]
		raw = raw[n+1:]
		if len(line) == 0 {
			break
		}
		switch line[0] | 0x20 {
		case ' ', '\t' | 0x20:
			return false, errWire
		case 'c':
			if named(line, "content-length") {
				lengths++
			} else if named(line, "content-type") {
				types++
			}
		case 't':
			if named(line, "transfer-encoding") {
				encodings++
				if value := bytes.TrimSpace(line[len("transfer-encoding:"):]); !bytes.EqualFold(value, []byte("chunked")) {
					return false, errWire
				}
			}
		case 'h':
			if named(line, "host") {
				hosts++
			}
		}
		if bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 {
			return false, errWire
		}
	}
	if lengths+encodings > 1 || hosts > 1 || types > 1 {
		return false, errWire
	}
	return encodings > 0, nil
}

// named reports whether a header line has this name, which is in lower case.
func named(line []byte, name string) bool {
	if len(line) <= len(name) || line[len(name)] != ':' {
		return false
	}
	for i := range len(name) {
		if line[i]|0x20 != name[i] {
			return false
		}
	}
	return true
}

// checkPath refuses paths that a proxy, a router and a policy may understand
// differently.
func checkPath(path []byte) error {
	if len(path) == 0 || path[0] != '/' {
		return errPath
	}
	start := 1 // of the segment
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			switch c := path[i]; {
			case c <= ' ' || c == '\\' || c == 0x7f:
				return errPath
			case c == '%':
				if i+2 >= len(path) {
					return errPath
				}
				switch string(path[i+1 : i+3]) {
				case "2f", "2F", "5c", "5C", "2e", "2E", "00", "25":
					return errPath
				}
			}
			continue
		}
		switch segment := path[start:i]; {
		case len(segment) == 0 && i < len(path), string(segment) == ".", string(segment) == "..":
			return errPath
		}
		start = i + 1
	}
	return nil
}
