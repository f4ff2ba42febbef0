import type { Message, PendingMessage } from '@parley/client';
import { dayKey } from '../ui/time';

/** One line of the timeline: a message, or one that is not sent yet, and what stands above it. */
export interface Row {
  key: string;
  message?: Message;
  pending?: PendingMessage;
  /** When it was said, for a row that begins a day. */
  day?: string;
  /** Whether it shows who speaks: others follow under the same name. */
  first: boolean;
  /** Whether the first one that was unread. */
  unread: boolean;
}

const together = 5 * 60_000; // what one says within these milliseconds stands under one name

export function rowsOf(items: readonly Message[], pending: readonly PendingMessage[], readSeq: number | undefined): Row[] {
  const rows: Row[] = [];
  let before: Message | undefined;
  for (const message of items) {
    const day = !before || dayKey(before.at) !== dayKey(message.at);
    const unread = readSeq !== undefined && message.seq > readSeq && (before ? before.seq <= readSeq : false);
    const follows = before !== undefined && before.sender.id === message.sender.id && !message.replyTo && Date.parse(message.at) - Date.parse(before.at) < together;
    rows.push({ key: keyOf(message), message, first: day || unread || !follows, unread, ...(day && { day: message.at }) });
    before = message;
  }
  for (const [index, waiting] of pending.entries()) {
    rows.push({ key: waiting.clientMessageId, pending: waiting, first: index === 0, unread: false });
  }
  return rows;
}

/** One's own message keeps its place, and the focus, when it is confirmed. */
function keyOf(message: Message): string {
  return message.clientMessageId ?? message.id;
}
