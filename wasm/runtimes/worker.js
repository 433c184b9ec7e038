// Replays the vectors in a Cloudflare worker: it answers GET /NAME with the reports about the module of that name, by how
// signatures were verified. Beside it lie vectors.json, modules.js, which has the compiled modules by
// name, and the package in npm.
import modules from './modules.js';
import { createVerifier as full } from './npm/full/workerd.js';
import { createVerifier as host } from './npm/host/workerd.js';
import { replayPackage } from './package.js';
import { reports } from './replay.js';
import text from './vectors.json';

export default {
  async fetch(request) {
    const name = new URL(request.url).pathname.slice(1);
    if (!Object.hasOwn(modules, name)) return new Response('no such module', { status: 404 });
    return Response.json(await reports(name, modules[name], JSON.parse(text), { packages: { replay: replayPackage, host, full } }));
  },
};
