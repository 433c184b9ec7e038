package memory_test

import (
	"testing"

	"github.com/hexward/hexward/adapters/memory"
	"github.com/hexward/hexward/ports/porttest"
)

func TestStore(t *testing.T) {
	porttest.All(t, func(*testing.T) porttest.Store { return memory.New() })
}
