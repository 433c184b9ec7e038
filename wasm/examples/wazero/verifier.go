// Package wazero runs the module full.wasm in wazero, as any program with a WebAssembly runtime can, in any language: it speaks
// the interface that wasm/verifier describes. A service in Go has no need of it, but for plug-ins: it imports core/edge.
package wazero

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// Verdict is what becomes of a request.
type Verdict struct {
	Allowed   bool   `json:"allowed"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Challenge string `json:"challenge"` // the WWW-Authenticate of a 401
	Principal struct {
		Subject     string   `json:"subject"`
		Name        string   `json:"name"`
		Kind        string   `json:"kind"`
		Tenant      string   `json:"tenant"`
		Permissions []string `json:"permissions"`
		Session     string   `json:"session"`
	} `json:"principal"`
}

// Verifier is an instance of the module. It is safe for concurrent use, one call after the other.
type Verifier struct {
	mu      sync.Mutex
	runtime wazero.Runtime
	module  api.Module
	broken  error // an instance that trapped is not to be used again
}

// translated keeps what became of a module, so that only its first instance takes a second or more to make.
var translated = wazero.NewCompilationCache()

// New makes a verifier of the bytes of full.wasm that believes the keys of a JWK Set, which sign bundles.
func New(ctx context.Context, code, trust []byte) (*Verifier, error) {
	v := &Verifier{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(translated))}
	err := v.start(ctx, code)
	if err == nil {
		var status int32
		if status, err = v.give(ctx, "trust", trust); status != 0 {
			err = errors.New("these are no public keys")
		}
	}
	if err != nil {
		return nil, errors.Join(err, v.runtime.Close(ctx))
	}
	return v, nil
}

// start makes the instance. A module of the standard compiler asks for a clock and for random bytes, by which nothing is
// decided.
func (v *Verifier) start(ctx context.Context, code []byte) error {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, v.runtime); err != nil {
		return err
	}
	config := wazero.NewModuleConfig().WithStartFunctions("_initialize").WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader)
	var err error
	if v.module, err = v.runtime.InstantiateWithConfig(ctx, code, config); err != nil {
		return err
	}
	if version, err := v.call(ctx, "abi"); err != nil || version != 1 {
		return errors.Join(err, fmt.Errorf("the module speaks version %d of the interface", version))
	}
	return nil
}

// Close frees everything.
func (v *Verifier) Close(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.broken = errors.New("closed")
	return v.runtime.Close(ctx)
}

// Load takes a signed bundle, or a delta to the one held, into use. Whatever is refused changes nothing.
func (v *Verifier) Load(ctx context.Context, bundle []byte, now time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	status, err := v.settled(ctx, "load", bundle, now)
	if err != nil || status == 0 {
		return err
	}
	var refused struct{ Code, Detail string }
	if err := v.result(ctx, &refused); err != nil {
		return err
	}
	return fmt.Errorf("the bundle is refused: %s", refused.Code)
}

// Decide decides about a request.
func (v *Verifier) Decide(ctx context.Context, r *http.Request, now time.Time) (*Verdict, error) {
	path, _, _ := strings.Cut(r.RequestURI, "?") // as it came
	fields := []string{"=" + r.Method, "=" + path}
	for _, name := range []string{"Authorization", "Cookie", "Origin", "Sec-Fetch-Site"} {
		field, separator := "", ", "
		if name == "Cookie" {
			separator = "; "
		}
		if values := r.Header[name]; len(values) > 0 {
			field = "=" + strings.Join(values, separator)
		}
		fields = append(fields, field)
	}
	for _, field := range fields {
		if strings.ContainsRune(field, 0) {
			return nil, errors.New("there is no NUL in a request")
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := v.settled(ctx, "decide", []byte(strings.Join(fields, "\x00")), now); err != nil {
		return nil, err
	}
	verdict := &Verdict{}
	return verdict, v.result(ctx, verdict)
}

// settled calls what may want a signature verified, and has the module do so.
func (v *Verifier) settled(ctx context.Context, name string, input []byte, now time.Time) (int32, error) {
	status, err := v.give(ctx, name, input, api.EncodeF64(float64(now.UnixMilli())))
	if err != nil || status != 1 {
		return status, err
	}
	good, err := v.call(ctx, "check")
	if err != nil {
		return 0, err
	}
	return v.call(ctx, "settle", api.EncodeI32(good))
}

// give writes an input and calls what takes it.
func (v *Verifier) give(ctx context.Context, name string, input []byte, args ...uint64) (int32, error) {
	if len(input) > 16<<20 {
		return 0, errors.New("the input is too large")
	}
	size := api.EncodeI32(int32(len(input))) //nolint:gosec // at most 16 MiB
	at, err := v.call(ctx, "input", size)
	if err != nil {
		return 0, err
	}
	if at == 0 || !v.module.Memory().Write(api.DecodeU32(api.EncodeI32(at)), input) {
		return 0, errors.New("there is no room for the input")
	}
	return v.call(ctx, name, append([]uint64{size}, args...)...)
}

// result reads the result of the last call as JSON.
func (v *Verifier) result(ctx context.Context, into any) error {
	at, err := v.call(ctx, "result")
	if err != nil {
		return err
	}
	length, err := v.call(ctx, "result_len")
	if err != nil {
		return err
	}
	text, ok := v.module.Memory().Read(api.DecodeU32(api.EncodeI32(at)), api.DecodeU32(api.EncodeI32(length)))
	if !ok {
		return errors.New("the result is outside of the memory")
	}
	return json.Unmarshal(text, into)
}

func (v *Verifier) call(ctx context.Context, name string, args ...uint64) (int32, error) {
	if v.broken != nil {
		return 0, v.broken
	}
	function := v.module.ExportedFunction("hexward_" + name)
	if function == nil {
		return 0, fmt.Errorf("the module has no hexward_%s", name)
	}
	results, err := function.Call(ctx, args...)
	if err != nil {
		v.broken = fmt.Errorf("the module has trapped: %w", err)
		return 0, v.broken
	}
	return api.DecodeI32(results[0]), nil
}
