import type { RoomView } from '@parley/client';
import { useMembers, useSocket } from '@parley/react';

export interface Titled {
  title: string;
  /** Whom a direct room is with. */
  other: string | undefined;
}

/** What a room is called. A direct one is called as the other is. */
export function useTitle(room: Pick<RoomView, 'id' | 'name' | 'type'>): Titled {
  const { userId } = useSocket();
  const { members } = useMembers(room.id);
  if (room.type !== 'direct') return { title: room.name, other: undefined };
  const other = members.find((member) => member.userId !== userId);
  return { title: other?.username ?? (room.name || 'Direct message'), other: other?.userId };
}
