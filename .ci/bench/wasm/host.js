// Measures in Node, Deno or Bun, in the directory of a stage:
//
//   host.js ROUNDS MILLISECONDS WAY,… COMPILER…
//
// A way is how signatures are verified: node:crypto, WebCrypto or inside. It prints a line of JSON for each round: by contestant the nanoseconds, and those of processor time, that a token took. The
// contestants take turns, for so many milliseconds each.
import { readFileSync } from 'node:fs';
import process from 'node:process';

import { contestants } from './contest.js';
import * as jose from './jose/index.js';

const [rounds, slice, wanted, ...compilers] = process.argv.slice(2);
const fixture = JSON.parse(readFileSync('fixture.json', 'utf8'));
const makers = {
  'node:crypto': async (from) => ({ create: (await from('host/node')).createVerifier, synchronous: true }),
  inside: async (from) => ({ create: (await from('full/node')).createVerifier, synchronous: true }),
  WebCrypto: async (from, compiler) => {
    const wasm = new WebAssembly.Module(readFileSync(`verifier/${compiler}/dist/host.wasm`));
    return { create: (await from('host/browser')).createVerifier, wasm };
  },
};
const ways = {};
for (const compiler of compilers) {
  for (const way of wanted.split(',')) {
    ways[`${compiler} ${way}`] = await makers[way]((entry) => import(`./verifier/${compiler}/${entry}.js`), compiler);
  }
}
const everybody = Object.entries(contestants(jose, fixture, ways));

const processor = () => {
  try {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000;
  } catch {
    return NaN;
  }
};

async function timed(run, n) {
  const [cpu, begin] = [processor(), performance.now()];
  await run(n);
  const ns = (performance.now() - begin) * 1e6;
  return { ns: ns / n, cpu: (processor() - cpu) / n };
}

// What a runtime optimises, it has optimised before it is measured.
const counts = new Map();
for (const [name, run] of everybody) {
  await run(2);
  let each;
  const end = performance.now() + 10 * slice;
  for (let n = 2; performance.now() < end; n = Math.ceil((slice * 1e6) / each.ns)) each = await timed(run, n);
  counts.set(name, Math.max(1, Math.ceil((slice * 1e6) / each.ns)));
}
for (let round = 0; round < rounds; round++) {
  const measured = {};
  for (let i = 0; i < everybody.length; i++) {
    const [name, run] = everybody[(i + round) % everybody.length];
    measured[name] = await timed(run, counts.get(name));
  }
  console.log(JSON.stringify(measured));
}
