import type { Problem } from './wire.generated.ts';

/** What a server may answer. */
export type ServerCode = Problem['code'];

/**
 * Codes of the client itself:
 * - `OFFLINE`: it did not go out;
 * - `TIMEOUT`: it went out, and nobody knows whether it was done;
 * - `CLOSED`: the client was closed;
 * - `QUEUE_FULL`: too many messages wait to be sent.
 */
export type LocalCode = 'OFFLINE' | 'TIMEOUT' | 'CLOSED' | 'QUEUE_FULL';

export interface ErrorDetails {
  status?: number;
  retryAfterMs?: number;
  fields?: Record<string, string>;
  cause?: unknown;
}

/** A refusal by the server, or that it could not be asked. Branch on `code`. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  readonly code: ServerCode | LocalCode;
  /** The HTTP status, if it was asked by REST. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** What is wrong with each field, by name. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(code: ServerCode | LocalCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.fields = details.fields ?? {};
  }

  /** Whether the same may work later. */
  get temporary(): boolean {
    return temporary.has(this.code);
  }
}

const temporary = new Set<string>(['OFFLINE', 'TIMEOUT', 'RATE_LIMITED', 'UNAVAILABLE', 'STALE', 'TOO_MANY_CONNECTIONS', 'INTERNAL']);

export function asParleyError(error: unknown): ParleyError {
  if (error instanceof ParleyError) return error;
  return new ParleyError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
}
