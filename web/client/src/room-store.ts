import type { Core } from './core.ts';
import type { EventName } from './emitter.ts';
import type { ParleyError } from './errors.ts';
import { after, none } from './position.ts';
import { Reading } from './reading.ts';
import { Source } from './store.ts';
import type { Events } from './wire.generated.ts';

const settle = 500;

/** A durable event, with its payload. */
export type Heard = { [E in EventName]: { event: E; payload: Events[E] } }[EventName];

export type AnyRoomStore = Pick<RoomStore<unknown>, 'roomId' | 'watched' | 'hear' | 'leave' | 'resync' | 'hurry' | 'drop'>;

/** Looks after stores: which of them are told of events, and for how long they are kept without listeners. */
export interface Keeper {
  /** The store has a listener: it wants to be told. */
  wake(store: AnyRoomStore): void;
  /** The last listener has gone. */
  rest(store: AnyRoomStore): void;
}

/** What was read, and as of which position. */
export interface Read {
  position: string;
}

/**
 * A store of something of a room, which is read by REST and then follows the events. What happens while it is read
 * is kept, and applied if the answer is older: no gap, nothing twice. Where there is a gap nothing is applied until it
 * was read anew: what is shown would be neither the old state nor the new one.
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
  #timer: ReturnType<typeof setTimeout> | null = null;
  #asOf = none; // what it was read as of: what was told before is in it; none where there is a gap

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
      this.#asOf = read.position;
      this.status = 'ready';
      for (const heard of since) this.apply(heard);
    });
    this.core.measured();
    const outcome = await reading;
    if (outcome === 'ended') return;
    this.error = outcome;
    if (outcome !== null && away.has(outcome.code)) this.leave();
    else if (outcome !== null) this.status = 'failed';
    this.changed();
    this.core.measured();
  };

  /** Reads it anew in a moment, once for all who ask, if somebody looks then. */
  protected reloadSoon(): void {
    this.#timer ??= setTimeout(() => this.resync(), settle);
  }

  get reloading(): boolean {
    return this.#reading.busy;
  }

  /** An event of the room. It is kept for what is being read, and applied to what was read. */
  hear(heard: Heard): void {
    if (!this.#known) return;
    for (const list of this.#ears) list.push(heard);
    if (this.#asOf === none) return; // there is nothing that it could be applied to
    if ('position' in heard.payload && !after(heard.payload.position, this.#asOf)) return;
    if (this.apply(heard)) this.changed();
  }

  /** One is no member of the room any more. */
  leave(): void {
    this.drop();
    this.status = 'gone';
    this.clear();
    this.changed();
  }

  /**
   * What was heard has a gap: what is shown has to be read anew, now or when somebody looks. One may also be a member
   * again.
   */
  resync(): void {
    this.drop();
    if (this.status === 'gone') this.status = 'loading';
    this.changed();
    if (this.watched) void this.reload();
  }

  /** The connection is back. */
  hurry(): void {
    this.#reading.hurry();
    if (this.status === 'failed' && this.watched) void this.reload();
  }

  /** Stops, and reads anew with the next listener. What is shown stays as it is. */
  drop(): void {
    this.#reading.end();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#known = false;
    this.#asOf = none;
  }

  protected override started(): void {
    this.#keeper.wake(this);
    if (!this.#known && this.status !== 'gone') void this.reload();
  }

  /** It was read, and what happens is applied to it. */
  protected get followed(): boolean {
    return this.#known && !this.reloading;
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
      const read = await run(this.core.heard);
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
