package runtimes_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// machine has compiled modules in wazero, which translates them to this machine's own code where it can.
type machine struct {
	runtime wazero.Runtime
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	ctx := context.Background()
	m := &machine{wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(false))}
	t.Cleanup(func() { _ = m.runtime.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, m.runtime)
	return m
}

func (m *machine) compile(t testing.TB, file string) wazero.CompiledModule {
	t.Helper()
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := m.runtime.CompileModule(context.Background(), code)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// instance is a module at work: one verifier behind the modules' interface.
type instance struct {
	module api.Module
	calls  map[string]api.Function
}

// start makes an instance of a module. What it is given of the world is a clock that the module does not read for its
// decisions and random bytes that are no secret of it.
func (m *machine) start(compiled wazero.CompiledModule) (*instance, error) {
	ctx := context.Background()
	module, err := m.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().
		WithName("").WithStartFunctions("_initialize").WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader))
	if err != nil {
		return nil, err
	}
	i := &instance{module: module, calls: map[string]api.Function{}}
	for name := range module.ExportedFunctionDefinitions() {
		i.calls[name] = module.ExportedFunction(name)
	}
	if version, err := i.call("abi"); err != nil || version != 1 {
		return nil, errors.Join(err, errors.New("speaks version "+strconv.Itoa(int(version))+" of the interface"))
	}
	return i, nil
}

func (i *instance) close() { _ = i.module.Close(context.Background()) }

// call calls an export that takes and returns what the interface says. An error is a trap.
func (i *instance) call(name string, args ...uint64) (int32, error) {
	function := i.calls["hexward_"+name]
	if function == nil {
		return 0, errors.New("the module has no hexward_" + name)
	}
	results, err := function.Call(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return api.DecodeI32(results[0]), nil
}

// give writes an input and calls what takes it.
func (i *instance) give(name string, input []byte, args ...uint64) (int32, error) {
	at, err := i.call("input", api.EncodeI32(int32(len(input))))
	if err != nil {
		return 0, err
	}
	if at == 0 || !i.module.Memory().Write(uint32(at), input) {
		return 0, errors.New("no room for the input")
	}
	return i.call(name, append([]uint64{api.EncodeI32(int32(len(input)))}, args...)...)
}

// at gives an input at a time.
func (i *instance) at(name string, input []byte, now int64) (int32, error) {
	return i.give(name, input, api.EncodeF64(float64(now)))
}

// copied returns what a pair of exports points at.
func (i *instance) copied(name string) ([]byte, error) {
	at, err := i.call(name)
	if err != nil {
		return nil, err
	}
	length, err := i.call(name + "_len")
	if err != nil {
		return nil, err
	}
	view, ok := i.module.Memory().Read(uint32(at), uint32(length))
	if !ok {
		return nil, errors.New(name + " is outside of the memory")
	}
	return append([]byte(nil), view...), nil
}

// memory returns how many bytes the module's memory has.
func (i *instance) memory() uint32 { return i.module.Memory().Size() }
