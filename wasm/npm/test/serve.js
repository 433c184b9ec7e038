// A server on 127.0.0.1 that answers as a test says.

import { once } from 'node:events';
import { createServer } from 'node:http';

// serve calls answer for each request; it returns { status, headers, body }, or a number of chunks of a text; with
// hang the answer never ends. What was asked is in requests.
export async function serve(t, answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    requests.push({ url: request.url, headers: request.headers });
    const { status = 200, headers = {}, body, chunk, chunks = 0, hang } = await answer(request, requests.length);
    response.writeHead(status, headers);
    for (let i = 0; i < chunks && !response.destroyed; i++) {
      if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    if (hang) response.write(body ?? ' ');
    else response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/.well-known/hexward-bundle`, requests };
}
