import type { Message, PendingMessage } from '@parley/client';
import { useMembers, useThread } from '@parley/react';
import { useEffect, useRef } from 'react';
import { Composer } from '../composer/Composer';
import { useRoomScope } from '../timeline/context';
import { MessageItem } from '../timeline/MessageItem';
import { PendingItem } from '../timeline/PendingItem';
import { Skeleton } from '../ui/Empty';
import { messageOf } from '../ui/errors';
import { Panel } from './Panel';

interface Props {
  messageId: string;
  onClose: () => void;
}

/** A message and the answers to it. */
export function ThreadPanel({ messageId, onClose }: Props) {
  const { roomId, maySpeak } = useRoomScope();
  const { members } = useMembers(roomId);
  const thread = useThread(roomId, messageId);
  const footer = maySpeak && thread.status === 'ready' && (
    <Composer draftKey={`thread ${messageId}`} placeholder="Reply…" label="Reply" sendLabel="Send reply" eager people={members} onSend={thread.reply} />
  );
  return (
    <Panel title="Thread" onClose={onClose} footer={footer}>
      {thread.status === 'loading' && <Skeleton lines={4} label="Loading the thread" />}
      {thread.status === 'failed' && <p className="alert" role="alert">{messageOf(thread.error)}</p>}
      {thread.root && <MessageItem message={thread.root} rowKey={thread.root.id} first position={1} tabIndex={0} highlighted={false} inThread />}
      {thread.hasMoreBefore && (
        <button type="button" className="button plain" disabled={thread.loadingBefore} onClick={() => void thread.loadBefore()}>Earlier replies</button>
      )}
      <Replies replies={thread.replies} pending={thread.pending} />
    </Panel>
  );
}

function Replies({ replies, pending }: { replies: readonly Message[]; pending: readonly PendingMessage[] }) {
  const { names, userId } = useRoomScope();
  const end = useRef<HTMLDivElement>(null);
  const count = replies.length + pending.length;
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [count]);
  const place = (index: number) => ({ position: index + 1, tabIndex: 0 as const, highlighted: false });
  return (
    <div role="feed" aria-label="Replies">
      {replies.map((reply, index) => <MessageItem key={reply.id} {...place(index)} message={reply} rowKey={reply.id} first inThread />)}
      {pending.map((waiting, index) => <PendingItem key={waiting.clientMessageId} {...place(replies.length + index)} pending={waiting} name={names.get(userId) ?? 'You'} first />)}
      <div ref={end} />
    </div>
  );
}
