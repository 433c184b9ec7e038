// How the package is used with Node's own requests.

import { createServer } from 'node:http';

import { createVerifier, respond } from '@hexward/verifier';

const verifier = createVerifier({ bundle: { url: 'https://id.example/', key: process.env.KEY ?? '' } });

createServer(async (request, response) => {
  const verdict = await verifier.decide(request);
  if (verdict.ok) return response.end(verdict.principal.subject);
  const refused = respond(verdict, request);
  return response.writeHead(refused.status, Object.fromEntries(refused.headers)).end(await refused.text());
});
