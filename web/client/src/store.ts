import type { Store } from './types.ts';

/** Something whose listeners are to be told. */
interface Teller {
  tell(): void;
}

/** Tells the listeners of all that has changed, once a frame: hundreds of events a second become 60 renderings. */
export class Notifier {
  readonly #due = new Set<Teller>();
  #cancel: (() => void) | null = null;

  add(teller: Teller): void {
    this.#due.add(teller);
    this.#cancel ??= nextFrame(this.flush);
  }

  /** Tells what is due now. */
  flush = (): void => {
    this.#cancel?.();
    this.#cancel = null;
    const due = [...this.#due];
    this.#due.clear();
    for (const teller of due) teller.tell();
  };

  close(): void {
    this.flush();
    this.#cancel?.();
    this.#cancel = null;
  }
}

/** A hidden page has no frames, and outside of a browser there are none. */
function nextFrame(run: () => void): () => void {
  if (typeof requestAnimationFrame === 'function' && !document.hidden) {
    const frame = requestAnimationFrame(run);
    const late = setTimeout(run, 250); // the page may be hidden before the frame comes
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(late);
    };
  }
  const timer = setTimeout(run, 16);
  return () => clearTimeout(timer);
}

/** A store whose snapshot is made when it is asked for, from a state that changes in place. */
export abstract class Source<T> implements Store<T>, Teller {
  readonly #notifier: Notifier;
  readonly #listeners = new Set<{ call: () => void }>();
  #snapshot: { value: T } | null = null;

  constructor(notifier: Notifier) {
    this.#notifier = notifier;
  }

  subscribe = (listener: () => void): (() => void) => {
    const entry = { call: listener };
    this.#listeners.add(entry);
    if (this.#listeners.size === 1) this.started();
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.stopped();
    };
  };

  getSnapshot = (): T => (this.#snapshot ??= { value: this.view() }).value;

  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  tell(): void {
    for (const { call } of [...this.#listeners]) call();
  }

  /** The state has changed. */
  protected changed(): void {
    this.#snapshot = null;
    if (this.watched) this.#notifier.add(this);
  }

  protected abstract view(): T;
  /** The first listener has come. */
  protected started(): void {}
  /** The last listener has gone. */
  protected stopped(): void {}
}
