import type { Member, Message } from '@parley/client';
import { useClient, useMembers } from '@parley/react';
import { useMemo } from 'react';
import type { RoomScope } from '../timeline/context';
import { useNotices } from '../ui/Notices';

interface View {
  userId: string;
  direct: boolean;
  maySpeak: boolean;
  editing: string | undefined;
  edit: (messageId: string | undefined) => void;
  openThread: (messageId: string) => void;
  showMessage: (messageId: string) => void;
}

/** What can be done with the messages of a room, as one's role there allows. The server has the last word. */
export function useScope(roomId: string, view: View): RoomScope {
  const client = useClient();
  const { fail } = useNotices();
  const { members, byId } = useMembers(roomId);
  const { userId, direct, maySpeak, editing, edit, openThread, showMessage } = view;
  const moderates = direct || mayModerate(byId.get(userId));
  const names = useMemo(() => new Map(members.map((member) => [member.userId, member.username])), [members]);
  const commands = useMemo(() => commandsOf(client, roomId, userId, fail), [client, roomId, userId, fail]);
  return useMemo(
    () => ({ roomId, userId, names, moderates, maySpeak, editing, edit, openThread, showMessage, ...commands }),
    [roomId, userId, names, moderates, maySpeak, editing, edit, openThread, showMessage, commands],
  );
}

export function mayModerate(member: Member | undefined): boolean {
  return member?.role === 'owner' || member?.role === 'moderator';
}

/** Whether one decides about the room itself, and who leads it. */
export function mayLead(member: Member | undefined): boolean {
  return member?.role === 'owner';
}

function commandsOf(client: ReturnType<typeof useClient>, roomId: string, userId: string, fail: (error: unknown) => void) {
  const to = (message: Message) => ({ roomId, messageId: message.id });
  return {
    react: (message: Message, emoji: string) => {
      const taken = message.reactions[emoji]?.includes(userId) ?? false;
      client.command(taken ? 'remove-reaction' : 'add-reaction', { ...to(message), emoji }).catch(fail);
    },
    pin: (message: Message) => void client.command(message.pinned ? 'unpin-message' : 'pin-message', to(message)).catch(fail),
    remove: (message: Message) => void client.command('delete-message', to(message)).catch(fail),
    save: async (message: Message, content: string) => void (await client.command('edit-message', { ...to(message), content })),
  };
}
