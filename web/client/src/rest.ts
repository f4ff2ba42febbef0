import { asParleyError, ParleyError } from './errors.ts';
import type { TokenSource } from './types.ts';
import type { Endpoints, Problem } from './wire.generated.ts';

export type EndpointName = keyof Endpoints;

/** The URL takes numbers and switches as well as texts. */
type Query<Q> = { [K in keyof Q]: Q[K] | number | boolean };
type Part<N extends EndpointName, P extends string> = Endpoints[N] extends Record<P, infer T> ? T : never;
type With<P extends string, T> = [T] extends [never] ? unknown : Partial<T> extends T ? { [K in P]?: T } : { [K in P]: T };

export type CallArguments<N extends EndpointName> = CallOptions &
  With<'path', Part<N, 'path'>> &
  With<'query', Query<Part<N, 'query'>>> &
  With<'body', Part<N, 'body'>>;

export interface CallOptions {
  signal?: AbortSignal;
  /** Read when the views have reached this position: what was written up to there is seen. */
  minPosition?: string;
  /** Milliseconds after which it is given up. */
  timeout?: number;
}

interface Parts extends CallOptions {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
}

const patience = 15_000;

/** Talks REST: finds the token, renews it when it is refused, and turns problems into errors. */
export class Rest {
  readonly #base: string;
  readonly #tokens: TokenSource | null;

  constructor(base: string, tokens: TokenSource | null) {
    this.#base = base.replace(/\/$/, '');
    this.#tokens = tokens;
  }

  /** Calls an endpoint by its name in /openapi.json, e.g. `GET /api/v1/rooms/{id}`. */
  async call<N extends EndpointName>(
    name: N,
    ...[args]: Partial<CallArguments<N>> extends CallArguments<N> ? [CallArguments<N>?] : [CallArguments<N>]
  ): Promise<Endpoints[N]['answer']> {
    const { path = {}, query = {}, body, minPosition, signal, timeout = patience } = (args ?? {}) as Parts;
    const [method, template] = name.split(' ') as [string, string];
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (minPosition) headers['parley-min-position'] = minPosition;
    const limit = limited(timeout, signal);
    try {
      const response = await this.fetch(filled(template, path) + search(query), {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: limit.signal,
      });
      if (!response.ok) throw await problem(response);
      return (await response.json()) as Endpoints[N]['answer'];
    } catch (error) {
      if (error instanceof ParleyError || signal?.aborted) throw error;
      throw new ParleyError('OFFLINE', 'the server was not reached', { cause: error });
    } finally {
      limit.clear();
    }
  }

  /** fetch with the token; once more with another one if that is refused. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const used = this.#tokens?.get() ?? null;
    const response = await this.#fetch(path, init, used);
    if (response.status !== 401 || !this.#tokens) return response;
    const next = await this.#tokens.refresh(used).catch(asParleyError);
    if (next instanceof ParleyError && next.temporary) throw next;
    if (next === null || next instanceof ParleyError || next === used) return response;
    await response.body?.cancel();
    return this.#fetch(path, init, next);
  }

  #fetch(path: string, init: RequestInit, token: string | null): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token) headers.set('authorization', `Bearer ${token}`);
    return fetch(this.#base + path, { ...init, headers });
  }
}

/** A signal that also fires after a while. AbortSignal.any is younger than some browsers in use. */
function limited(timeout: number, outer: AbortSignal | undefined): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => controller.abort(new Error('too slow')), timeout);
  if (outer?.aborted) abort();
  outer?.addEventListener('abort', abort);
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    },
  };
}

const filled = (template: string, path: Record<string, string>): string =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));

function search(query: NonNullable<Parts['query']>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parts.set(name, String(value));
  const text = parts.toString();
  return text === '' ? '' : `?${text}`;
}

async function problem(response: Response): Promise<ParleyError> {
  const body = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const code = body?.code ?? (response.status === 401 ? 'UNAUTHENTICATED' : response.status >= 500 ? 'UNAVAILABLE' : 'INVALID_PAYLOAD');
  return new ParleyError(code, body?.detail || body?.title || `HTTP ${response.status}`, {
    status: response.status,
    ...(body?.retryAfterMs !== undefined && { retryAfterMs: body.retryAfterMs }),
    ...(body?.fields && { fields: body.fields as Record<string, string> }),
  });
}
