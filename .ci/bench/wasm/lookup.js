// Measures what it takes to look a token up among marks, in the directory of a stage:
//
//   lookup.js ROUNDS COMPILER
//
// It prints a line of JSON for each round: the nanoseconds of processor time that an instance takes to decide about a token by
// a bundle with the marks of the fixture, and by one without.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const [rounds, compiler] = process.argv.slice(2);
const { Core } = await import(`./verifier/${compiler}/lib/core.js`);
const fixture = JSON.parse(readFileSync('fixture.json', 'utf8'));
const module = new WebAssembly.Module(readFileSync(`verifier/${compiler}/dist/host.wasm`));
const now = Date.now();
const tokens = fixture.algorithms.EdDSA.tokens.map((token) => new TextEncoder().encode(`\0\0=Bearer ${token}\0\0\0`));

// begin makes an instance that holds a bundle. What that is signed by is not what is measured.
function begin(bundle) {
  const core = new Core(module);
  const keys = JSON.stringify({ keys: [fixture.key] });
  if (core.ask('trust', keys) !== 0 || core.ask('load', bundle, now) !== 1 || core.settle(true) !== 0) throw new Error(core.result());
  return core;
}

function decide(core, n) {
  for (let i = 0; i < n; i++) {
    if (core.ask('decide', tokens[i % tokens.length], now) !== 1 || core.settle(true) !== 0) throw new Error(core.result());
  }
}

const cores = { without: begin(fixture.bundle), among: begin(fixture.marked) };
for (let i = 0; i < 40; i++) for (const core of Object.values(cores)) decide(core, 500);
for (let round = 0; round < Number(rounds); round++) {
  const took = {};
  for (const [name, core] of Object.entries(cores)) {
    const begun = process.cpuUsage();
    decide(core, 1000);
    const { user, system } = process.cpuUsage(begun);
    took[name] = user + system; // µs for a thousand, so ns for one
  }
  console.log(JSON.stringify(took));
}
