import type { Store } from './index.js';

interface CacheLike {
  match(address: string): Promise<Response | undefined>;
  put(address: string, response: Response): Promise<void>;
}

/** A store in a Cache: caches.default, or () => caches.open('hexward'). */
export function cacheStore(cache: CacheLike | (() => CacheLike | Promise<CacheLike>)): Store;
