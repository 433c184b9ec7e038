// Decides by bundles that come as a file, which is replaced in one step: hexward bundle export --out bundle.jws
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createVerifier } from '@hexward/verifier';

const { BUNDLE, BUNDLE_KEY, HOST = '127.0.0.1', PORT = '8787' } = process.env;
const hexward = createVerifier({
  bundle: { url: 'https://file.invalid/bundle', key: BUNDLE_KEY, refresh: 5 },
  fetch: async () => new Response(await readFile(BUNDLE)),
});

const server = createServer(async (request, answer) => {
  const { response, principal } = await hexward.guard(request);
  if (response) {
    answer.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
    return;
  }
  answer.setHeader('content-type', 'application/json');
  answer.end(JSON.stringify({ hello: principal.name }));
});
server.listen(Number(PORT), HOST);
