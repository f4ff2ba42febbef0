import type { Client, Commands, ConnectionState, Draft, Events, MembersState, Message, PendingMessage, PresenceState, ReceiptsState, RoomsState, Store, ThreadState, TimelineState, Typist } from '@parley/client';
import { useEffect, useEffectEvent, useMemo, useSyncExternalStore } from 'react';
import { useClient } from './context.tsx';

/** What a store shows, and a new rendering when that changes. */
export function useStore<T>(store: Store<T>): T;
/** A part of it, and a new rendering when that part is another one. */
export function useStore<T, P>(store: Store<T>, select: (snapshot: T) => P): P;
export function useStore<T, P>(store: Store<T>, select?: (snapshot: T) => P): T | P {
  const read = () => (select ? select(store.getSnapshot()) : store.getSnapshot());
  return useSyncExternalStore(store.subscribe, read, read);
}

export interface Socket extends ConnectionState {
  connected: boolean;
  /** Sends a command; resolves with the data of its ack, and rejects with a ParleyError. */
  emit: <C extends keyof Commands>(command: C, payload: Commands[C]['payload']) => Promise<Commands[C]['data']>;
}

/** How it stands with the connection, and a way to send commands. */
export function useSocket(): Socket {
  const client = useClient();
  const connection = useStore(client.connection);
  return useMemo(
    () => ({ ...connection, connected: connection.status === 'online', emit: (command, payload) => client.command(command, payload) }),
    [client, connection],
  );
}

/** Calls the listener at each event of that name, as long as the component is there. */
export function useEvent<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): void {
  const client = useClient();
  const latest = useEffectEvent(listener);
  useEffect(() => client.on(event, (data) => latest(data)), [client, event]);
}

/** One's own rooms, those of newest activity first. */
export function useRooms(): RoomsState {
  return useStore(useClient().rooms);
}

export interface Timeline extends TimelineState {
  loadBefore: () => Promise<void>;
  loadAfter: () => Promise<void>;
  jumpTo: (seq: number) => Promise<void>;
  jumpToEnd: () => Promise<void>;
  reload: () => Promise<void>;
  /** Whether one is at the end: there old messages make place for new ones, elsewhere new ones wait. */
  follow: (atEnd: boolean) => void;
  /** Says something; it is among `pending` until the server has it. */
  send: (draft: Draft | string) => PendingMessage;
  markRead: (seq: number) => void;
}

/** What was said in a room. */
export function useTimeline(roomId: string): Timeline {
  const client = useClient();
  const store = client.timeline(roomId);
  const state = useStore(store);
  const actions = useMemo(
    () => ({
      loadBefore: () => store.loadBefore(),
      loadAfter: () => store.loadAfter(),
      jumpTo: (seq: number) => store.jumpTo(seq),
      jumpToEnd: () => store.jumpToEnd(),
      reload: () => store.reload(),
      follow: (atEnd: boolean) => store.follow(atEnd),
      send: (draft: Draft | string) => client.send(roomId, typeof draft === 'string' ? { content: draft } : draft),
      markRead: (seq: number) => client.markRead(roomId, seq),
    }),
    [client, store, roomId],
  );
  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}

export interface Thread extends ThreadState {
  loadBefore: () => Promise<void>;
  reply: (draft: Draft | string) => PendingMessage;
}

/** A message and the answers to it. */
export function useThread(roomId: string, messageId: string): Thread {
  const client = useClient();
  const store = client.thread(roomId, messageId);
  const state = useStore(store);
  return useMemo(
    () => ({
      ...state,
      loadBefore: () => store.loadBefore(),
      reply: (draft: Draft | string) => client.send(roomId, { ...(typeof draft === 'string' ? { content: draft } : draft), replyTo: messageId }),
    }),
    [client, store, state, roomId, messageId],
  );
}

/** Who is in a room. */
export function useMembers(roomId: string): MembersState {
  return useStore(useClient().members(roomId));
}

export interface Typing {
  /** The others who type now. */
  typists: readonly Typist[];
  /** To be called at each keystroke; it goes out at most every few seconds. */
  touch: () => void;
  stop: () => void;
}

/** Who types in a room, and saying that one does. One types no more when the component goes. */
export function useTyping(roomId: string): Typing {
  const store = useClient().typing(roomId);
  const typists = useStore(store);
  useEffect(() => () => store.stop(), [store]);
  return useMemo(() => ({ typists, touch: () => store.touch(), stop: () => store.stop() }), [store, typists]);
}

/** How users are there. They are watched as long as the component is. */
export function usePresence(userIds: readonly string[]): PresenceState {
  const client = useClient();
  const key = [...new Set(userIds)].sort().join(' ');
  useEffect(() => (key === '' ? undefined : client.presence.watch(key.split(' '))), [client, key]);
  return useStore(client.presence);
}

export interface Receipts extends ReceiptsState {
  /** Who has read a message, apart from its sender. */
  readersOf: (message: Pick<Message, 'seq' | 'sender'>) => string[];
}

/** How far the members of a room have read. */
export function useReceipts(roomId: string): Receipts {
  const state = useStore(useClient().receipts(roomId));
  return useMemo(() => ({ ...state, readersOf: (message) => readersOf(state, message) }), [state]);
}

function readersOf({ byUser }: ReceiptsState, { seq, sender }: Pick<Message, 'seq' | 'sender'>): string[] {
  return Array.from(byUser.values())
    .filter((receipt) => receipt.readSeq >= seq && receipt.userId !== sender.id)
    .map((receipt) => receipt.userId);
}

export interface Outbox {
  messages: readonly PendingMessage[];
  retry: Client['retry'];
  discard: Client['discard'];
}

/** One's own messages that the server does not have yet, in all rooms. */
export function useOutbox(): Outbox {
  const client = useClient();
  const messages = useStore(client.outbox);
  return useMemo(() => ({ messages, retry: (id) => client.retry(id), discard: (id) => client.discard(id) }), [client, messages]);
}
