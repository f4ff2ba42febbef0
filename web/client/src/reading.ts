import { asParleyError, ParleyError } from './errors.ts';

const first = 500;
const longest = 10_000;

/** Reads something, again and again while that may help. A new reading ends the one before. */
export class Reading {
  #controller: AbortController | null = null;
  #retry: (() => void) | null = null;

  get busy(): boolean {
    return this.#controller !== null;
  }

  /** Returns the error that no repetition helps against, null after a success, and 'ended' if it was ended. */
  async run(read: (signal: AbortSignal) => Promise<void>): Promise<ParleyError | null | 'ended'> {
    this.end();
    const controller = (this.#controller = new AbortController());
    for (let wait = first; ; wait = Math.min(2 * wait, longest)) {
      const error: unknown = await read(controller.signal).catch((reason: unknown) => reason ?? 'no reason');
      if (controller.signal.aborted) return 'ended';
      if (!(error instanceof ParleyError && error.temporary)) {
        this.#controller = null;
        return error === undefined ? null : asParleyError(error);
      }
      await this.#pause(error.retryAfterMs ?? wait * (0.5 + Math.random()), controller.signal);
      if (controller.signal.aborted) return 'ended';
    }
  }

  /** The connection is back: no need to wait any longer. */
  hurry(): void {
    this.#retry?.();
  }

  end(): void {
    this.#controller?.abort();
    this.#controller = null;
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#retry = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      this.#retry = done;
    });
  }
}
