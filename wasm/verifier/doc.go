// Command verifier is the core of Hexward as a WebAssembly module: it decides about requests by a bundle, as package edge does,
// for hosts in any language. There are two flavours of the same files:
//
//   - host (the default) verifies no signatures but HMACs: it hands out the key, the signed bytes and the signature, and the host
//     tells whether the signature is good, by WebCrypto or whatever it has;
//   - full (the build tag full) has everything inside.
//
// One instance is one verifier. Calls are synchronous and never overlap. All parameters and results are i32 but now, which is
// f64, Unix milliseconds. Texts are UTF-8. The module reads no clock, needs no randomness, and no input makes it trap; if a call
// throws all the same, the host throws the instance away, makes a new one and loads the last bundle again.
//
//	hexward_abi()                 1
//	hexward_input(size)           room for size bytes of input, at most 16 MiB: a pointer, or 0. What was there is gone
//	hexward_trust(len)            input: a JWK Set, the keys that sign bundles. What is held is gone. 0, or 2 refused
//	hexward_stale(seconds)        how long past its end a bundle is decided by; 0 at first. 0, or 2 refused
//	hexward_configure(len)        input: a bundle that nobody signed, with secrets maybe. 0, or 2 refused
//	hexward_load(len, now)        input: a signed bundle or a delta. 1 a signature is wanted, or 2 refused
//	hexward_decide(len, now)      input: a request. 0 decided, or 1 a signature is wanted
//	hexward_wanted_key()          after a 1, the handle of the key: it never means another key in the life of the instance; else -1
//	hexward_key(handle)           result: the public key as a JWK. 0, or 2 when it is of no use any more
//	hexward_wanted_input()        after a 1, what was signed: a pointer, good until the next hexward_input
//	hexward_wanted_input_len()
//	hexward_wanted_signature()    and the signature, in the form of JWS and of WebCrypto
//	hexward_wanted_signature_len()
//	hexward_check()               full: 1 when the wanted signature is good, else 0; host: 0
//	hexward_settle(good)          after a 1, and nothing but the calls above since: whether the signature is good. 0 decided or loaded, or 2 refused
//	hexward_held()                result: {"number":…,"expires":…} of the bundle, zeros when there is none. 0
//	hexward_result()              the result of the last call that has one: a pointer
//	hexward_result_len()
//
// A request is six fields with a NUL byte between them: method, path, authorization, cookie, origin, sec-fetch-site. A field is
// empty when there is none, else "=" and the value. Without method and path the credential alone is judged.
//
// The result of a decision is a verdict (edge.Verdict.AppendJSON), that of a bundle what hexward_held gives, and that of what is
// refused {"code":…,"detail":…}.
//
// A host whose signatures are verified asynchronously copies the key's handle, the signed bytes and the signature, verifies, and
// then asks for the decision again: when the same key is wanted for the same token, the signature is known to be good, and
// hexward_settle says so. It may remember that for the next request with this token: everything else is asked each time.
//
// TinyGo builds it for the target wasm-unknown, without imports. The standard compiler builds a WASI reactor, whose _initialize
// the host calls once, and whose imports of wasi_snapshot_preview1 may be stand-ins that do nothing.
package main

func main() {}
