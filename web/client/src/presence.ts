import type { Core } from './core.ts';
import { after, none } from './position.ts';
import { Source } from './store.ts';
import type { PresenceState } from './types.ts';
import type { Events, Presence as State, UpdatePresence } from './wire.generated.ts';

const settle = 50;
const again = 3_000;
/** As many as the server lets one watch. */
const limit = 200;

/** How those are there whom somebody watches, and oneself. */
export class Presence extends Source<PresenceState> {
  readonly #core: Core;
  readonly #watched = new Map<string, number>(); // how often
  #states = new Map<string, State>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(core: Core) {
    super(core.notifier);
    this.#core = core;
  }

  /** Watches users until the function that it returns is called. */
  watch = (userIds: readonly string[]): (() => void) => {
    let ids = [...userIds];
    for (const id of ids) this.#watched.set(id, (this.#watched.get(id) ?? 0) + 1);
    this.#ask(settle);
    return () => {
      for (const id of ids) this.#release(id);
      if (ids.length > 0) this.#ask(settle);
      ids = [];
    };
  };

  /** Says how one is there oneself. */
  set = async (status: UpdatePresence['status'], text?: string): Promise<void> => {
    const state = await this.#core.command('update-presence', { status, ...(text !== undefined && { text }) });
    this.#take(state);
  };

  hear(event: Events['presence-changed']): void {
    const { at: _, ...state } = event;
    this.#take(state);
  }

  /** The log can be another one: what is known may look newer than what is there. */
  resync(): void {
    for (const [id, state] of this.#states) this.#states.set(id, { ...state, position: none });
  }

  /** A new session watches nobody yet. */
  begin(): void {
    if (this.#watched.size > 0) this.#ask(0);
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  protected view(): PresenceState {
    return new Map(this.#states);
  }

  #release(id: string): void {
    const left = (this.#watched.get(id) ?? 1) - 1;
    if (left > 0) this.#watched.set(id, left);
    else this.#watched.delete(id);
  }

  #take(state: State): void {
    const known = this.#states.get(state.userId);
    if (known && after(known.position, state.position)) return;
    this.#states.set(state.userId, this.#unrecorded(state) ? { ...state, status: 'online' } : state);
    this.changed();
  }

  /** One is here, though that was not recorded yet. One is not told when it is. */
  #unrecorded({ userId, status }: State): boolean {
    return userId === this.#core.me && status === 'offline' && this.#core.online;
  }

  #ask(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#say(), ms);
  }

  async #say(): Promise<void> {
    this.#timer = null;
    if (!this.#core.online) return; // begin() asks again
    const userIds = [...this.#watched.keys()].slice(0, limit);
    try {
      const { users } = await this.#core.command('watch-presence', { userIds });
      this.#states = new Map([...this.#states].filter(([id]) => this.#watched.has(id) || id === this.#core.me));
      for (const state of users) this.#take(state);
      this.changed();
      if (users.some((state) => this.#unrecorded(state)) && !this.#timer) this.#ask(again);
    } catch {
      if (this.#core.online && !this.#timer) this.#ask(again);
    }
  }
}
