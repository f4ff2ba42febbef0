import type { AnyRoomStore, Heard, Keeper } from './room-store.ts';

/** So many stores are kept up to date though nobody listens. */
const idle = 24;

type Any = AnyRoomStore & { behind?: number; pendingChanged?: () => void };

export interface CacheWiring {
  /** Sees to it that a room is heard. */
  hear: (roomId: string) => void;
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

  leave(roomId: string): void {
    for (const store of this.#of(roomId)) store.leave();
  }

  /** The server can be asked again, or there are other rooms: what somebody looks at has to be heard. */
  hurry(): void {
    for (const store of this.#live) {
      store.hurry();
      if (store.watched) this.#wiring.hear(store.roomId);
    }
  }

  /** What is shown of these rooms has a gap. */
  resync(rooms: (roomId: string) => boolean = () => true): void {
    for (const store of this.#live) if (rooms(store.roomId)) store.resync();
  }

  /** What is shown has a gap and is about to be read anew: nothing is applied to it any more. */
  drop(): void {
    for (const store of this.#live) store.drop();
  }

  close(): void {
    this.drop();
    this.#live.clear();
    this.#byKey.clear();
  }

  /** A store has a listener. One that had to go before comes back, and was told nothing meanwhile. */
  #wake(key: string, store: Any): void {
    if (!this.#byKey.has(key)) this.#byKey.set(key, store);
    if (!this.#live.delete(store)) store.drop();
    this.#live.add(store);
    this.#wiring.hear(store.roomId);
  }

  #evict(but?: Any): void {
    const spare = [...this.#live].filter((store) => !store.watched && store !== but);
    for (const store of spare.slice(0, Math.max(0, spare.length - idle))) {
      store.drop();
      this.#live.delete(store);
    }
    for (const [key, store] of this.#byKey) if (!this.#live.has(store)) this.#byKey.delete(key);
  }

  #of(roomId: string): Any[] {
    return [...this.#live].filter((store) => store.roomId === roomId);
  }
}
