// One instance of a module, spoken to by its ABI. All of it is synchronous. Whatever throws came out of the module: then
// the instance is not to be used again.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Core {
  #x;
  #bytes;
  keys = new Map(); // what is known of a key, by its handle
  asked = 0; // how many questions
  used = false; // it has decided before
  dead = false; // it has thrown or grown, and is not to be used again
  least; // its size with one bundle
  begun; // and with all that was held

  constructor(module) {
    this.#x = new WebAssembly.Instance(module, standIns(module, () => this.#x.memory.buffer)).exports;
    this.#x._initialize?.();
    if (this.#x.hexward_abi() !== 1) throw new Error('another version of the ABI');
  }

  // size is that of its memory, which never shrinks, in bytes.
  get size() {
    return this.#x.memory.buffer.byteLength;
  }

  // ask puts a question: trust, configure, load or decide with an input, stale with a number. It returns 0 for done, 1 for
  // a signature that is wanted, and 2 for refused.
  ask(what, input, now) {
    const bytes = typeof input === 'string' ? encoder.encode(input) : input;
    const at = this.#x.hexward_input(bytes.length);
    if (at === 0) throw new RangeError('the input is too large');
    this.#memory().set(bytes, at);
    this.asked++;
    return this.#x[`hexward_${what}`](bytes.length, now);
  }

  stale(seconds) {
    return this.#x.hexward_stale(seconds);
  }

  // wantedKey is the handle of the key; the other two are was signed and the signature, where they are, until the
  // next question.
  get wantedKey() {
    return this.#x.hexward_wanted_key();
  }

  get wantedInput() {
    return this.#at('wanted_input');
  }

  get wantedSignature() {
    return this.#at('wanted_signature');
  }

  // key is the public JWK behind a handle, as JSON; nothing for a secret.
  key(handle) {
    return this.#x.hexward_key(handle) === 0 && this.result();
  }

  // check verifies what is wanted in the module: anything in the full flavour, and HMACs in both.
  check() {
    return this.#x.hexward_check() === 1;
  }

  settle(good) {
    return this.#x.hexward_settle(good ? 1 : 0);
  }

  result() {
    return decoder.decode(this.#at('result'));
  }

  #at(what) {
    const at = this.#x[`hexward_${what}`]() >>> 0;
    return this.#memory().subarray(at, at + this.#x[`hexward_${what}_len`]());
  }

  #memory() {
    const { buffer } = this.#x.memory;
    return this.#bytes?.buffer === buffer ? this.#bytes : (this.#bytes = new Uint8Array(buffer)); // it may have grown
  }
}

// standIns are the imports of a module that the standard Go compiler made. It finds no files, and a clock, which its
// runtime wants at the start; nothing that is decided depends on either.
function standIns(module, memory) {
  const known = {
    clock_time_get: (id, precision, at) => (new DataView(memory()).setInt8(at, 1), 0),
    fd_prestat_get: () => 8, // EBADF
  };
  const imports = {};
  for (const { module: space, name } of WebAssembly.Module.imports(module)) {
    (imports[space] ??= {})[name] = known[name] ?? (() => 0);
  }
  return imports;
}
