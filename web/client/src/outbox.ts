import { asParleyError, ParleyError } from './errors.ts';
import { randomId } from './ids.ts';
import { after } from './position.ts';
import type { Shelf } from './storage.ts';
import { Source } from './store.ts';
import type { Notifier } from './store.ts';
import type { Draft, PendingMessage } from './types.ts';
import type { Message, SendMessage } from './wire.generated.ts';

const prefix = 'outbox:';
const capacity = 1000;
const firstRetry = 1_000;
const lastRetry = 30_000;
/** How often a failure of the server's own is tried again. */
const faults = 5;
/** For how long a confirmed message waits for its push, which never comes if the room is not heard. */
const linger = 10_000;

export interface OutboxWiring {
  send: (message: SendMessage) => Promise<Message>;
  online: () => boolean;
  /** How far the log was heard. */
  heard: () => string;
  /** The unsent messages of a room have changed. */
  changed: (roomId: string) => void;
}

interface Entry {
  message: PendingMessage;
  order: number;
  attempts: number;
  /** When a confirmed one goes, though its push was not heard. */
  until: number;
  /** It was there when the page was loaded: another tab may have it too. */
  restored: boolean;
}

/**
 * Messages that are not confirmed. They are kept over a reload and sent in the order they were written, one at a time
 * in each room: the next one has to wait for the answer, or a refusal that is lifted would let it pass. Sending one
 * twice does no harm, because the server knows it by its clientMessageId.
 */
export class Outbox extends Source<readonly PendingMessage[]> {
  readonly #shelf: Shelf;
  readonly #wiring: OutboxWiring;
  readonly #byRoom = new Map<string, readonly PendingMessage[]>(); // as they were shown last
  #entries: Entry[] = []; // by order
  #order = 0;
  #notBefore = 0; // the server has asked for patience
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(notifier: Notifier, shelf: Shelf, wiring: OutboxWiring) {
    super(notifier);
    this.#shelf = shelf;
    this.#wiring = wiring;
    this.#restore();
  }

  /** Those of a room, oldest first. */
  of(roomId: string): readonly PendingMessage[] {
    const known = this.#byRoom.get(roomId);
    if (known) return known;
    const list = this.#entries.map(({ message }) => message).filter((message) => message.roomId === roomId);
    this.#byRoom.set(roomId, list);
    return list;
  }

  add(roomId: string, draft: Draft): PendingMessage {
    if (this.#closed) throw new ParleyError('CLOSED', 'the client is closed');
    if (this.#entries.length >= capacity) throw new ParleyError('QUEUE_FULL', `${capacity} messages wait to be sent already`);
    const message: PendingMessage = {
      ...draft,
      roomId,
      clientMessageId: randomId(),
      createdAt: new Date().toISOString(),
      state: 'queued',
      retryAt: null,
      error: null,
    };
    this.#order = Math.max(this.#order + 1, Date.now() * 1000);
    const entry = { message, order: this.#order, attempts: 0, until: 0, restored: false };
    this.#entries.push(entry);
    this.#keep(entry);
    this.#told(roomId);
    this.pump();
    return message;
  }

  /** Sends one again that has failed, or does not wait any longer. */
  retry(id: string): void {
    const entry = this.#find(id);
    if (!entry || (entry.message.state !== 'failed' && entry.message.state !== 'waiting')) return;
    entry.attempts = 0;
    this.#set(entry, { state: 'queued', retryAt: null, error: null });
    this.pump();
  }

  /** Gives one up. It may be on its way already. */
  discard(id: string): void {
    const entry = this.#find(id);
    if (entry) this.#remove(entry);
    this.pump();
  }

  /** A message of one's own was heard. */
  heard(id: string): void {
    const entry = this.#find(id);
    if (entry) this.#remove(entry);
  }

  /** Pushes may have been missed: what is confirmed is there when it is read. */
  resync(): void {
    for (const entry of this.#entries.filter(({ message }) => message.state === 'sent')) this.#remove(entry);
  }

  /** Sends what may be sent now, and forgets what has waited for its push for too long. */
  pump = (): void => {
    if (this.#closed) return;
    const now = Date.now();
    const confirmed = this.#entries.filter(({ message }) => message.state === 'sent');
    for (const entry of confirmed) if (entry.until <= now) this.#remove(entry);
    const heads = this.#heads();
    for (const entry of heads) if (this.#due(entry) <= now && this.#wiring.online()) void this.#send(entry);
    const dates = [...confirmed.map(({ until }) => until), ...heads.map((entry) => this.#due(entry))].filter((at) => at > now);
    this.#wake(dates.length > 0 ? Math.min(...dates) - now : null);
  };

  close(): void {
    this.#closed = true;
    this.#wake(null);
  }

  protected view(): readonly PendingMessage[] {
    return this.#entries.map(({ message }) => message);
  }

  /** Of each room the one whose turn it is, unless it is on its way. */
  #heads(): Entry[] {
    const heads = new Map<string, Entry>();
    for (const entry of this.#entries) {
      const { roomId, state } = entry.message;
      if (state !== 'failed' && state !== 'sent' && !heads.has(roomId)) heads.set(roomId, entry);
    }
    return [...heads.values()].filter(({ message }) => message.state !== 'sending');
  }

  #due({ message }: Entry): number {
    return Math.max(this.#notBefore, message.retryAt ?? 0);
  }

  async #send(entry: Entry): Promise<void> {
    if (entry.restored && this.#shelf.get(prefix + entry.message.clientMessageId) === null) return this.#elsewhere(entry);
    entry.attempts++;
    this.#set(entry, { state: 'sending', retryAt: null });
    const { roomId, content, attachments, mentions, replyTo, clientMessageId } = entry.message;
    try {
      const { position } = await this.#wiring.send({
        roomId,
        content,
        clientMessageId,
        ...(attachments && { attachments: [...attachments] }),
        ...(mentions && { mentions: [...mentions] }),
        ...(replyTo !== undefined && { replyTo }),
      });
      this.#sent(entry, position);
    } catch (error) {
      this.#failed(entry, asParleyError(error));
    }
    this.pump();
  }

  /** Another tab has sent it, or one has given it up there. */
  #elsewhere(entry: Entry): void {
    this.#remove(entry);
    this.pump();
  }

  #sent(entry: Entry, position: string): void {
    this.#shelf.remove(prefix + entry.message.clientMessageId);
    if (!this.#entries.includes(entry)) return; // its push was faster
    if (!after(position, this.#wiring.heard())) return this.#remove(entry); // there is no push any more
    entry.until = Date.now() + linger;
    this.#set(entry, { state: 'sent', error: null });
  }

  #failed(entry: Entry, error: ParleyError): void {
    if (this.#closed || !this.#entries.includes(entry)) return;
    const { code, message, retryAfterMs } = error;
    if (code === 'OFFLINE' || (code === 'TIMEOUT' && !this.#wiring.online())) {
      entry.attempts--;
      this.#set(entry, { state: 'queued' });
    } else if (again(error, entry.attempts)) {
      const retryAt = Date.now() + (retryAfterMs ?? Math.min(firstRetry * 2 ** (entry.attempts - 1), lastRetry));
      if (code === 'RATE_LIMITED') this.#notBefore = retryAt;
      this.#set(entry, { state: 'waiting', retryAt, error: { code, message } });
    } else {
      this.#set(entry, { state: 'failed', error: { code, message } });
    }
  }

  #find(id: string): Entry | undefined {
    return this.#entries.find(({ message }) => message.clientMessageId === id);
  }

  #set(entry: Entry, change: Partial<PendingMessage>): void {
    entry.message = { ...entry.message, ...change };
    if (entry.message.state === 'failed' || entry.message.state === 'queued') this.#keep(entry);
    this.#told(entry.message.roomId);
  }

  #remove(entry: Entry): void {
    if (!this.#entries.includes(entry)) return;
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#shelf.remove(prefix + entry.message.clientMessageId);
    this.#told(entry.message.roomId);
  }

  #told(roomId: string): void {
    this.#byRoom.delete(roomId);
    this.changed();
    this.#wiring.changed(roomId);
  }

  #keep({ message, order }: Entry): void {
    this.#shelf.put(prefix + message.clientMessageId, { message, order });
  }

  #restore(): void {
    for (const key of this.#shelf.keys(prefix)) {
      const kept = this.#shelf.get<{ message: PendingMessage; order: number }>(key);
      if (kept?.message?.clientMessageId) this.#entries.push({ ...kept, attempts: 0, until: 0, restored: true });
    }
    this.#entries.sort((a, b) => a.order - b.order);
    this.#order = this.#entries.at(-1)?.order ?? 0;
  }

  #wake(ms: number | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = ms === null ? null : setTimeout(this.pump, ms);
  }
}

/** Whether it is tried again by itself. */
function again({ code, temporary }: ParleyError, attempts: number): boolean {
  if (code === 'INTERNAL') return attempts < faults;
  return temporary || code === 'CONFLICT';
}
