// cacheStore makes a store of a Cache (caches.default, or caches.open('…')), given as it is or as a function that returns it.
export function cacheStore(cache) {
  const opened = () => (typeof cache === 'function' ? cache() : cache);
  const address = (key) => `https://hexward.invalid/${encodeURIComponent(key)}`;
  return {
    async get(key) {
      return (await (await opened()).match(address(key)))?.text() ?? null;
    },
    async put(key, value, { expirationTtl }) {
      const headers = { 'content-type': 'application/jose', 'cache-control': `max-age=${expirationTtl}` };
      await (await opened()).put(address(key), new Response(value, { headers }));
    },
  };
}
