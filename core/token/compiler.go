//go:build !tinygo

package token

import "sync"

// wide has base64 decoded by four tables of a kilobyte each, eight characters at a time.
const wide = true

var works sync.Pool

func newWork() *work {
	if w, ok := works.Get().(*work); ok {
		return w
	}
	return new(work)
}

func keepWork(w *work) { works.Put(w) }
