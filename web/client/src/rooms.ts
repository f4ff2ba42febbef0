import type { Core } from './core.ts';
import { everything } from './paging.ts';
import { changed } from './changes.ts';
import { after, later, none } from './position.ts';
import { Reading } from './reading.ts';
import type { Heard } from './room-store.ts';
import { Source } from './store.ts';
import type { ParleyError } from './errors.ts';
import type { RoomsState, RoomView } from './types.ts';
import type { Membership, Message, MessageDeleted, Receipt, Room, RoomChanged, Summary, SummaryList } from './wire.generated.ts';

const settle = 500;

export interface RoomsWiring {
  /** The rooms whose events come over the socket. */
  heard: () => ReadonlySet<string>;
  /** How far one has read a room beyond what is in what was read as of a position. */
  ahead: (roomId: string, asOf: string) => number;
  /** They were read. */
  loaded: () => void;
}

/** What was heard, and as of when it was true. */
interface Told {
  heard: Heard;
  at: string;
}

/** The rooms that one is a member of, with what is unread in them. */
export class Rooms extends Source<RoomsState> {
  readonly #core: Core;
  readonly #wiring: RoomsWiring;
  readonly #reading = new Reading();
  #status: RoomsState['status'] = 'loading';
  #error: ParleyError | null = null;
  #rooms = new Map<string, RoomView>();
  #asOf = none; // what they were read as of: what was told before is in them
  #from = none; // what is read must not be older: nobody tells which of them one has left before
  #sure = false; // one is a member of these and no others
  #missed: Told[] | null = null; // what happened while they are read
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #due = new Set<string>(); // why they have to be read anew

  constructor(core: Core, wiring: RoomsWiring) {
    super(core.notifier);
    this.#core = core;
    this.#wiring = wiring;
  }

  get(roomId: string): RoomView | undefined {
    return this.#rooms.get(roomId);
  }

  /** Whether one is known to be a member of the room. */
  isMember(roomId: string): boolean {
    return this.#sure && this.#rooms.has(roomId);
  }

  all(): Iterable<RoomView> {
    return this.#rooms.values();
  }

  /** Reads them anew; what is shown stays until then. Returns the position of what was read, null if that was in vain. */
  reload = async (): Promise<string | null> => {
    this.#rest();
    if (this.#core.closed) return null;
    const missed: Told[] = (this.#missed = []);
    let position: string | null = null;
    const outcome = await this.#reading.run(async (signal) => {
      const list = await this.#list(signal);
      if (signal.aborted) return;
      position = list.position;
      this.#missed = null;
      this.#accept(list);
      for (const { heard, at } of missed) this.#take(heard, at);
      if (missed.some(({ heard }) => heard.event === 'unread-changed' && heard.payload.unreadCount > 0)) this.reloadSoon();
    });
    if (outcome === 'ended') return null;
    this.#missed = null;
    this.#error = outcome;
    this.#status = outcome === null ? 'ready' : this.#rooms.size > 0 ? 'ready' : 'failed';
    this.changed();
    this.#core.measured();
    if (outcome === null) this.#wiring.loaded();
    return position;
  };

  /** Reads them anew in a moment, once for all who ask. */
  reloadSoon(why = 'asked'): void {
    this.#due.add(why);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.#due.size > 0) void this.reload();
    }, settle);
  }

  /** What has no position of its own belongs to what was heard just before it. */
  hear(heard: Heard): void {
    const at = 'position' in heard.payload ? heard.payload.position : this.#core.heard;
    this.#missed?.push({ heard, at });
    if (this.#take(heard, at)) this.changed();
  }

  /** One has read a room up to a message; the server is about to be told. */
  reading(roomId: string, seq: number): void {
    const room = this.#rooms.get(roomId);
    if (room && this.#readUpTo(room, seq)) this.changed();
  }

  /** Which rooms are heard has changed. */
  hearingChanged(): void {
    for (const room of this.#rooms.values()) {
      const heard = this.#wiring.heard().has(room.id);
      if (room.heard !== heard) this.#put({ ...room, heard });
    }
    this.changed();
  }

  /** The connection is back. One hears these rooms, or as many of them as that is possible of. */
  begin(heard: readonly string[], asOf: string): void {
    this.#from = asOf;
    const read = this.#status === 'ready' && this.#missed === null;
    this.#sure = read && heard.length === this.#rooms.size && heard.every((id) => this.#rooms.has(id));
    if (!this.#sure) void this.reload();
  }

  close(): void {
    this.#reading.end();
    this.#rest();
  }

  protected view(): RoomsState {
    const rooms = [...this.#rooms.values()].sort((a, b) => (a.activeAt < b.activeAt ? 1 : a.activeAt > b.activeAt ? -1 : 0));
    const sum = (count: (room: RoomView) => number): number => rooms.reduce((total, room) => total + count(room), 0);
    return {
      status: this.#status,
      rooms,
      byId: new Map(rooms.map((room) => [room.id, room])),
      unreadCount: sum((room) => room.unreadCount),
      mentionCount: sum((room) => room.mentionCount),
      error: this.#error,
    };
  }

  #list(signal: AbortSignal): Promise<SummaryList> {
    const minPosition = later(this.#core.heard, this.#from);
    return everything(async (query) => (await this.#core.rest.call('GET /api/v1/rooms', { query, minPosition, signal })) as SummaryList);
  }

  #accept({ items, position }: SummaryList): void {
    const heard = this.#wiring.heard();
    this.#asOf = position;
    this.#sure = !after(this.#from, position);
    this.#rooms = new Map(items.map((room) => [room.id, viewed(room, heard.has(room.id))]));
    for (const room of [...this.#rooms.values()]) this.#readUpTo(room, this.#wiring.ahead(room.id, position));
  }

  #take(heard: Heard, at: string): boolean {
    if (after(at, this.#asOf)) return this.#apply(heard);
    if (heard.event === 'unread-changed' && !this.#wiring.heard().has(heard.payload.roomId)) this.reloadSoon(); // nobody knows as of when that is
    return false;
  }

  #apply(heard: Heard): boolean {
    const { event, payload } = heard;
    switch (event) {
      case 'new-message':
        return this.#said(payload);
      case 'message-deleted':
        this.#deleted(payload);
        return this.#about(payload.roomId, heard);
      case 'message-edited':
      case 'message-pinned':
      case 'message-unpinned':
      case 'reaction-added':
      case 'reaction-removed':
        return this.#about(payload.roomId, heard);
      case 'message-read':
        return payload.userId === this.#core.me && this.#read(payload);
      case 'unread-changed':
        this.#due.delete(payload.roomId);
        return this.#change(payload.roomId, (room) => this.#put({ ...room, ...counts(payload) }));
      case 'room-created':
        return this.#made(payload);
      case 'room-updated':
      case 'room-archived':
        return this.#change(payload.roomId, (room) => {
          const { roomId: _, at: __, ...state } = payload;
          if (after(state.position, room.position)) this.#put({ ...room, ...(state satisfies Room) });
        });
      case 'user-joined':
        return this.#membership(payload, 1);
      case 'user-left':
        return payload.userId === this.#core.me ? this.#rooms.delete(payload.roomId) : this.#membership(payload, -1);
      case 'member-updated':
        return this.#membership(payload, 0);
      default:
        return false;
    }
  }

  /** Who says something has read what was before. The last message and what is unread may be as of different moments. */
  #said(message: Message): boolean {
    if (!this.#rooms.has(message.roomId)) this.#unknown();
    return this.#change(message.roomId, (room) => {
      const last = message.seq > (room.lastMessage?.seq ?? 0) ? { lastMessage: message, activeAt: message.at } : {};
      if (message.seq <= room.lastSeq) return this.#put({ ...room, ...last });
      const said = { ...room, ...last, lastSeq: message.seq };
      if (message.sender.id === this.#core.me) {
        this.#put({ ...said, readSeq: message.seq, unreadCount: 0, mentionCount: 0 });
      } else if (message.seq > room.readSeq) {
        const mentionCount = room.mentionCount + Number(message.mentions.includes(this.#core.me));
        this.#put({ ...said, unreadCount: room.unreadCount + 1, mentionCount });
      } else {
        this.#put(said);
      }
    });
  }

  /** Whether it was unread, only the server can tell. */
  #deleted({ roomId, seq }: MessageDeleted): void {
    const room = this.#rooms.get(roomId);
    if (room && seq > room.readSeq && room.unreadCount > 0) this.reloadSoon();
  }

  /** On another device. What is left is told next, but not to who comes back. */
  #read({ roomId, seq }: Receipt): boolean {
    return this.#change(roomId, (room) => {
      this.#readUpTo(room, seq);
      if (seq < room.lastSeq && room.unreadCount > 0) this.reloadSoon(roomId);
    });
  }

  #about(roomId: string, heard: Heard): boolean {
    return this.#change(roomId, (room) => {
      const lastMessage = room.lastMessage && changed(room.lastMessage, heard);
      if (lastMessage !== room.lastMessage) this.#put({ ...room, lastMessage });
    });
  }

  #made({ roomId, at: _, ...room }: RoomChanged): boolean {
    if (this.#rooms.has(roomId)) return false;
    const nothing = { lastSeq: 0, lastMessage: null, readSeq: 0, unreadCount: 0, mentionCount: 0 };
    this.#put(viewed({ ...room, ...nothing }, this.#wiring.heard().has(roomId)));
    return true;
  }

  /** Of a room into which one comes, and be it again, nothing is known. */
  #membership({ roomId, userId, position }: Membership, by: 1 | 0 | -1): boolean {
    if (userId === this.#core.me && by === 1) {
      this.reloadSoon();
      return false;
    }
    return this.#change(roomId, (room) => {
      if (after(position, room.position)) this.#put({ ...room, memberCount: room.memberCount + by, position });
    });
  }

  /** True if that is news. */
  #readUpTo(room: RoomView, seq: number): boolean {
    if (seq <= room.readSeq) return false;
    const all = seq >= room.lastSeq;
    this.#put({ ...room, readSeq: seq, ...(all && { unreadCount: 0, mentionCount: 0 }) });
    return true;
  }

  /** A list of several pages can miss a room that moves while it is read. */
  #unknown(): void {
    if (this.#missed === null) this.reloadSoon();
  }

  #change(roomId: string, change: (room: RoomView) => void): boolean {
    const room = this.#rooms.get(roomId);
    if (room) change(room);
    return this.#rooms.get(roomId) !== room;
  }

  #put(room: RoomView): void {
    this.#rooms.set(room.id, room);
  }

  /** Nothing is due any more. */
  #rest(): void {
    this.#due.clear();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

const viewed = (room: Summary, heard: boolean): RoomView => ({ ...room, heard, activeAt: room.lastMessage?.at ?? room.createdAt });

const counts = ({ unreadCount, mentionCount }: { unreadCount: number; mentionCount: number }) => ({ unreadCount, mentionCount });
