import type { Core } from './core.ts';
import { everything } from './paging.ts';
import { after } from './position.ts';
import { Reading } from './reading.ts';
import type { Heard } from './room-store.ts';
import { Source } from './store.ts';
import type { ParleyError } from './errors.ts';
import type { RoomsState, RoomView } from './types.ts';
import type { Message, MessageDeleted, Read, Room, RoomChanged, Summary, SummaryList } from './wire.generated.ts';

const settle = 500;

export interface RoomsWiring {
  /** The rooms whose events come over the socket. */
  heard: () => ReadonlySet<string>;
  /** They were read. */
  loaded: () => void;
}

/** The rooms that one is a member of, with what is unread in them. */
export class Rooms extends Source<RoomsState> {
  readonly #core: Core;
  readonly #wiring: RoomsWiring;
  readonly #reading = new Reading();
  #status: RoomsState['status'] = 'loading';
  #error: ParleyError | null = null;
  #rooms = new Map<string, RoomView>();
  #missed: Heard[] | null = null; // what happened while they are read
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(core: Core, wiring: RoomsWiring) {
    super(core.notifier);
    this.#core = core;
    this.#wiring = wiring;
  }

  get(roomId: string): RoomView | undefined {
    return this.#rooms.get(roomId);
  }

  all(): Iterable<RoomView> {
    return this.#rooms.values();
  }

  /** Reads them anew; what is shown stays until then. Returns the position of what was read, null if that was in vain. */
  reload = async (): Promise<string | null> => {
    this.#soon(null);
    if (this.#core.closed) return null;
    const missed: Heard[] = (this.#missed = []);
    let position: string | null = null;
    const outcome = await this.#reading.run(async (signal) => {
      const list = await this.#list(signal);
      if (signal.aborted) return;
      position = list.position;
      this.#accept(list);
      for (const heard of missed) if (newer(heard, list.position)) this.#apply(heard);
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
  reloadSoon(): void {
    if (!this.#timer) this.#soon(() => void this.reload());
  }

  hear(heard: Heard): void {
    this.#missed?.push(heard);
    if (this.#apply(heard)) this.changed();
  }

  /** One has read a room up to a message; the server is about to be told. */
  reading(roomId: string, seq: number): void {
    const room = this.#rooms.get(roomId);
    if (room && this.#readUpTo(room, seq)) this.changed();
  }

  /** What the server says about that. */
  read({ roomId, seq, unreadCount, mentionCount }: Read): void {
    const room = this.#rooms.get(roomId);
    if (!room) return;
    this.#readUpTo(room, seq);
    if (seq < room.lastSeq) this.#put({ ...room, readSeq: Math.max(room.readSeq, seq), unreadCount, mentionCount });
    this.changed();
  }

  /** Which rooms are heard has changed. */
  hearingChanged(): void {
    for (const room of this.#rooms.values()) {
      const heard = this.#wiring.heard().has(room.id);
      if (room.heard !== heard) this.#put({ ...room, heard });
    }
    this.changed();
  }

  /** The connection is back. */
  hurry(): void {
    this.#reading.hurry();
    if (this.#status === 'failed') void this.reload();
  }

  close(): void {
    this.#reading.end();
    this.#soon(null);
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
    const minPosition = this.#core.heard;
    return everything(async (query) => (await this.#core.rest.call('GET /api/v1/rooms', { query, minPosition, signal })) as SummaryList);
  }

  #accept({ items }: SummaryList): void {
    const heard = this.#wiring.heard();
    const before = this.#rooms;
    this.#rooms = new Map(items.map((room) => [room.id, merged(before.get(room.id), viewed(room, heard.has(room.id)))]));
  }

  #apply({ event, payload }: Heard): boolean {
    switch (event) {
      case 'new-message':
        return this.#said(payload);
      case 'message-edited':
        return this.#about(payload, (last) => (last.id === payload.id ? payload : last));
      case 'message-deleted':
        return this.#deleted(payload);
      case 'message-read':
        return payload.userId === this.#core.me && this.#change(payload.roomId, (room) => void this.#readUpTo(room, payload.seq));
      case 'unread-changed':
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
      default:
        return false;
    }
  }

  /** Who says something has read what was before. */
  #said(message: Message): boolean {
    return this.#change(message.roomId, (room) => {
      if (message.seq <= room.lastSeq) return;
      const said = { ...room, lastSeq: message.seq, lastMessage: message, activeAt: message.at };
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

  #deleted({ roomId, messageId, seq, at, position }: MessageDeleted): boolean {
    const room = this.#rooms.get(roomId);
    if (room && seq > room.readSeq && room.unreadCount > 0) this.reloadSoon(); // whether it was unread, only the server can tell
    return this.#about({ roomId }, (last) =>
      last.id === messageId ? { ...last, content: '', attachments: [], deletedAt: at, position } : last,
    );
  }

  #about({ roomId }: { roomId: string }, change: (last: Message) => Message): boolean {
    return this.#change(roomId, (room) => {
      if (room.lastMessage) this.#put({ ...room, lastMessage: change(room.lastMessage) });
    });
  }

  #made({ roomId, at: _, ...room }: RoomChanged): boolean {
    if (this.#rooms.has(roomId)) return false;
    const nothing = { lastSeq: 0, lastMessage: null, readSeq: 0, unreadCount: 0, mentionCount: 0 };
    this.#put(viewed({ ...room, ...nothing }, this.#wiring.heard().has(roomId)));
    return true;
  }

  #membership({ roomId, userId, position }: { roomId: string; userId: string; position: string }, by: 1 | -1): boolean {
    if (userId === this.#core.me && !this.#rooms.has(roomId)) {
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

  #change(roomId: string, change: (room: RoomView) => void): boolean {
    const room = this.#rooms.get(roomId);
    if (room) change(room);
    return this.#rooms.get(roomId) !== room;
  }

  #put(room: RoomView): void {
    this.#rooms.set(room.id, room);
  }

  #soon(run: (() => void) | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = run && setTimeout(run, settle);
  }
}

const viewed = (room: Summary, heard: boolean): RoomView => ({ ...room, heard, activeAt: room.lastMessage?.at ?? room.createdAt });

/** What was read may be behind what one has said about reading. */
function merged(known: RoomView | undefined, read: RoomView): RoomView {
  if (!known || known.readSeq <= read.readSeq) return read;
  const all = known.readSeq >= read.lastSeq;
  return { ...read, readSeq: known.readSeq, ...(all && { unreadCount: 0, mentionCount: 0 }) };
}

const counts = ({ unreadCount, mentionCount }: { unreadCount: number; mentionCount: number }) => ({ unreadCount, mentionCount });

const newer = ({ payload }: Heard, position: string): boolean =>
  'position' in payload && after(payload.position, position);
