// Measures in workerd. GET /NAME?n=N has that contestant verify N tokens; GET / tells the names. Who asks takes the time, since
// a worker's clock stands still while it computes.
import { contestants } from './contest.js';
import fixture from './fixture.json';
import * as jose from './jose/index.js';
import packages from './packages.js';

let everybody;

export default {
  async fetch(request) {
    const ways = Object.fromEntries(Object.entries(packages).map(([compiler, create]) => [`${compiler} WebCrypto`, { create }]));
    everybody ??= contestants(jose, fixture, ways);
    const { pathname, searchParams } = new URL(request.url);
    const name = decodeURIComponent(pathname.slice(1));
    if (name === '') return Response.json(Object.keys(everybody));
    await everybody[name](Number(searchParams.get('n')));
    return new Response('done');
  },
};
