import type { Message } from '@parley/client';
import { createContext, use } from 'react';

/** What a message needs to know of the room, and what can be done with it there. */
export interface RoomScope {
  roomId: string;
  userId: string;
  /** The names of the members by their ids. */
  names: ReadonlyMap<string, string>;
  /** Deletes what others have said, and pins. */
  moderates: boolean;
  maySpeak: boolean;
  /** The message that is being edited. */
  editing: string | undefined;
  edit: (messageId: string | undefined) => void;
  openThread: (messageId: string) => void;
  showMessage: (messageId: string) => void;
  react: (message: Message, emoji: string) => void;
  pin: (message: Message) => void;
  remove: (message: Message) => void;
  save: (message: Message, content: string) => Promise<void>;
}

const RoomContext = createContext<RoomScope | null>(null);
export const RoomScopeProvider = RoomContext.Provider;

export function useRoomScope(): RoomScope {
  const scope = use(RoomContext);
  if (!scope) throw new Error('There is no room above.');
  return scope;
}
