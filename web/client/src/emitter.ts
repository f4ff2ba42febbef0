import type { Events } from './wire.generated.ts';

export type EventName = keyof Events;
type Listener<E extends EventName> = (payload: Events[E]) => void;

/** Hands events to listeners. One that throws spoils nothing for the others: its error is reported as uncaught. */
export class Emitter {
  readonly #listeners = new Map<EventName, Set<{ call: Listener<never> }>>();

  on<E extends EventName>(event: E, listener: Listener<E>): () => void {
    const entry = { call: listener as Listener<never> };
    const list = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, list.add(entry));
    return () => list.delete(entry);
  }

  emit<E extends EventName>(event: E, payload: Events[E]): void {
    for (const { call } of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (call as Listener<E>)(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
