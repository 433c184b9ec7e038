// toModule compiles whatever a module may be given as: compiled already, bytes, a Response, an address, or a promise of one.
export function toModule(given) {
  if (String(given) === '[object WebAssembly.Module]') return given;
  if (typeof given?.then === 'function') return given.then(toModule);
  if (typeof given === 'string' || given instanceof URL) return fetch(given).then(toModule);
  if (!(given instanceof Response)) return WebAssembly.compile(given);
  if (!given.ok) throw new Error(`the module's address answered ${given.status}`);
  const again = given.clone(); // for a server that does not say application/wasm
  return WebAssembly.compileStreaming(given).catch(async () => WebAssembly.compile(await again.arrayBuffer()));
}
