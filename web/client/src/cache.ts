import type { AnyRoomStore, Heard, Keeper } from './room-store.ts';

/** So many stores are kept up to date though nobody listens. */
const idle = 24;

type Any = AnyRoomStore & { behind?: number; pendingChanged?: () => void };

export interface CacheWiring {
  /** Sees to it that a room is heard; see Keeper.wake. */
  hear: (roomId: string) => Promise<string | null>;
}

/** The stores of rooms: each is made once, follows the events of its room, and goes when it was not used for long. */
export class Cache {
  readonly #wiring: CacheWiring;
  readonly #byKey = new Map<string, Any>();
  readonly #live = new Set<Any>(); // those that are told of events, used last at the end

  constructor(wiring: CacheWiring) {
    this.#wiring = wiring;
  }

  get<S extends Any>(key: string, make: (keeper: Keeper) => S): S {
    const known = this.#byKey.get(key);
    if (known) return known as S;
    const store = make({
      wake: (self) => this.#wake(key, self as Any),
      rest: () => this.#evict(),
    });
    this.#byKey.set(key, store);
    this.#live.add(store);
    this.#evict(store);
    return store;
  }

  /** How many messages are missing in what somebody looks at. */
  get behind(): number {
    let sum = 0;
    for (const store of this.#live) if (store.watched) sum += store.behind ?? 0;
    return sum;
  }

  /** Whether somebody looks at something of the room. */
  watched(roomId: string): boolean {
    return this.#of(roomId).some((store) => store.watched);
  }

  hear(roomId: string, heard: Heard): void {
    for (const store of this.#of(roomId)) store.hear(heard);
  }

  pendingChanged(roomId: string): void {
    for (const store of this.#of(roomId)) store.pendingChanged?.();
  }

  enter(roomId: string): void {
    for (const store of this.#of(roomId)) store.enter();
  }

  leave(roomId: string): void {
    for (const store of this.#of(roomId)) store.leave();
  }

  /** The connection is back: what somebody looks at has to be heard. */
  hurry(): void {
    for (const store of this.#live) {
      store.hurry();
      if (store.watched) void this.#hear(store);
    }
  }

  /** What is shown of these rooms has a gap. */
  resync(rooms: (roomId: string) => boolean = () => true): void {
    for (const store of this.#live) if (rooms(store.roomId)) store.resync();
  }

  close(): void {
    for (const store of this.#live) store.drop();
    this.#live.clear();
    this.#byKey.clear();
  }

  /** A store has a listener. One that had to go before comes back. */
  #wake(key: string, store: Any): Promise<string | null> {
    if (!this.#byKey.has(key)) this.#byKey.set(key, store);
    this.#live.delete(store);
    this.#live.add(store);
    return this.#wiring.hear(store.roomId);
  }

  #evict(but?: Any): void {
    const spare = [...this.#live].filter((store) => !store.watched && store !== but);
    for (const store of spare.slice(0, Math.max(0, spare.length - idle))) {
      store.drop();
      this.#live.delete(store);
    }
    for (const [key, store] of this.#byKey) if (!this.#live.has(store)) this.#byKey.delete(key);
  }

  async #hear(store: Any): Promise<void> {
    if ((await this.#wiring.hear(store.roomId)) !== null) store.resync();
  }

  #of(roomId: string): Any[] {
    return [...this.#live].filter((store) => store.roomId === roomId);
  }
}
