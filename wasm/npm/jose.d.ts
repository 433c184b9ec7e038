import type { Claims, Context, Principal, Verifier } from './index.js';

/** The code that jose has for one of ours; ERR_ and ours in capitals where it has none. */
export function codeOf(code: string): string;

/** verify, throwing an Error with code and status for what is refused. */
export function jwtVerify<C = Claims, Env = unknown>(
  token: string,
  verifier: Verifier<Env>,
  env?: Env,
  ctx?: Context,
): Promise<{ payload: (Claims & C) | null; protectedHeader: Record<string, unknown> | null; principal: Principal }>;
