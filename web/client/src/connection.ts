import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import type { Cursor } from './cursor.ts';
import type { EventName } from './emitter.ts';
import { ParleyError } from './errors.ts';
import type { ServerCode } from './errors.ts';
import { later } from './position.ts';
import { Source } from './store.ts';
import type { Notifier } from './store.ts';
import type { ConnectionState, TokenSource } from './types.ts';
import type { Ack, Commands, Events, FailedAck } from './wire.generated.ts';

export type CommandName = keyof Commands;

export interface Wiring {
  url: string;
  path: string;
  transports: ('websocket' | 'polling')[];
  tokens: TokenSource;
  cursor: Cursor;
  /** Whose client this is, if that is known: nothing of it may go out in somebody else's name. */
  userId: string | null;
  /** What the server tells: each durable event once, in order. */
  hear: <E extends EventName>(event: E, payload: Events[E]) => void;
  /** The status is another one. */
  changed: () => void;
  /** How many messages are known to be missing. */
  behind: () => number;
}

const patience = 10_000; // for an answer
const again = 2_000; // after a refusal that may be over then
const soonest = 500; // that one comes back

/** The socket: comes back by itself with the cursor, renews its token, and says how it stands. */
export class Connection extends Source<ConnectionState> {
  readonly #wiring: Wiring;
  readonly #socket: Socket;
  #status: ConnectionState['status'] = 'idle';
  #since = Date.now();
  #heardAt = Date.now();
  #userId: string | null;
  #error: ParleyError | null = null;
  #used: string | null = null; // the token that was shown last
  #renewed: string | null = null; // one that was shown because another was refused
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(notifier: Notifier, wiring: Wiring) {
    super(notifier);
    this.#wiring = wiring;
    this.#userId = wiring.userId;
    this.#socket = io(wiring.url, {
      path: wiring.path,
      transports: wiring.transports,
      tryAllTransports: true,
      autoConnect: false,
      forceNew: true,
      reconnectionDelay: soonest,
      reconnectionDelayMax: 5_000,
      auth: (show) => show(this.#credentials()),
    });
    this.#socket.on('connect_error', (error) => this.#refused(error));
    this.#socket.on('disconnect', (reason) => this.#lost(reason));
    this.#socket.onAny((event: EventName, payload: { position?: unknown }) => this.#hear(event, payload));
    this.#socket.io.on('ping', this.#alive);
  }

  get online(): boolean {
    return this.#status === 'online' && this.#socket.connected;
  }

  /** Who one is, once the server has said so. */
  get userId(): string | null {
    return this.#userId;
  }

  /** Says that it is about to connect, before it can. */
  begin(): void {
    this.#enter('connecting');
  }

  connect(): void {
    if (this.#status === 'connecting') this.#socket.connect();
  }

  /** The network may be back, or somebody looks again: tries now instead of waiting. */
  hurry(): void {
    if (this.#status !== 'offline' || this.#error?.code !== 'OFFLINE') return;
    this.#socket.disconnect();
    this.#socket.connect();
  }

  /** Ends it with a status that does not change any more by itself. */
  end(status: 'closed' | 'signed-out' | 'refused', error: ParleyError | null = null): void {
    this.#later(null);
    this.#socket.disconnect();
    if (status === 'closed') this.#socket.io.off('ping', this.#alive);
    this.#enter(status, error);
  }

  /** Says a command and returns the answer. A refusal is a ParleyError. */
  async command<N extends CommandName>(name: N, payload: Commands[N]['payload']): Promise<Commands[N]['data']> {
    if (this.#status === 'closed') throw new ParleyError('CLOSED', 'the client is closed');
    if (!this.online) throw new ParleyError('OFFLINE', 'not connected');
    let ack: Ack | Ack[];
    try {
      ack = (await this.#socket.timeout(patience).emitWithAck(name, payload)) as Ack | Ack[];
    } catch (cause) {
      throw new ParleyError('TIMEOUT', 'the server has not answered', { cause });
    }
    if (Array.isArray(ack)) return ack as Commands[N]['data'];
    if (ack.success) return ack.data as Commands[N]['data'];
    throw refusal(ack as FailedAck);
  }

  /** What is missing has changed. */
  measured(): void {
    this.changed();
  }

  protected view(): ConnectionState {
    return {
      status: this.#status,
      since: this.#since,
      behind: this.#wiring.behind(),
      userId: this.#userId,
      transport: this.online ? (this.#socket.io.engine?.transport.name as 'websocket' | 'polling') : null,
      error: this.#error,
    };
  }

  readonly #alive = (): void => {
    this.#heardAt = Date.now();
  };

  #credentials(): Record<string, unknown> {
    this.#used = this.#wiring.tokens.get();
    const offset = this.#wiring.cursor.at;
    return { token: this.#used ?? '', ...(offset && { offset }) };
  }

  #hear(event: EventName, payload: { position?: unknown }): void {
    this.#alive();
    const { cursor, hear } = this.#wiring;
    if (event === 'session') return this.#welcome(payload as Events['session']);
    if (event === 'resync-required') cursor.reset((payload as Events['resync-required']).position);
    else if (typeof payload.position === 'string' && !cursor.advance(payload.position)) return; // heard before
    if (event === 'server-draining') this.#draining(payload as Events['server-draining']);
    if (event === 'token-expiring') this.#expiring(payload as Events['token-expiring']);
    hear(event, payload as never);
  }

  #welcome(session: Events['session']): void {
    if (this.#wiring.userId !== null && this.#wiring.userId !== session.userId) {
      this.end('refused', new ParleyError('INVALID_USER', 'the token is of another user'));
      return;
    }
    const { cursor, hear } = this.#wiring;
    cursor.reset(later(session.position, cursor.at ?? session.position));
    this.#userId = session.userId;
    this.#renewed = null;
    this.#socket.io.reconnectionDelay(soonest);
    this.#enter('online');
    this.#socket.io.engine.once('upgrade', () => this.changed());
    hear('session', session);
  }

  /** The node is about to go: all of its clients come back at their own time. */
  #draining({ reconnectInMs }: Events['server-draining']): void {
    this.#socket.io.reconnectionDelay(Math.max(soonest, reconnectInMs));
  }

  #lost(reason: Socket.DisconnectReason): void {
    if (reason === 'io client disconnect') return; // one's own doing, which says the status itself
    this.#enter('offline');
    // The server has put one out, because the token has ended or was revoked. Else the socket comes back by itself.
    if (reason === 'io server disconnect') void this.#renew();
  }

  #refused(error: Error & { data?: { code?: ServerCode; retryAfterMs?: number } }): void {
    const code = error.data?.code;
    if (!code) return this.#enter('offline', new ParleyError('OFFLINE', 'the server was not reached', { cause: error }));
    const refusal = new ParleyError(code, error.message, error.data);
    if (code === 'UNAUTHENTICATED' || code === 'TOKEN_EXPIRED') {
      if (this.#used !== null && this.#used === this.#renewed) return this.end('refused', refusal);
      this.#enter('offline', refusal);
      void this.#renew();
    } else if (refusal.temporary) {
      this.#enter('offline', refusal);
      this.#later(() => this.#socket.connect(), refusal.retryAfterMs);
    } else {
      this.end('refused', refusal);
    }
  }

  /** Comes back with another token. */
  async #renew(): Promise<void> {
    try {
      const next = await this.#wiring.tokens.refresh(this.#used);
      if (this.#status !== 'offline') return;
      if (next === null) return this.end('signed-out', this.#error);
      this.#renewed = next;
      this.#socket.connect();
    } catch {
      if (this.#status === 'offline') this.#later(() => void this.#renew());
    }
  }

  /** There is time: not all clients of a node renew at once, nor does one with short-lived tokens all the time. */
  #expiring({ expiresInMs }: Events['token-expiring']): void {
    this.#later(() => void this.#extend(), expiresInMs / 4);
  }

  /** Stays with another token. If that fails the server puts one out when the old one ends, and one comes back. */
  async #extend(): Promise<void> {
    try {
      const token = await this.#wiring.tokens.refresh(this.#used); // which another tab may have done
      if (token === null || !this.online) return;
      await this.command('refresh-token', { token });
      this.#used = token;
    } catch {
      if (this.online) this.#later(() => void this.#extend());
    }
  }

  #later(run: (() => void) | null, ms = again): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = run && setTimeout(run, ms * (1 + Math.random()));
  }

  #enter(status: ConnectionState['status'], error: ParleyError | null = null): void {
    if (this.#status === 'closed') return;
    const lost = status === 'offline' && this.#status === 'online';
    if (this.#status !== status) this.#since = lost ? this.#heardAt : Date.now();
    this.#status = status;
    this.#error = error;
    this.changed();
    this.#wiring.changed();
  }
}

function refusal({ code, error, retryAfterMs, fields }: FailedAck): ParleyError {
  return new ParleyError(code, error, { ...(retryAfterMs !== undefined && { retryAfterMs }), ...(fields && { fields }) });
}
