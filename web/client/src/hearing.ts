import type { Core } from './core.ts';
import { asParleyError } from './errors.ts';

export interface HearingWiring {
  /** Whether somebody looks at the room now. */
  needed: (roomId: string) => boolean;
  /** Those that may be given up, the least wanted first. */
  spare: () => Iterable<string>;
  /** The room is not heard any more, though one is a member. */
  gone: (roomId: string) => void;
  changed: () => void;
}

/**
 * The rooms whose events come over the socket. The server lets one hear so many: where one looks at a room that is not
 * among them, it takes the place of another.
 */
export class Hearing {
  readonly #core: Core;
  readonly #wiring: HearingWiring;
  readonly #asked = new Map<string, Promise<string | null>>();
  #rooms = new Set<string>();

  constructor(core: Core, wiring: HearingWiring) {
    this.#core = core;
    this.#wiring = wiring;
  }

  get rooms(): ReadonlySet<string> {
    return this.#rooms;
  }

  /** What a new session hears. */
  reset(rooms: ReadonlySet<string>): void {
    this.#rooms = new Set(rooms);
    this.#wiring.changed();
  }

  left(roomId: string): void {
    if (this.#rooms.delete(roomId)) this.#wiring.changed();
  }

  /**
   * Hears a room that one is a member of. Resolves with the position from where on it is heard, null if it was heard
   * already or cannot be.
   */
  ensure(roomId: string): Promise<string | null> {
    if (this.#rooms.has(roomId) || !this.#core.online) return Promise.resolve(null);
    const asked = this.#asked.get(roomId) ?? this.#join(roomId).finally(() => this.#asked.delete(roomId));
    this.#asked.set(roomId, asked);
    return asked;
  }

  async #join(roomId: string): Promise<string | null> {
    try {
      return await this.#hear(roomId);
    } catch (error) {
      if (asParleyError(error).code !== 'TOO_MANY_ROOMS' || !(await this.#makePlace())) return null;
      return this.#hear(roomId).catch(() => null);
    }
  }

  async #hear(roomId: string): Promise<string> {
    const { position } = await this.#core.command('join-room', { roomId });
    this.#rooms.add(roomId);
    this.#wiring.changed();
    return position;
  }

  async #makePlace(): Promise<boolean> {
    for (const roomId of this.#wiring.spare()) {
      if (!this.#rooms.has(roomId) || this.#wiring.needed(roomId)) continue;
      await this.#core.command('unsubscribe-room', { roomId }).catch(() => undefined);
      this.left(roomId);
      this.#wiring.gone(roomId);
      return true;
    }
    return false;
  }
}
