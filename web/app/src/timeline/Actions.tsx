import type { Message } from '@parley/client';
import { MessageSquareReply, Pencil, Pin, PinOff, SmilePlus, Trash2 } from '../ui/icons';
import { lazy, Suspense, useRef } from 'react';
import { Confirm } from '../ui/Dialog';
import { roving } from '../ui/roving';
import { useRoomScope } from './context';

const EmojiPicker = lazy(() => import('../composer/EmojiPicker'));
const moveAmong = roving(':scope > button');

export type Tool = 'emoji' | 'delete';

interface Props {
  message: Message;
  inThread: boolean;
  open: Tool | undefined;
  onOpen: (tool: Tool | undefined) => void;
}

/** What can be done with a message, by those who may. */
export function Actions({ message, inThread, open, onOpen }: Props) {
  const scope = useRoomScope();
  const bar = useRef<HTMLDivElement>(null);
  const mine = message.sender.id === scope.userId;
  const tools = [
    { label: 'React', icon: SmilePlus, act: () => onOpen('emoji') },
    !inThread && { label: 'Reply in thread', icon: MessageSquareReply, act: () => scope.openThread(message.replyTo ?? message.id) },
    scope.moderates && { label: message.pinned ? 'Unpin' : 'Pin', icon: message.pinned ? PinOff : Pin, act: () => scope.pin(message) },
    mine && { label: 'Edit', icon: Pencil, act: () => scope.edit(message.id) },
    (mine || scope.moderates) && { label: 'Delete', icon: Trash2, danger: true, act: () => onOpen('delete') },
  ].filter((tool) => tool !== false);
  return (
    <div ref={bar} className="actions" role="toolbar" aria-label="Message actions" onKeyDown={moveAmong}>
      {tools.map(({ label, icon: Icon, act, ...tool }, index) => (
        <button key={label} type="button" className={'danger' in tool ? 'icon-button small danger' : 'icon-button small'} aria-label={label} title={label} tabIndex={index === 0 ? 0 : -1} onClick={act}>
          <Icon size={16} aria-hidden="true" />
        </button>
      ))}
      {open === 'emoji' && (
        <Suspense>
          <EmojiPicker
            anchor={bar}
            onClose={() => onOpen(undefined)}
            onPick={(emoji) => {
              scope.react(message, emoji);
              onOpen(undefined);
            }}
          />
        </Suspense>
      )}
      {open === 'delete' && (
        <Confirm title="Delete this message?" text="It leaves a note that there was one. Nobody sees what it said any more." action="Delete" onConfirm={() => scope.remove(message)} onClose={() => onOpen(undefined)} />
      )}
    </div>
  );
}
