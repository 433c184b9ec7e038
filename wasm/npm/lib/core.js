// One instance of a module, spoken to by its ABI. All of it is synchronous. Whatever throws came out of the module: then
// the instance is not to be used again.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Core {
  #x;
  #bytes;
  keys = new Map(); // what is known of a key, by its handle
  used = false; // it has decided before

  constructor(module) {
    const memory = () => new DataView(this.#x.memory.buffer);
    this.#x = new WebAssembly.Instance(module, standIns(module, memory)).exports;
    this.#x._initialize?.();
    if (this.#x.hexward_abi() !== 1) throw new Error('this module speaks another version of the ABI');
  }

  // size is that of its memory, which never shrinks, in bytes.
  get size() {
    return this.#x.memory.buffer.byteLength;
  }

  // trust says which keys sign bundles; a JWK Set as JSON.
  trust(jwks) {
    return this.#x.hexward_trust(this.#put(jwks)) === 0;
  }

  stale(seconds) {
    return this.#x.hexward_stale(seconds) === 0;
  }

  configure(json) {
    return this.#x.hexward_configure(this.#put(json)) === 0;
  }

  // load and decide return 0 for done, with a result, 1 for a signature that is wanted, and 2 for refused.
  load(bytes, now) {
    return this.#x.hexward_load(this.#put(bytes), now);
  }

  decide(fields, now) {
    return this.#x.hexward_decide(this.#put(fields), now);
  }

  // wanted copies out what is to be verified.
  wanted() {
    return {
      handle: this.#x.hexward_wanted_key(),
      input: this.#take('hexward_wanted_input'),
      signature: this.#take('hexward_wanted_signature'),
    };
  }

  // key is the public JWK behind a handle, as JSON; nothing for a secret.
  key(handle) {
    return this.#x.hexward_key(handle) === 0 && decoder.decode(this.#take('hexward_result'));
  }

  // check verifies what is wanted in the module: anything in the full flavour, and HMACs in both.
  check() {
    return this.#x.hexward_check() === 1;
  }

  settle(good) {
    return this.#x.hexward_settle(good ? 1 : 0);
  }

  result() {
    return JSON.parse(decoder.decode(this.#take('hexward_result')));
  }

  #put(what) {
    const bytes = typeof what === 'string' ? encoder.encode(what) : what;
    const at = this.#x.hexward_input(bytes.length);
    if (at === 0) throw new RangeError('the input is too large');
    this.#memory().set(bytes, at);
    return bytes.length;
  }

  #take(what) {
    const at = this.#x[what]() >>> 0;
    return this.#memory().slice(at, at + this.#x[what + '_len']());
  }

  #memory() {
    const { buffer } = this.#x.memory;
    if (this.#bytes?.buffer !== buffer) this.#bytes = new Uint8Array(buffer); // it has grown
    return this.#bytes;
  }
}

// standIns are the imports of a module that the standard Go compiler made. It finds no files, and a clock, which its
// runtime wants at the start; nothing that is decided depends on either.
function standIns(module, memory) {
  const known = {
    clock_time_get: (id, precision, at) => (memory().setBigUint64(at, 1n, true), 0),
    fd_prestat_get: () => 8, // EBADF
  };
  const imports = {};
  for (const { module: space, name } of WebAssembly.Module.imports(module)) {
    (imports[space] ??= {})[name] = known[name] ?? (() => 0);
  }
  return imports;
}
