import type { Core } from './core.ts';
import type { EventName } from './emitter.ts';
import type { ParleyError } from './errors.ts';
import { after, later, none } from './position.ts';
import { Reading } from './reading.ts';
import { Source } from './store.ts';
import type { Events } from './wire.generated.ts';

/** A durable event, with its payload. */
export type Heard = { [E in EventName]: { event: E; payload: Events[E] } }[EventName];

export type AnyRoomStore = Pick<RoomStore<unknown>, 'roomId' | 'watched' | 'hear' | 'leave' | 'enter' | 'resync' | 'hurry' | 'drop'>;

/** Looks after stores: which of them are told of events, and for how long they are kept without listeners. */
export interface Keeper {
  /** The store has a listener: it wants to be told. Resolves with where its room is heard from if that is new. */
  wake(store: AnyRoomStore): Promise<string | null>;
  /** The last listener has gone. */
  rest(store: AnyRoomStore): void;
}

/** What was read, and as of which position. */
export interface Read {
  position: string;
}

/**
 * A store of something of a room, which is read by REST and then follows the events. What happens while it is read
 * is kept, and applied if the answer is older: no gap, nothing twice.
 */
export abstract class RoomStore<T, R extends Read = Read> extends Source<T> {
  readonly roomId: string;
  protected readonly core: Core;
  protected status: 'loading' | 'ready' | 'failed' | 'gone' = 'loading';
  protected error: ParleyError | null = null;
  readonly #keeper: Keeper;
  readonly #reading = new Reading();
  readonly #ears = new Set<Heard[]>(); // of what is being read
  #known = false; // it was read, or is being read
  #from = none; // what is read must not be older

  constructor(core: Core, keeper: Keeper, roomId: string) {
    super(core.notifier);
    this.core = core;
    this.#keeper = keeper;
    this.roomId = roomId;
  }

  /** Reads it anew; what is shown stays until then. */
  reload = async (): Promise<void> => {
    if (this.core.closed) return;
    this.#known = true;
    const reading = this.#reading.run(async (signal) => {
      const { read, since } = await this.listening((minPosition) => this.read(minPosition, signal));
      if (signal.aborted) return;
      this.accept(read);
      this.status = 'ready';
      for (const heard of since) this.apply(heard);
    });
    this.core.measured();
    const outcome = await reading;
    if (outcome === 'ended') return;
    this.error = outcome;
    if (outcome !== null) this.status = away.has(outcome.code) ? 'gone' : 'failed';
    this.changed();
    this.core.measured();
  };

  get reloading(): boolean {
    return this.#reading.busy;
  }

  /** An event of the room. */
  hear(heard: Heard): void {
    if (!this.#known) return;
    for (const list of this.#ears) list.push(heard);
    if (this.apply(heard)) this.changed();
  }

  /** One is no member of the room any more. */
  leave(): void {
    this.drop();
    this.status = 'gone';
    this.clear();
    this.changed();
  }

  /** One can be a member again. */
  enter(): void {
    if (this.status !== 'gone') return;
    this.status = 'loading';
    this.changed();
    if (this.watched) this.started();
  }

  /** What was heard has a gap: what is shown has to be read anew, now or when somebody looks. */
  resync(): void {
    if (!this.#known) return;
    this.drop();
    if (this.watched) void this.reload();
  }

  /** The connection is back. */
  hurry(): void {
    this.#reading.hurry();
    if (this.status === 'failed' && this.watched) void this.reload();
  }

  /** Stops, and reads anew with the next listener. */
  drop(): void {
    this.#reading.end();
    this.#known = false;
  }

  protected override started(): void {
    if (!this.#known && this.status !== 'gone') void this.reload();
    void this.#keeper.wake(this).then((position) => {
      if (position === null) return;
      this.#from = later(this.#from, position);
      if (this.status !== 'gone') void this.reload();
    });
  }

  protected override stopped(): void {
    this.#keeper.rest(this);
  }

  /** Reads something of the room, and collects what happens after it. */
  protected async listening<P extends Read>(run: (minPosition: string) => Promise<P>): Promise<{ read: P; since: Heard[] }> {
    const ears: Heard[] = [];
    await this.core.ready;
    this.#ears.add(ears);
    try {
      const read = await run(later(this.#from, this.core.heard));
      return { read, since: ears.filter(({ payload }) => !('position' in payload) || after(payload.position, read.position)) };
    } finally {
      this.#ears.delete(ears);
    }
  }

  /** Reads the state, at least as of a position. */
  protected abstract read(minPosition: string, signal: AbortSignal): Promise<R>;
  /** Takes what was read as the state. */
  protected abstract accept(read: R): void;
  /** Follows an event, also one that is in the state already; true if anything has changed. */
  protected abstract apply(heard: Heard): boolean;
  /** Forgets the state. */
  protected abstract clear(): void;
}

const away = new Set<string>(['ROOM_NOT_FOUND', 'NOT_A_MEMBER', 'FORBIDDEN']);
