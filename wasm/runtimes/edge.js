// Replays the vectors in the virtual machine of Vercel's edge functions:
//
//   edge.js VECTORS MODULE…
//
// It prints a line of JSON for each module. Compiling bytes works here, and is forbidden where such functions run: there, a
// module is imported with ?module, which gives the same thing.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';

import { EdgeVM } from '@edge-runtime/vm';

const [vectorsFile, ...modules] = process.argv.slice(2);
const vm = new EdgeVM();
// The machine evaluates scripts; what this one exports becomes a member of its global object.
vm.evaluate(readFileSync(new URL('replay.js', import.meta.url), 'utf8').replaceAll(/^export (?=async function|function|class)/gm, ''));
vm.context.text = readFileSync(vectorsFile, 'utf8');
for (const file of modules) {
  vm.context.name = basename(file, '.wasm');
  vm.context.bytes = readFileSync(file).toString('base64');
  const answer = await vm.evaluate(`(async () => {
    const compiled = await WebAssembly.compile(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)));
    return JSON.stringify(await reports(name, compiled, JSON.parse(text), {}));
  })()`);
  console.log(JSON.stringify({ module: vm.context.name, reports: JSON.parse(answer) }));
}
