import { Cache } from './cache.ts';
import { Connection } from './connection.ts';
import type { CommandName } from './connection.ts';
import type { Core } from './core.ts';
import { Cursor } from './cursor.ts';
import { Emitter } from './emitter.ts';
import type { EventName } from './emitter.ts';
import { Hearing } from './hearing.ts';
import { Marks } from './marks.ts';
import { Members } from './members.ts';
import { Outbox } from './outbox.ts';
import { none } from './position.ts';
import { Presence } from './presence.ts';
import { Receipts } from './receipts.ts';
import { Rest } from './rest.ts';
import type { Heard } from './room-store.ts';
import { Rooms } from './rooms.ts';
import { defaultStorage, Shelf } from './storage.ts';
import { Notifier } from './store.ts';
import { ThreadStore } from './thread.ts';
import { Timeline } from './timeline.ts';
import { userOf } from './tokens.ts';
import type { Draft, PendingMessage, TextStorage, TokenSource } from './types.ts';
import { Typing } from './typing.ts';
import type { Commands, Events } from './wire.generated.ts';

export interface ClientOptions {
  tokens: TokenSource;
  /** Where the server is; one's own origin if it is left out. */
  url?: string;
  /** The server's SOCKET_PATH. */
  path?: string;
  /** Tried in this order. */
  transports?: ('websocket' | 'polling')[];
  /** Whose client this is; it names what is kept. Read from the token if it is left out. */
  userId?: string;
  /** Keeps the cursor and the messages that are not sent. localStorage if it is left out and there is one. */
  storage?: TextStorage;
  /** How many messages of a room are held in memory. */
  windowSize?: number;
}

/** Rooms, timelines and unsent messages of one user, over one socket. Start it, and close it when done. */
export class Client {
  readonly rest: Rest;
  readonly connection: Connection;
  readonly rooms: Rooms;
  readonly outbox: Outbox;
  readonly presence: Presence;
  readonly #notifier = new Notifier();
  readonly #events = new Emitter();
  readonly #tokens: TokenSource;
  readonly #userId: string | null;
  readonly #cursor: Cursor;
  readonly #hearing: Hearing;
  readonly #marks: Marks;
  readonly #stores: Cache;
  readonly #typing = new Map<string, Typing>();
  readonly #windowSize: number;
  readonly #core: Core;
  #ready = (): void => {};
  #welcome = false; // there was a session before

  constructor(options: ClientOptions) {
    const { url = '', path = '/socket.io', transports = ['websocket', 'polling'], tokens, windowSize = 400 } = options;
    this.#tokens = tokens;
    this.#windowSize = windowSize;
    this.#userId = options.userId ?? userOf(tokens.get());
    const shelf = new Shelf(options.storage ?? defaultStorage(), `parley:${this.#userId ?? ''}:`);
    this.#cursor = new Cursor(shelf);
    this.rest = new Rest(url, tokens);
    this.connection = new Connection(this.#notifier, {
      url,
      path,
      transports,
      tokens,
      cursor: this.#cursor,
      userId: this.#userId,
      hear: (event, payload) => this.#hear(event, payload),
      changed: () => this.#connectionChanged(),
      behind: () => this.#stores.behind,
    });
    this.#core = this.#coreOf();
    this.#hearing = new Hearing(this.#core, {
      needed: (roomId) => this.#stores.watched(roomId),
      spare: () => [...this.rooms.getSnapshot().rooms].reverse().map(({ id }) => id),
      gap: (roomId) => this.#gap(roomId),
      changed: () => this.rooms.hearingChanged(),
    });
    this.rooms = new Rooms(this.#core, {
      heard: () => this.#hearing.rooms,
      ahead: (roomId, asOf) => this.#marks.ahead(roomId, asOf),
      loaded: () => this.#loaded(),
    });
    this.#stores = new Cache({ hear: (roomId) => this.rooms.isMember(roomId) && this.#hearing.ensure(roomId) });
    this.outbox = new Outbox(this.#notifier, shelf, {
      send: (message) => this.connection.command('send-message', message),
      online: () => this.connection.online,
      heard: () => this.#core.heard,
      changed: (roomId) => this.#stores.pendingChanged(roomId),
    });
    this.#marks = new Marks(this.#core);
    this.presence = new Presence(this.#core);
  }

  /** Connects, and comes back whenever the connection is lost. */
  start(): void {
    if (this.connection.getSnapshot().status !== 'idle') return;
    this.connection.begin();
    globalThis.addEventListener?.('pagehide', this.#cursor.keep);
    globalThis.addEventListener?.('online', this.#hurry);
    globalThis.document?.addEventListener('visibilitychange', this.#hurry);
    void this.#begin();
  }

  /** Ends everything: no timer, no listener and no connection is left. A client that is closed stays closed. */
  close(): void {
    globalThis.removeEventListener?.('pagehide', this.#cursor.keep);
    globalThis.removeEventListener?.('online', this.#hurry);
    globalThis.document?.removeEventListener('visibilitychange', this.#hurry);
    this.connection.end('closed');
    this.outbox.close();
    this.rooms.close();
    this.presence.close();
    this.#marks.close();
    this.#stores.close();
    for (const typing of this.#typing.values()) typing.close();
    this.#cursor.keep();
    this.#notifier.close();
    this.#events.clear();
  }

  /** Listens to an event of the server: each durable one once, in order. Returns what ends that. */
  on<E extends EventName>(event: E, listener: (payload: Events[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  /** Says a command. A refusal is a ParleyError; what it changes shows in the stores by its events. */
  command<N extends CommandName>(name: N, payload: Commands[N]['payload']): Promise<Commands[N]['data']> {
    return this.#core.command(name, payload);
  }

  /** Sends a message, as soon as that is possible. It shows at once, as a pending one. */
  send(roomId: string, draft: Draft): PendingMessage {
    this.#typing.get(roomId)?.stop();
    return this.outbox.add(roomId, draft);
  }

  /** Tries a pending message again. */
  retry(clientMessageId: string): void {
    this.outbox.retry(clientMessageId);
  }

  /** Gives a pending message up. */
  discard(clientMessageId: string): void {
    this.outbox.discard(clientMessageId);
  }

  /** One has read the room up to a message. Call it as often as you like. */
  markRead(roomId: string, seq: number): void {
    const room = this.rooms.get(roomId);
    if (room && seq <= room.readSeq) return;
    this.rooms.reading(roomId, seq);
    this.#marks.read(roomId, seq);
  }

  timeline(roomId: string): Timeline {
    return this.#stores.get(`timeline ${roomId}`, (keeper) => {
      const lastSeq = (): number => this.rooms.get(roomId)?.lastSeq ?? 0;
      return new Timeline(this.#core, keeper, roomId, { outbox: this.outbox, lastSeq, limit: this.#windowSize });
    });
  }

  thread(roomId: string, messageId: string): ThreadStore {
    return this.#stores.get(`thread ${roomId} ${messageId}`, (keeper) => new ThreadStore(this.#core, keeper, roomId, messageId, this.outbox));
  }

  members(roomId: string): Members {
    return this.#stores.get(`members ${roomId}`, (keeper) => new Members(this.#core, keeper, roomId));
  }

  receipts(roomId: string): Receipts {
    return this.#stores.get(`receipts ${roomId}`, (keeper) => new Receipts(this.#core, keeper, roomId));
  }

  typing(roomId: string): Typing {
    const known = this.#typing.get(roomId) ?? new Typing(this.#core, roomId);
    this.#typing.set(roomId, known);
    return known;
  }

  readonly #hurry = (): void => {
    if (!globalThis.document?.hidden) this.connection.hurry();
  };

  #coreOf(): Core {
    const client = this;
    return {
      notifier: this.#notifier,
      rest: this.rest,
      get online() {
        return client.connection.online;
      },
      get closed() {
        return client.connection.getSnapshot().status === 'closed';
      },
      get me() {
        return client.#userId ?? client.connection.userId ?? '';
      },
      get heard() {
        return client.#cursor.at ?? none;
      },
      reached: (position) => void this.#cursor.advance(position),
      ready: new Promise((resolve) => (this.#ready = resolve)),
      measured: () => this.connection.measured(),
      command: (name, payload) => this.connection.command(name, payload),
    };
  }

  /**
   * With a cursor one is told what one has missed. Without one the rooms are read first, which says as of when: what
   * happened since is told then. Either way nothing is between.
   */
  async #begin(): Promise<void> {
    try {
      if (this.#tokens.get() === null && (await this.#tokens.refresh(null)) === null) return this.connection.end('signed-out');
    } catch {
      // not reached: connecting tries again
    }
    const read = this.rooms.reload();
    if (this.#cursor.at === null) {
      const position = await read;
      if (position !== null) this.#cursor.reset(position);
    }
    this.#ready();
    this.connection.connect();
  }

  #connectionChanged(): void {
    if (!this.connection.online) for (const typing of this.#typing.values()) typing.clear();
  }

  #hear<E extends EventName>(event: E, payload: Events[E]): void {
    const heard = { event, payload } as unknown as Heard;
    this.#follow(heard);
    this.#events.emit(event, payload);
  }

  /** What an event means for the stores. */
  #follow(heard: Heard): void {
    switch (heard.event) {
      case 'session':
        return this.#welcomed(heard.payload);
      case 'resync-required':
        return this.#resync();
      case 'notification': // also of a room that is not heard
        if (!this.#hearing.rooms.has(heard.payload.roomId)) this.rooms.reloadSoon();
        return;
      case 'presence-changed':
        return this.presence.hear(heard.payload);
      case 'typing-started':
        return this.typing(heard.payload.roomId).begins(heard.payload);
      case 'typing-stopped':
        return this.typing(heard.payload.roomId).ends(heard.payload.userId);
      case 'room-created':
      case 'user-joined':
        this.#toRoom(heard);
        return this.#joined(heard.payload.roomId, heard.event === 'room-created' || heard.payload.userId === this.#core.me);
      case 'user-left':
        this.#toRoom(heard);
        return this.#left(heard.payload.roomId, heard.payload.userId);
      case 'new-message':
        this.#toRoom(heard);
        return this.#said(heard.payload);
      default:
        this.#toRoom(heard);
    }
  }

  #toRoom(heard: Heard): void {
    this.rooms.hear(heard);
    if ('roomId' in heard.payload) this.#stores.hear(heard.payload.roomId, heard);
  }

  #welcomed({ rooms, roomsPosition }: Events['session']): void {
    const before = this.#hearing.rooms;
    const heard = new Set(rooms);
    this.#hearing.reset(heard);
    this.rooms.begin(rooms, roomsPosition);
    // What was heard throughout has no gap. The first session goes on from what was read before it.
    this.#stores.resync((roomId) => !heard.has(roomId) || (this.#welcome && !before.has(roomId)));
    this.#stores.hurry();
    this.#welcome = true;
    this.presence.begin();
    this.#marks.flush();
    this.outbox.pump();
  }

  /** What was missed is not told: everything is read anew. The rooms come first: they tell how much it is. */
  #resync(): void {
    this.outbox.resync();
    this.#marks.resync();
    this.presence.resync();
    this.#stores.drop();
    void this.rooms.reload().finally(() => this.#stores.resync());
  }

  /** What is shown of the room has a gap. */
  #gap(roomId: string): void {
    this.#stores.resync((id) => id === roomId);
    this.rooms.reloadSoon();
  }

  /** Who was a member before may have left meanwhile, and not be told of it. */
  #joined(roomId: string, oneself: boolean): void {
    if (!oneself) return;
    this.#stores.resync((id) => id === roomId);
    this.#hearing.ensure(roomId);
  }

  #left(roomId: string, userId: string): void {
    this.#typing.get(roomId)?.ends(userId);
    if (userId !== this.#core.me) return;
    this.#hearing.left(roomId);
    this.#marks.forget(roomId);
    this.#stores.leave(roomId);
  }

  /** What was said while one was away has arrived with the rooms. Those that somebody looks at are to be heard. */
  #loaded(): void {
    this.#stores.hurry();
    for (const { id, unreadCount, lastSeq } of this.rooms.all()) if (unreadCount > 0) this.#marks.delivered(id, lastSeq);
  }

  #said({ roomId, seq, sender, clientMessageId }: Events['new-message']): void {
    this.#typing.get(roomId)?.ends(sender.id);
    if (sender.id !== this.#core.me) this.#marks.delivered(roomId, seq);
    else if (clientMessageId) this.outbox.heard(clientMessageId);
  }
}

/** A client, to be started. */
export const createClient = (options: ClientOptions): Client => new Client(options);
