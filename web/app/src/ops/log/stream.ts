import { ParleyError, type Envelope, type Rest } from '@parley/client';

/** Reads events as they come, until the answer ends or the signal says so. */
export async function* events(rest: Rest, query: URLSearchParams, signal: AbortSignal): AsyncGenerator<Envelope> {
  const response = await rest.fetch(`/api/v1/events?${query}`, { signal, headers: { accept: 'application/x-ndjson' } });
  if (!response.ok || !response.body) throw await refusal(response);
  for await (const line of lines(response.body, signal)) yield JSON.parse(line) as Envelope;
}

/** The last position of the log. */
export async function head(rest: Rest, signal: AbortSignal): Promise<number> {
  const { items } = await rest.call('GET /debug/projections', { signal });
  return Math.max(0, ...items.map((view) => Number(view.head)));
}

async function* lines(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const parts = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) if (line) yield line;
    }
    if (rest && !signal.aborted) yield rest;
  } finally {
    await reader.cancel().catch(() => undefined); // who stops listening need not hear why
  }
}

async function refusal(response: Response): Promise<ParleyError> {
  const body = (await response.json().catch(() => ({}))) as { code?: ParleyError['code']; detail?: string; fields?: Record<string, string> };
  return new ParleyError(body.code ?? 'UNAVAILABLE', body.detail ?? `HTTP ${response.status}`, { status: response.status, fields: body.fields ?? {} });
}
