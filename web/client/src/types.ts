// What the client shows: stores, and the states that they hold.

import type { ParleyError } from './errors.ts';
import type { Attachment, Member, Message, OwnUser, Presence, RestReceipt, Summary } from './wire.generated.ts';

/**
 * A value that changes. The snapshot is immutable and stays the same object until something changes; listeners are
 * told at most once a frame. Both functions may be passed around, e.g. to useSyncExternalStore.
 */
export interface Store<T> {
  subscribe: (listener: () => void) => () => void;
  getSnapshot: () => T;
}

/** How it stands with the connection. */
export interface ConnectionState {
  /**
   * - `idle`: not started;
   * - `connecting`: for the first time;
   * - `online`;
   * - `offline`: lost or not reached, comes back by itself;
   * - `refused`: not let in, and trying again would not help (`error` says why);
   * - `signed-out`: the token is no longer good and there is no other one;
   * - `closed`.
   */
  status: 'idle' | 'connecting' | 'online' | 'offline' | 'refused' | 'signed-out' | 'closed';
  /** When the status began; for `offline` since when nothing was heard. Milliseconds as of Date.now(). */
  since: number;
  /** How many messages are known to be missing in what is shown, until they are read: "3 messages behind". */
  behind: number;
  /** Who one is, once the server has said so. */
  userId: string | null;
  transport: 'websocket' | 'polling' | null;
  error: ParleyError | null;
}

/** A room of one's own, with what is unread. */
export interface RoomView extends Summary {
  /** Whether its events come over the socket: that many rooms have a limit. */
  heard: boolean;
  /** When something was said there last, or else when it was made (RFC 3339). */
  activeAt: string;
}

export interface RoomsState {
  status: 'loading' | 'ready' | 'failed';
  /** Those of newest activity first. */
  rooms: readonly RoomView[];
  byId: ReadonlyMap<string, RoomView>;
  unreadCount: number;
  mentionCount: number;
  error: ParleyError | null;
}

/** What is to be said. */
export interface Draft {
  content: string;
  attachments?: readonly Attachment[];
  mentions?: readonly string[];
  replyTo?: string;
}

/** A message of one's own that the server has not confirmed. It survives a reload. */
export interface PendingMessage extends Draft {
  clientMessageId: string;
  roomId: string;
  /** RFC 3339. */
  createdAt: string;
  /**
   * - `queued`: goes out when it is its turn, and the connection is there;
   * - `sending`;
   * - `waiting`: the server asked for patience, or could not store it now; goes on by itself at `retryAt`;
   * - `sent`: confirmed, and shown here only until the messages before it have come;
   * - `failed`: for good, see `error`; retry or discard it.
   */
  state: 'queued' | 'sending' | 'waiting' | 'sent' | 'failed';
  retryAt: number | null;
  error: { code: string; message: string } | null;
}

export interface TimelineState {
  /** `gone`: one is no member any more, or there is no such room. */
  status: 'loading' | 'ready' | 'failed' | 'gone';
  /** A stretch of the room without a gap, by ascending seq. Deleted messages stay as tombstones. */
  items: readonly Message[];
  /** One's own that are not confirmed, to be shown after the last one. */
  pending: readonly PendingMessage[];
  hasMoreBefore: boolean;
  hasMoreAfter: boolean;
  loadingBefore: boolean;
  loadingAfter: boolean;
  /** How many messages the room has after `items`: more than 0 while one looks at older ones. */
  newer: number;
  error: ParleyError | null;
}

export interface ThreadState {
  status: 'loading' | 'ready' | 'failed';
  root: Message | null;
  replies: readonly Message[];
  pending: readonly PendingMessage[];
  hasMoreBefore: boolean;
  loadingBefore: boolean;
  error: ParleyError | null;
}

export interface MembersState {
  status: 'loading' | 'ready' | 'failed';
  members: readonly Member[];
  byId: ReadonlyMap<string, Member>;
  error: ParleyError | null;
}

export interface ReceiptsState {
  status: 'loading' | 'ready' | 'failed';
  byUser: ReadonlyMap<string, RestReceipt>;
  error: ParleyError | null;
}

export interface Typist {
  userId: string;
  username: string;
}

export type PresenceState = ReadonlyMap<string, Presence>;

/** Whose tokens are used, and where new ones come from. */
export interface TokenSource {
  /** The access token; null if there is none. It may be one that has expired. */
  get(): string | null;
  /** Another one, after `used` was refused or is about to expire; null if one has to sign in again. */
  refresh(used: string | null): Promise<string | null>;
}

/** A local account that is signed in, or null. */
export interface AccountState {
  user: OwnUser | null;
}

/** Where texts are kept over a reload. localStorage is one. */
export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  readonly length: number;
  key(index: number): string | null;
}
