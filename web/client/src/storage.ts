import type { TextStorage } from './types.ts';

/** Keeps texts for as long as the page lives. */
export class MemoryStorage implements TextStorage {
  readonly #texts = new Map<string, string>();

  get length(): number {
    return this.#texts.size;
  }

  key(index: number): string | null {
    return [...this.#texts.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.#texts.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#texts.set(key, value);
  }

  removeItem(key: string): void {
    this.#texts.delete(key);
  }
}

/** localStorage where it may be used: a browser can forbid it, and Node has none. */
export function defaultStorage(): TextStorage {
  try {
    const probe = 'parley:probe';
    localStorage.setItem(probe, '1');
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return new MemoryStorage();
  }
}

/** JSON values in a storage. One that is full or forbidden loses what is kept, not what is done. */
export class Shelf {
  readonly #storage: TextStorage;
  readonly #prefix: string;

  constructor(storage: TextStorage, prefix: string) {
    this.#storage = storage;
    this.#prefix = prefix;
  }

  get<T>(key: string): T | null {
    try {
      return JSON.parse(this.#storage.getItem(this.#prefix + key) ?? 'null') as T | null;
    } catch {
      return null;
    }
  }

  put(key: string, value: unknown): void {
    try {
      this.#storage.setItem(this.#prefix + key, JSON.stringify(value));
    } catch {
      // full: what is in memory still works
    }
  }

  remove(key: string): void {
    try {
      this.#storage.removeItem(this.#prefix + key);
    } catch {
      // forbidden meanwhile
    }
  }

  /** The keys that begin like this, without that beginning. */
  keys(prefix: string): string[] {
    const found: string[] = [];
    const whole = this.#prefix + prefix;
    for (let i = 0; i < this.#storage.length; i++) {
      const key = this.#storage.key(i);
      if (key?.startsWith(whole)) found.push(key.slice(this.#prefix.length));
    }
    return found;
  }
}
