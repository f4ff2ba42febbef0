import type { Message } from '@parley/client';
import { useEvent, useReceipts, useRooms, useTimeline } from '@parley/react';
import { MessagesSquare } from '../ui/icons';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Empty, Skeleton } from '../ui/Empty';
import { Dialog } from '../ui/Dialog';
import { messageOf } from '../ui/errors';
import { useRoomScope } from './context';
import { MessageItem } from './MessageItem';
import { MessageList, type RowPlace, type Target } from './MessageList';
import { PendingItem } from './PendingItem';
import { rowsOf, type Row } from './rows';

interface Props {
  /** What is said of an empty room. */
  beginning: string;
  target: Target | undefined;
  onReached: () => void;
}

/** A room as it is now. */
export function LiveTimeline({ beginning, target, onReached }: Props) {
  const { roomId, userId, names } = useRoomScope();
  const timeline = useTimeline(roomId);
  const unreadFrom = useUnreadFrom(roomId);
  const { items, pending, loadBefore, loadAfter, jumpToEnd, markRead, follow } = timeline;
  const rows = useMemo(() => rowsOf(items, pending, unreadFrom), [items, pending, unreadFrom]);
  const lastOwn = useMemo(() => items.findLast((message) => message.sender.id === userId && !message.deletedAt), [items, userId]);
  const onSeen = useReading(userId, markRead);
  const me = names.get(userId) ?? 'You';

  const renderRow = useCallback(
    (row: Row, place: RowPlace) =>
      row.message ? (
        <MessageItem {...place} message={row.message} rowKey={row.key} first={row.first}>
          {row.message === lastOwn && <SeenBy message={row.message} />}
        </MessageItem>
      ) : (
        row.pending && <PendingItem {...place} pending={row.pending} name={me} first={row.first} />
      ),
    [lastOwn, me],
  );

  if (timeline.status === 'loading' && rows.length === 0) return <div className="timeline"><Skeleton lines={9} label="Loading messages" /></div>;
  if (timeline.status === 'failed' && rows.length === 0) {
    return (
      <div className="timeline">
        <Empty icon={<MessagesSquare size={32} aria-hidden="true" />} title="The messages could not be loaded">
          <p>{messageOf(timeline.error)}</p>
          <button type="button" className="button" onClick={() => void timeline.reload()}>Try again</button>
        </Empty>
      </div>
    );
  }
  if (rows.length === 0) {
    return (
      <div className="timeline" role="feed" aria-label="Messages">
        <Empty icon={<MessagesSquare size={32} aria-hidden="true" />} title={beginning}>Say something: everybody here will see it.</Empty>
      </div>
    );
  }
  return (
    <>
      <MessageList
        label="Messages"
        rows={rows}
        renderRow={renderRow}
        hasMoreBefore={timeline.hasMoreBefore}
        hasMoreAfter={timeline.hasMoreAfter}
        loading={timeline.loadingBefore || timeline.loadingAfter}
        onBefore={loadBefore}
        onAfter={loadAfter}
        target={target}
        onReached={onReached}
        newer={timeline.newer}
        onToNewest={jumpToEnd}
        onSeen={onSeen}
        onFollow={follow}
      />
      <Announcer />
    </>
  );
}

/** Up to where one had read when one came; the mark stays there as long as one looks. */
function useUnreadFrom(roomId: string): number | undefined {
  const room = useRooms().byId.get(roomId);
  const known = useRef<{ readSeq: number | undefined }>(undefined);
  if (room && !known.current) known.current = { readSeq: room.unreadCount > 0 ? room.readSeq : undefined };
  return known.current?.readSeq;
}

/** Marks as read what was in sight. */
function useReading(userId: string, markRead: (seq: number) => void): (message: Message) => void {
  const read = useRef(0);
  return useCallback(
    ({ seq, sender }: Message) => {
      if (seq <= read.current) return;
      read.current = seq;
      if (sender.id !== userId) markRead(seq);
    },
    [userId, markRead],
  );
}

function SeenBy({ message }: { message: Message }) {
  const { roomId, names } = useRoomScope();
  const readers = useReceipts(roomId).readersOf(message).filter((id) => names.has(id));
  const [open, setOpen] = useState(false);
  if (readers.length === 0) return null;
  return (
    <>
      <button type="button" className="seen" onClick={() => setOpen(true)}>Seen by {readers.length === 1 ? names.get(readers[0] ?? '') : readers.length}</button>
      {open && (
        <Dialog title="Seen by" onClose={() => setOpen(false)}>
          <ul className="results">{readers.map((id) => <li key={id}>{names.get(id)}</li>)}</ul>
        </Dialog>
      )}
    </>
  );
}

const pause = 1200; // ms between what is read out: one can listen to no more

/** Reads new messages out to those who do not see them come. */
function Announcer() {
  const { roomId, userId } = useRoomScope();
  const [said, setSaid] = useState('');
  const waiting = useRef<{ count: number; timer: ReturnType<typeof setTimeout> | undefined }>({ count: 0, timer: undefined });
  useEvent('new-message', (message) => {
    if (message.roomId !== roomId || message.sender.id === userId) return;
    const queue = waiting.current;
    queue.count++;
    if (queue.timer !== undefined) return;
    queue.timer = setTimeout(() => {
      setSaid(queue.count > 1 ? `${queue.count} new messages` : `${message.sender.username}: ${message.content.slice(0, 300)}`);
      waiting.current = { count: 0, timer: undefined };
    }, queue.count === 1 && said === '' ? 0 : pause);
  });
  useEffect(() => () => clearTimeout(waiting.current.timer), []);
  return <div className="sr-only" role="log" aria-label="New messages" aria-live="polite">{said}</div>;
}
