import type { Message } from '@parley/client';
import { CornerUpLeft, MessageSquareText, Paperclip, Pin } from '../ui/icons';
import { memo, useState, type PointerEvent, type ReactNode } from 'react';
import { isOnlyEmoji } from '../composer/emoji';
import { Markdown } from '../text/Markdown';
import { Avatar } from '../ui/Avatar';
import { clockTime, fullTime, shortTime } from '../ui/time';
import { Actions, type Tool } from './Actions';
import { useRoomScope } from './context';
import { EditBox } from './EditBox';
import type { RowPlace } from './MessageList';
import { Reactions } from './Reactions';
import { useNear } from './useNear';

interface Props extends RowPlace {
  message: Message;
  rowKey: string;
  /** Whether it shows who speaks. */
  first: boolean;
  /** Whether it is one of a thread, whose panel shows that already. */
  inThread?: boolean;
  children?: ReactNode;
}

export const MessageItem = memo(function MessageItem({ message, rowKey, first, position, tabIndex, highlighted, inThread = false, children }: Props) {
  const scope = useRoomScope();
  const { near, come, leave } = useNear(); // the tools are there only then
  const [tool, setTool] = useState<Tool>(); // the one that is in use, wherever the pointer goes
  const { sender, deletedAt } = message;
  const name = sender.displayName || sender.username;
  const gone = deletedAt !== null;
  const editing = scope.editing === message.id && !gone;
  const classes = ['message', first && 'first', highlighted && 'highlight', message.mentions.includes(scope.userId) && 'mentions-me'];
  return (
    <article
      className={classes.filter(Boolean).join(' ')}
      data-row={rowKey}
      data-seq={message.seq}
      tabIndex={tabIndex}
      aria-posinset={position}
      aria-setsize={-1}
      aria-label={`${name}, ${clockTime(message.at)}: ${gone ? 'Message deleted' : message.content.slice(0, 120)}`}
      onPointerEnter={(event) => event.pointerType === 'mouse' && come()}
      onPointerLeave={(event) => event.pointerType === 'mouse' && leave()}
      onPointerUp={focusByTouch}
      onFocus={come}
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && leave()}
    >
      <div className="gutter">{first ? <Avatar name={name} /> : <time dateTime={message.at} title={fullTime(message.at)}>{shortTime(message.at)}</time>}</div>
      <div>
        {first && (
          <div className="who">
            <strong className="truncate">{name}</strong>
            <time dateTime={message.at} title={fullTime(message.at)}>{clockTime(message.at)}</time>
            {message.pinned && <span className="note"><Pin size={12} aria-label="Pinned" /></span>}
          </div>
        )}
        {message.replyTo && !inThread && (
          <button type="button" className="reply-to" onClick={() => scope.openThread(message.replyTo ?? message.id)}>
            <CornerUpLeft size={13} aria-hidden="true" /> in a thread
          </button>
        )}
        {gone ? <p className="tombstone">Message deleted</p> : editing ? <EditBox message={message} /> : <Content message={message} />}
        {!gone && <Reactions message={message} />}
        {message.thread && !inThread && <ThreadLink message={message} />}
        {children}
      </div>
      {(near || tool) && !gone && !editing && scope.maySpeak && <Actions message={message} inThread={inThread} open={tool} onOpen={setTool} />}
    </article>
  );
});

/** A finger has no place to hover: a tap on a message brings its tools. */
function focusByTouch(event: PointerEvent<HTMLElement>): void {
  if (event.pointerType === 'mouse' || (event.target as Element).closest('a, button, input, textarea, [role="toolbar"]')) return;
  event.currentTarget.focus({ preventScroll: true });
}

function Content({ message }: { message: Message }) {
  const { names } = useRoomScope();
  const { content, mentions, attachments } = message;
  return (
    <>
      {isOnlyEmoji(content) ? <div className="text large">{content}</div> : <Markdown source={content} {...(mentions.length > 0 && { mentioned: namesOf(mentions, names) })} />}
      {message.editedAt && <span className="note" title={fullTime(message.editedAt)}>(edited)</span>}
      {attachments.length > 0 && (
        <div className="attachments">
          {attachments.map((attachment, index) => (
            <a key={index} className="attachment" href={attachment.url} target="_blank" rel="noopener noreferrer">
              <Paperclip size={14} aria-hidden="true" />
              <span className="truncate">{attachment.name || attachment.url}</span>
            </a>
          ))}
        </div>
      )}
    </>
  );
}

function ThreadLink({ message }: { message: Message }) {
  const { openThread } = useRoomScope();
  const count = message.thread?.replyCount ?? 0;
  if (count === 0) return null;
  return (
    <button type="button" className="thread-link" onClick={() => openThread(message.id)}>
      <MessageSquareText size={15} aria-hidden="true" />
      {count === 1 ? '1 reply' : `${count} replies`}
    </button>
  );
}

function namesOf(ids: readonly string[], names: ReadonlyMap<string, string>): ReadonlySet<string> {
  return new Set(ids.map((id) => names.get(id)).filter((name) => name !== undefined));
}
