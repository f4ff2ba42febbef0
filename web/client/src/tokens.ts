import type { TokenSource } from './types.ts';

/** A token from elsewhere, e.g. of another identity provider. Without `renew` one has to bring another client when it ends. */
export function staticTokens(token: string, renew?: () => Promise<string | null>): TokenSource {
  let current = token;
  let renewal: Promise<string | null> | null = null;
  return {
    get: () => current,
    refresh: async (used) => {
      if (used !== null && used !== current) return current;
      if (!renew) return null;
      renewal ??= renew().finally(() => (renewal = null));
      const next = await renewal;
      if (next) current = next;
      return next;
    },
  };
}

/** Who a token says that one is. The server believes none of it before it has checked the signature. */
export function userOf(token: string | null): string | null {
  try {
    const part = token?.split('.')[1] ?? '';
    const text = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0)))) as { userId?: unknown; sub?: unknown };
    const id = claims.userId ?? claims.sub;
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}
