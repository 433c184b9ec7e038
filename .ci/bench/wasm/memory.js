// Measures the memory of an instance, in the directory of a stage:
//
//   memory.js COMPILER FLAVOUR VERIFICATIONS
//
// Tokens of each algorithm take turns for the first 1,000 verifications. Of the rest a token of an algorithm that takes long
// in the module comes as often as there is time for. It prints JSON: the bytes after 1,000 and after all, and how many
// tokens of each algorithm were verified.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const [compiler, flavour, most] = process.argv.slice(2);
const { Core } = await import(`./verifier/${compiler}/lib/core.js`);
const fixture = JSON.parse(readFileSync('fixture.json', 'utf8'));
const { issuer, audience, type, algorithms } = fixture;
const seconds = 1; // for each algorithm that is slow

// HMACs have an instance of their own, since no bundle holds secrets.
const module = new WebAssembly.Module(readFileSync(`verifier/${compiler}/dist/${flavour}.wasm`));
const [signed, secret] = [new Core(module), new Core(module)];
const now = Date.now();
const must = (status, want, core) => {
  if (status !== want) throw new Error(`returned ${status}: ${core.result()}`);
};
must(signed.ask('trust', JSON.stringify({ keys: [fixture.key] })), 0, signed);
must(signed.ask('load', fixture.bundle, now), 1, signed);
must(signed.settle(true), 0, signed); // what it is signed by is not what is measured
must(secret.ask('configure', JSON.stringify({ iss: issuer, aud: [audience], types: [type], keys: { keys: [algorithms.HS256.jwk] } })), 0, secret);

const names = Object.keys(algorithms);
const requests = Object.fromEntries(names.map((alg) => [alg, algorithms[alg].tokens.map((token) => `\0\0=Bearer ${token}\0\0\0`)]));
const spent = Object.fromEntries(names.map((alg) => [alg, 0]));
const count = Object.fromEntries(names.map((alg) => [alg, 0]));

function verify(alg) {
  const core = alg === 'HS256' ? secret : signed;
  const of = requests[alg];
  const begin = performance.now();
  const status = core.ask('decide', of[count[alg]++ % of.length], now);
  if (status === 1) {
    must(core.settle(flavour === 'host' || core.check()), 0, core);
  }
  if (!core.result().startsWith('{"allowed":true')) throw new Error(core.result());
  spent[alg] += performance.now() - begin;
}

const size = () => signed.size + secret.size;
for (let i = 0; i < 1000; i++) verify(names[i % names.length]);
const first = size();
for (let i = 1000; i < Number(most); i++) {
  const alg = names[i % names.length];
  verify(spent[alg] < seconds * 1000 ? alg : 'HS256');
}
console.log(JSON.stringify({ first, last: size(), count }));
