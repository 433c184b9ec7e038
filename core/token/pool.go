//go:build !tinygo

package token

import "sync"

var works sync.Pool

func newWork() *work {
	if w, ok := works.Get().(*work); ok {
		return w
	}
	return new(work)
}

func keepWork(w *work) { works.Put(w) }
