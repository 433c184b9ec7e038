//go:build tinygo

package token

// wide is false for the size of the module: four kilobytes of tables make little difference to its speed.
const wide = false

// free is the memory of the last call, or nil while one is under way. A pool of package sync would have the module describe
// the type, down to the names of its fields, and there is one thread only.
var free *work

func newWork() *work {
	w := free
	free = nil
	if w == nil {
		w = new(work)
	}
	return w
}

func keepWork(w *work) { free = w }
