//go:build wasm || tinygo.wasm

package main

import "unsafe"

// instance is the one verifier.
var instance module

// version is that of the ABI.
const version = 1

//go:wasmexport hexward_abi
func abi() int32 { return version }

//go:wasmexport hexward_input
func input(size int32) int32 { return address(instance.room(size)) }

//go:wasmexport hexward_trust
func trust(size int32) int32 { return instance.setTrust(size) }

//go:wasmexport hexward_stale
func stale(seconds int32) int32 { return instance.setStale(seconds) }

//go:wasmexport hexward_configure
func configure(size int32) int32 { return instance.configure(size) }

//go:wasmexport hexward_load
func load(size int32, now float64) int32 { return instance.load(size, now) }

//go:wasmexport hexward_decide
func decide(size int32, now float64) int32 { return instance.decide(size, now) }

//go:wasmexport hexward_wanted_key
func wantedKey() int32 { return instance.wantedKey() }

//go:wasmexport hexward_key
func key(handle int32) int32 { return instance.key(handle) }

//go:wasmexport hexward_wanted_input
func wantedInput() int32 { return address(instance.wantedInput()) }

//go:wasmexport hexward_wanted_input_len
func wantedInputLen() int32 { return length(instance.wantedInput()) }

//go:wasmexport hexward_wanted_signature
func wantedSignature() int32 { return address(instance.wantedSignature()) }

//go:wasmexport hexward_wanted_signature_len
func wantedSignatureLen() int32 { return length(instance.wantedSignature()) }

//go:wasmexport hexward_check
func check() int32 {
	if instance.check() {
		return 1
	}
	return 0
}

//go:wasmexport hexward_settle
func settle(good int32) int32 { return instance.settle(good == 1) }

//go:wasmexport hexward_held
func held() int32 { return instance.held() }

//go:wasmexport hexward_result
func result() int32 { return address(instance.result) }

//go:wasmexport hexward_result_len
func resultLen() int32 { return length(instance.result) }

// address returns where bytes are in the memory that the host sees.
func address(b []byte) int32 {
	return int32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) //nolint:gosec // G103, G115: addresses have 32 bits here
}

func length(b []byte) int32 { return int32(len(b)) } //nolint:gosec // at most maxInput
