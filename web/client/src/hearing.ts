import type { Core } from './core.ts';
import { asParleyError } from './errors.ts';

export interface HearingWiring {
  /** Whether somebody looks at the room now. */
  needed: (roomId: string) => boolean;
  /** Those that may be given up, the least wanted first. */
  spare: () => Iterable<string>;
  /** The room is heard from now on, or not any more: what is shown of it has a gap. */
  gap: (roomId: string) => void;
  changed: () => void;
}

/**
 * The rooms whose events come over the socket. The server lets one hear so many: where one looks at a room that is not
 * among them, it takes the place of another.
 */
export class Hearing {
  readonly #core: Core;
  readonly #wiring: HearingWiring;
  readonly #asked = new Set<string>();
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

  /** Hears a room that one is a member of, if that is possible now. */
  ensure(roomId: string): void {
    if (this.#rooms.has(roomId) || this.#asked.has(roomId) || !this.#core.online) return;
    this.#asked.add(roomId);
    void this.#join(roomId).finally(() => this.#asked.delete(roomId));
  }

  async #join(roomId: string): Promise<void> {
    try {
      await this.#hear(roomId);
    } catch (error) {
      if (asParleyError(error).code !== 'TOO_MANY_ROOMS' || !(await this.#makePlace())) return;
      await this.#hear(roomId).catch(() => undefined);
    }
  }

  /** The answer stands where the room begins among what is heard: all that comes before it has come. */
  async #hear(roomId: string): Promise<void> {
    const { position } = await this.#core.command('join-room', { roomId });
    this.#core.reached(position);
    this.#rooms.add(roomId);
    this.#wiring.changed();
    this.#wiring.gap(roomId);
  }

  async #makePlace(): Promise<boolean> {
    for (const roomId of this.#wiring.spare()) {
      if (!this.#rooms.has(roomId) || this.#wiring.needed(roomId)) continue;
      await this.#core.command('unsubscribe-room', { roomId }).catch(() => undefined);
      this.left(roomId);
      this.#wiring.gap(roomId);
      return true;
    }
    return false;
  }
}
