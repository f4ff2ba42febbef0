// What an event makes of a message. A message carries the position of its last change, so that whatever comes
// twice, or late, changes nothing.

import { after } from './position.ts';
import type { Heard } from './room-store.ts';
import type { Message, Thread } from './wire.generated.ts';

/** The message after the event: the same object if the event changes nothing of it. */
export function changed(message: Message, heard: Heard): Message {
  switch (heard.event) {
    case 'new-message':
      return answered(newest(message, heard.payload), heard.payload);
    case 'message-edited':
      return newest(message, heard.payload);
    case 'message-deleted':
      return about(message, heard.payload, { content: '', attachments: [], deletedAt: heard.payload.at });
    case 'message-pinned':
      return about(message, heard.payload, { pinned: true });
    case 'message-unpinned':
      return about(message, heard.payload, { pinned: false });
    case 'reaction-added':
      return about(message, heard.payload, { reactions: withReaction(message, heard.payload) });
    case 'reaction-removed':
      return about(message, heard.payload, { reactions: withoutReaction(message, heard.payload) });
    default:
      return message;
  }
}

/** The message that the event is about, by its number in the room; of an answer also the one that it answers. */
export function seqOf(heard: Heard): number | null {
  switch (heard.event) {
    case 'new-message':
    case 'message-edited':
    case 'message-deleted':
    case 'message-pinned':
    case 'message-unpinned':
    case 'reaction-added':
    case 'reaction-removed':
      return heard.payload.seq;
    default:
      return null;
  }
}

/** The newer one of two states of a message. Answers are counted apart: they are no change of it. */
function newest(known: Message, read: Message): Message {
  if (known.id !== read.id) return known;
  const newer = after(read.position, known.position) ? read : known;
  const thread = longer(known.thread, read.thread);
  return thread === newer.thread || !thread ? newer : { ...newer, thread };
}

const longer = (a: Thread | undefined, b: Thread | undefined): Thread | undefined =>
  (b?.lastReplySeq ?? 0) > (a?.lastReplySeq ?? 0) ? b : a;

function answered(message: Message, answer: Message): Message {
  if (answer.replyTo !== message.id || answer.seq <= (message.thread?.lastReplySeq ?? 0)) return message;
  const replyCount = (message.thread?.replyCount ?? 0) + 1;
  return { ...message, thread: { replyCount, lastReplySeq: answer.seq, lastReplyAt: answer.at } };
}

function about(message: Message, event: { messageId: string; position: string }, change: Partial<Message>): Message {
  if (event.messageId !== message.id || !after(event.position, message.position)) return message;
  return { ...message, ...change, position: event.position };
}

interface Reacted {
  emoji: string;
  userId: string;
}

function withReaction({ reactions }: Message, { emoji, userId }: Reacted): Message['reactions'] {
  const users = reactions[emoji] ?? [];
  return users.includes(userId) ? reactions : { ...reactions, [emoji]: [...users, userId] };
}

function withoutReaction({ reactions }: Message, { emoji, userId }: Reacted): Message['reactions'] {
  const users = (reactions[emoji] ?? []).filter((user) => user !== userId);
  const { [emoji]: _, ...others } = reactions;
  return users.length > 0 ? { ...others, [emoji]: users } : others;
}
