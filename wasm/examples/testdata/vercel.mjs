// Serves an edge function in the virtual machine of Vercel's:
//
//   PORT=… node --experimental-vm-modules vercel.mjs VM FUNCTION
//
// VM is the directory of @edge-runtime/vm. Modules are linked as a build for Vercel does: packages by the condition edge-light,
// and a module imported with ?module is compiled before anything runs.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { SourceTextModule, SyntheticModule } from 'node:vm';

const [directory, main] = process.argv.slice(2);
const { EdgeVM } = createRequire(import.meta.url)(directory);
const vm = new EdgeVM({ extend: (context) => Object.assign(context, { process: { env: { ...process.env } } }) });
const { context } = vm;

const linked = new Map(); // modules by file

function find(specifier, from) {
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier);
  const root = resolve('node_modules', specifier);
  return join(root, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports['.']['edge-light']);
}

function load(file) {
  if (linked.has(file)) return linked.get(file);
  let module;
  if (file.endsWith('.wasm?module')) {
    context.bytes = readFileSync(file.slice(0, -'?module'.length)).toString('base64');
    const compiled = vm.evaluate('new WebAssembly.Module(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)))');
    module = new SyntheticModule(['default'], () => module.setExport('default', compiled), { context, identifier: file });
  } else {
    module = new SourceTextModule(readFileSync(file, 'utf8'), { context, identifier: file });
  }
  linked.set(file, module);
  return module;
}

const edge = load(resolve(main));
await edge.link((specifier, from) => load(find(specifier, from.identifier)));
await edge.evaluate();
if (edge.namespace.config?.runtime !== 'edge') throw new Error('this is no edge function');

createServer(async (request, answer) => {
  let given;
  try {
    given = new context.Request(`http://${request.headers.host}${request.url}`, { method: request.method, headers: request.headers });
  } catch {
    answer.writeHead(400).end(); // the platform makes a request of anything, or answers itself
    return;
  }
  const kept = [];
  const response = await edge.namespace.default(given, { waitUntil: (promise) => kept.push(promise) });
  answer.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
  await Promise.allSettled(kept);
}).listen(Number(process.env.PORT), '127.0.0.1');
