import type { TokenSource } from '@parley/client';

const margin = 30_000; // ms before it expires at which a token is exchanged

/** An access token that is good for a while. */
export async function goodToken(tokens: TokenSource): Promise<string> {
  const token = tokens.get();
  if (token !== null && expiryOf(token) > Date.now() + margin) return token;
  const next = await tokens.refresh(token);
  if (next === null) throw new Error('signed out');
  return next;
}

function expiryOf(token: string): number {
  try {
    const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: number };
    return (claims.exp ?? 0) * 1000;
  } catch {
    return 0;
  }
}
