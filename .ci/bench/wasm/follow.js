// Measures the memory of an edge that follows bundles for long, in the directory of a stage:
//
//   follow.js COMPILER BUNDLES DELTAS
//
// It follows that many whole bundles with all the marks of the fixture, and that many deltas after each. Bundles are not
// signed, because signatures would take all of the time. It prints JSON: in bytes the largest memory of an
// instance and the most of the process, how many instances there were, for how many deltas a whole bundle would rather have
// been asked for, and the mean milliseconds of a whole bundle and of a delta.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const [compiler, bundles, deltas] = process.argv.slice(2);
const { Engine, atOnce } = await import(`./verifier/${compiler}/lib/engine.js`);
const fixture = JSON.parse(readFileSync('fixture.json', 'utf8'));
const made = new WebAssembly.Module(readFileSync(`verifier/${compiler}/dist/host.wasm`));

let instances = 0;
let latest;
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given);
    instances++;
    latest = this;
  }
};

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const [head, whole, signature] = fixture.marked.split('.');
const payload = JSON.parse(Buffer.from(whole, 'base64url'));
const { iss, iat, exp } = payload;
const bytes = (bundle) => Buffer.from(`${head}.${encode(bundle)}.${signature}`);

const platform = { module: () => made, prepare: () => true, verify: () => true };
const engine = new Engine(platform, { trust: JSON.stringify({ keys: [fixture.key] }), cache: 1000, stale: 0 }, Date.now);
const tokens = fixture.algorithms.EdDSA.tokens.map((token) => `\0\0=Bearer ${token}\0\0\0`);
let number = payload.number;
let most = 0;
let early = 0; // deltas before which a whole bundle would have been asked for
const taken = { whole: [0, 0], delta: [0, 0] };
function take(kind, bundle) {
  const shown = bytes(bundle);
  const begin = performance.now();
  const { code } = atOnce(engine.load(shown));
  if (code) throw new Error(`${kind}: ${code}`);
  const verdict = atOnce(engine.decide(tokens[number % tokens.length]));
  if (!verdict.allowed) throw new Error(verdict.code);
  taken[kind][0] += performance.now() - begin;
  taken[kind][1]++;
  most = Math.max(most, latest.exports.memory.buffer.byteLength);
}
for (let i = 0; i < Number(bundles); i++) {
  take('whole', { ...payload, number: ++number });
  for (let j = 0; j < Number(deltas); j++) {
    if (engine.long && j < 64) early++;
    take('delta', { iss, number: ++number, base: number - 1, iat, exp, marks: fixture.deltas[j % fixture.deltas.length] });
  }
}
const mean = ([ms, n]) => (n > 0 ? ms / n : 0);
console.log(JSON.stringify({ most, instances, early, whole: mean(taken.whole), delta: mean(taken.delta), resident: process.resourceUsage().maxRSS * 1024 }));
