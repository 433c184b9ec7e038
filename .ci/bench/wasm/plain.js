// A worker that only answers.
export default {
  fetch: () => new Response('ok'),
};
