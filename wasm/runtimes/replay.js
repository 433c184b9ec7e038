// Replays the vectors in any runtime that has WebAssembly and WebCrypto, by the modules' own interface. It shares nothing
// with the package around the modules, so that the two are held against the same vectors apart.
//
// A report is { steps, signatures, waits, differences, of }: how many steps were taken, how many signatures were verified
// outside of the module, how many of those were waited for, and the first of how many differences.

const utf8 = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// Module is one instance of a module, which is one verifier.
class Module {
  #exports;

  constructor(compiled) {
    const holder = {};
    const instance = new WebAssembly.Instance(compiled, standIns(compiled, holder));
    this.#exports = holder.exports = instance.exports;
    this.#exports._initialize?.();
    if (this.call('abi') !== 1) throw new Error(`this speaks version 1 of the interface, the module ${this.call('abi')}`);
  }

  call(name, ...args) {
    return this.#exports[`hexward_${name}`](...args);
  }

  // give writes an input and calls what takes it.
  give(name, bytes, ...args) {
    const at = this.call('input', bytes.length);
    if (at === 0) return 'no room';
    new Uint8Array(this.#exports.memory.buffer, at >>> 0, bytes.length).set(bytes);
    return this.call(name, bytes.length, ...args);
  }

  // copy returns what a pair of functions points at, so that it outlives the next call.
  copy(name) {
    const at = this.call(name) >>> 0;
    return new Uint8Array(this.#exports.memory.buffer, at, this.call(`${name}_len`)).slice();
  }

  text() {
    return strict.decode(this.copy('result'));
  }

  pages() {
    return this.#exports.memory.buffer.byteLength / 65536;
  }
}

// standIns are harmless ones for whatever a module imports: nothing that it does needs files, randomness or the time. A clock
// that stands still at zero is a broken machine to Go's runtime, so this one counts milliseconds by how often it is read.
function standIns(compiled, holder) {
  const imports = {};
  let clock = 0n;
  for (const { module, name, kind } of WebAssembly.Module.imports(compiled)) {
    if (module !== 'wasi_snapshot_preview1' || kind !== 'function') throw new Error(`the module imports ${module}.${name}`);
    const view = () => new DataView(holder.exports.memory.buffer);
    const known = {
      args_sizes_get: (count, size) => (view().setUint32(count, 0, true), view().setUint32(size, 0, true), 0),
      environ_sizes_get: (count, size) => (view().setUint32(count, 0, true), view().setUint32(size, 0, true), 0),
      args_get: () => 0,
      environ_get: () => 0,
      clock_time_get: (_id, _precision, at) => (view().setBigUint64(at, (clock += 1_000_000n), true), 0),
      random_get: (at, length) => (new Uint8Array(holder.exports.memory.buffer, at, length).fill(7), 0),
      sched_yield: () => 0,
      proc_exit: (code) => {
        throw new Error(`the module ended with ${code}`);
      },
    };
    (imports[module] ??= {})[name] = known[name] ?? (() => 8); // EBADF: there are no files
  }
  return imports;
}

// The algorithms of RFC 7518 and RFC 8037 as WebCrypto names them.
const parameters = {
  EdDSA: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
  RS512: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  PS384: { name: 'RSA-PSS', hash: 'SHA-384', saltLength: 48 },
  PS512: { name: 'RSA-PSS', hash: 'SHA-512', saltLength: 64 },
};

// webcrypto verifies by crypto.subtle, as a host with asynchronous cryptography does.
export async function webcrypto(jwk, input, signature) {
  const { alg, use, kid, key_ops, ...bare } = jwk;
  const how = parameters[alg];
  const key = await crypto.subtle.importKey('jwk', bare, how, false, ['verify']);
  try {
    return await crypto.subtle.verify(how, key, signature, input);
  } catch (error) {
    if (error?.name !== 'OperationError') throw error;
    return false; // what workerd says of an Ed25519 signature that has another length than 64 bytes
  }
}

// replay takes the vectors through a module. Signatures are verified by verify, which may be asynchronous, or inside when
// there is none.
export async function replay(compiled, vectors, verify) {
  const report = { steps: 0, signatures: 0, waits: 0, pages: 0, differences: [], of: 0 };
  const { texts } = vectors;
  const whole = (s) => s.replace(/\$\{([a-z0-9_]+)\}/g, (_, name) => texts[name]);

  for (const run of vectors.runs) {
    const differs = (step, what, got, want) => {
      report.of++;
      if (report.differences.length < 20) report.differences.push(`${run.name} / ${step}: ${what}: got ${got}, want ${want}`);
    };
    const module = new Module(compiled);

    // settled calls what may want a signature, and answers that.
    const settled = async (name, bytes, now) => {
      let returned = module.give(name, bytes, now);
      if (returned !== 1) return returned;
      if (!verify) return module.call('settle', module.call('check'));
      const handle = module.call('wanted_key');
      const [input, signature] = [module.copy('wanted_input'), module.copy('wanted_signature')];
      if (module.call('key', handle) !== 0) return 'no key';
      let good = verify(JSON.parse(module.text()), input, signature);
      report.signatures++;
      if (typeof good !== 'boolean') {
        good = await good;
        report.waits++;
        // Whatever else happened meanwhile, the module is asked again.
        returned = module.give(name, bytes, now);
        if (returned !== 1) return `${returned} when asked again`;
        if (module.call('wanted_key') !== handle) return `another key: ${module.call('wanted_key')} for ${handle}`;
        if (String(module.copy('wanted_signature')) !== String(signature)) return 'another signature when asked again';
      }
      return module.call('settle', good ? 1 : 0);
    };

    if (run.trust && module.give('trust', utf8.encode(whole(run.trust))) !== 0) differs('trust', 'returned', 'a refusal', 0);
    if (run.stale && module.call('stale', run.stale) !== 0) differs('stale', 'returned', 'a refusal', 0);
    for (const step of run.steps) {
      report.steps++;
      try {
        let returned;
        if (step.trust !== undefined) returned = module.give('trust', bytesOf(step.trust, whole));
        else if (step.configure !== undefined) returned = module.give('configure', bytesOf(step.configure, whole));
        else if (step.load !== undefined) returned = await settled('load', bytesOf(step.load, whole), step.now ?? 0);
        else if (step.input !== undefined) returned = await settled('decide', bytesOf(step.input, whole), step.now ?? 0);
        else if (step.decide !== undefined) {
          const fields = step.decide.map((field) => (field === null ? '' : `=${whole(field)}`));
          returned = await settled('decide', utf8.encode(fields.join('\0')), step.now ?? 0);
        } else if (step.room !== undefined) returned = module.call('input', step.room) === 0 ? 0 : 1;
        else throw new Error('a step that is none');
        if (returned !== (step.returns ?? 0)) {
          differs(step.name, 'returned', returned, step.returns ?? 0);
          continue;
        }
        if (step.result !== undefined) {
          const result = module.text();
          if (result !== step.result) differs(step.name, 'result', result, step.result);
        }
        if (step.held !== undefined) {
          module.call('held');
          const held = module.text();
          if (held !== step.held) differs(step.name, 'held', held, step.held);
        }
      } catch (error) {
        differs(step.name, 'threw', error?.stack ?? error, 'nothing');
        break;
      }
    }
    report.pages = Math.max(report.pages, module.pages());
  }
  return report;
}

// bytesOf returns the bytes of a text of the vectors.
function bytesOf(text, whole) {
  if (typeof text === 'string') return utf8.encode(whole(text));
  if (text.repeat !== undefined) return utf8.encode(text.repeat.repeat(text.count));
  return Uint8Array.from(atob(text.base64), (c) => c.charCodeAt(0));
}

// reports replays the vectors with the module of this name, by each way to verify signatures that there is here: by WebCrypto,
// by a synchronous function, which few runtimes have, and inside of a module of the flavour "full"; and then by the package, whose
// createVerifier for either flavour is in packages.
export async function reports(name, compiled, vectors, { synchronous, packages }) {
  const full = name.endsWith('full');
  const all = { webcrypto: await replay(compiled, vectors, webcrypto) };
  if (synchronous) all.synchronous = await replay(compiled, vectors, synchronous);
  if (full) all.inside = await replay(compiled, vectors);
  if (packages) all.package = await packages.replay(full ? packages.full : packages.host, compiled, vectors);
  return all;
}
