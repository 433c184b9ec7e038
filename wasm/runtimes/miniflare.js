// Replays the vectors in miniflare, Cloudflare's simulator:
//
//   miniflare.js DIRECTORY NAME…
//
// The directory has the files of worker.js and NAME.wasm of each module. It prints a line of JSON for each module.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { Miniflare } from 'miniflare';

const [directory, ...names] = process.argv.slice(2);
const sources = readdirSync(directory, { recursive: true }).filter((path) => path.endsWith('.js'));
sources.sort((a, b) => (b === 'worker.js') - (a === 'worker.js')); // the first one is what answers
const file = (type, path) => ({ type, path, contents: readFileSync(join(directory, path)) });
const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: 0,
  cf: false,
  compatibilityDate: '2026-04-01',
  modules: [
    ...sources.map((path) => file('ESModule', path)),
    file('Text', 'vectors.json'),
    ...[...names, 'npm/dist/host', 'npm/dist/full'].map((name) => file('CompiledWasm', `${name}.wasm`)),
  ],
});
try {
  for (const name of names) {
    const response = await miniflare.dispatchFetch(`http://127.0.0.1/${name}`);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    console.log(JSON.stringify({ module: name, reports: await response.json() }));
  }
} finally {
  await miniflare.dispose();
}
