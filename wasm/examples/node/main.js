import { createServer } from 'node:http';
import { createVerifier } from '@hexward/verifier';

const { HEXWARD, BUNDLE_KEY, HOST = '127.0.0.1', PORT = '8787' } = process.env;
const hexward = createVerifier({ bundle: { url: `${HEXWARD}/.well-known/hexward-bundle`, key: BUNDLE_KEY } });
hexward.watch(); // the server tells what changed as soon as it does

const server = createServer(async (request, answer) => {
  const { response, principal } = await hexward.guard(request);
  if (response) {
    answer.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
    return;
  }
  answer.setHeader('content-type', 'application/json');
  answer.end(JSON.stringify({ hello: principal.name, kind: principal.kind, permissions: principal.permissions }));
});
server.listen(Number(PORT), HOST);
