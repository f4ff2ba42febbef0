import type { RoomView } from '@parley/client';
import { useClient, useMembers, useRooms, useStore, useTyping } from '@parley/react';
import { DoorOpen } from '../ui/icons';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Composer } from '../composer/Composer';
import { MembersPanel } from '../panels/MembersPanel';
import { PinsPanel } from '../panels/PinsPanel';
import { SearchPanel } from '../panels/SearchPanel';
import { ThreadPanel } from '../panels/ThreadPanel';
import { TimeTravel } from '../time/TimeTravel';
import { RoomScopeProvider } from '../timeline/context';
import { LiveTimeline } from '../timeline/LiveTimeline';
import { Empty } from '../ui/Empty';
import { useNotices } from '../ui/Notices';
import { navigate, roomPath } from '../ui/router';
import { Banner } from './Banner';
import { useTitle } from './names';
import { RoomHeader, type Tool } from './RoomHeader';
import { useScope } from './scope';
import { TypingLine } from './TypingLine';

interface Props {
  room: RoomView;
  userId: string;
  /** The message to show, from the address. */
  seq: number | undefined;
}

export type Pane = { kind: Exclude<Tool, 'travel'> } | { kind: 'thread'; messageId: string };

/** One room: its messages, what is said next, and a pane beside. */
export function RoomPane({ room, userId, seq }: Props) {
  const { title, other } = useTitle(room);
  const client = useClient();
  const timeline = client.timeline(room.id);
  const gone = useStore(timeline, (state) => state.status === 'gone');
  const { fail } = useNotices();
  const [pane, setPane] = useState<Pane>();
  const [travelling, setTravelling] = useState(false);
  const [editing, setEditing] = useState<string>();
  const target = useMemo(() => (seq === undefined ? undefined : { seq }), [seq]);

  useEffect(() => {
    if (seq !== undefined) void timeline.jumpTo(seq).catch(fail);
  }, [seq, timeline, fail]);

  const closePane = useCallback(() => setPane(undefined), []);
  const openThread = useCallback((messageId: string) => setPane({ kind: 'thread', messageId }), []);
  const showMessage = useCallback(
    (messageId: string) => void timeline.jumpToMessage(messageId).then((found) => navigate(roomPath(room.id, found.seq)), fail),
    [timeline, room.id, fail],
  );
  const scope = useScope(room.id, {
    userId,
    direct: room.type === 'direct',
    maySpeak: room.archivedAt === null && !travelling,
    editing,
    edit: setEditing,
    openThread,
    showMessage,
  });
  // The same message may be asked for again.
  const forgetTarget = useCallback(() => navigate(roomPath(room.id), { replace: true }), [room.id]);
  const beginning = room.type === 'direct' ? `This is the beginning of what you and ${title} say` : `This is the beginning of ${title}`;
  const toggle = (tool: Tool) => {
    if (tool === 'travel') setTravelling(!travelling);
    else setPane(pane?.kind === tool ? undefined : { kind: tool });
  };

  if (gone) return <Gone room={room} />;
  return (
    <RoomScopeProvider value={scope}>
      <main id="messages" className="room" aria-label={title}>
        <RoomHeader room={room} userId={userId} title={title} other={other} open={travelling ? 'travel' : undefined} pane={pane?.kind} onToggle={toggle} />
        <Banner roomId={room.id} />
        {travelling ? (
          <TimeTravel room={room} onBack={() => setTravelling(false)} />
        ) : (
          <>
            <LiveTimeline beginning={beginning} target={target} onReached={forgetTarget} />
            <TypingLine roomId={room.id} />
            <Speak room={room} title={title} onEditLast={setEditing} userId={userId} />
          </>
        )}
      </main>
      {pane?.kind === 'thread' && <ThreadPanel key={pane.messageId} messageId={pane.messageId} onClose={closePane} />}
      {pane?.kind === 'pins' && <PinsPanel onClose={closePane} />}
      {pane?.kind === 'members' && <MembersPanel room={room} onClose={closePane} />}
      {pane?.kind === 'search' && <SearchPanel onClose={closePane} />}
    </RoomScopeProvider>
  );
}

interface SpeakProps {
  room: RoomView;
  title: string;
  userId: string;
  onEditLast: (messageId: string) => void;
}

function Speak({ room, title, userId, onEditLast }: SpeakProps) {
  const client = useClient();
  const timeline = client.timeline(room.id);
  const { members } = useMembers(room.id);
  const { touch, stop } = useTyping(room.id);
  if (room.archivedAt) return <p className="closed">This room is archived: it can be read, and nothing can be said in it.</p>;
  const editLast = () => {
    const last = timeline.getSnapshot().items.findLast((message) => message.sender.id === userId && !message.deletedAt);
    if (last) onEditLast(last.id);
  };
  return (
    <Composer
      draftKey={room.id}
      placeholder={room.type === 'direct' ? `Message ${title}` : `Message #${title}`}
      people={members}
      eager={matchMedia('(hover: hover)').matches} // on a phone the keyboard would hide what was said
      onTyping={touch}
      onEditLast={editLast}
      onSend={(draft) => {
        stop();
        client.send(room.id, draft);
        if (timeline.getSnapshot().hasMoreAfter) void timeline.jumpToEnd();
      }}
    />
  );
}

/** What is left of a room that one is no member of any more, or never was. */
export function Gone({ room, onJoin }: { room: RoomView | undefined; onJoin?: () => void }) {
  const { status } = useRooms();
  if (status === 'loading') return <main id="messages" className="room" aria-label="Loading" aria-busy="true" />;
  return (
    <main id="messages" className="room" aria-label={room?.name || 'Room'}>
      <Empty icon={<DoorOpen size={36} aria-hidden="true" />} title={room ? `You are no longer in ${room.name}` : 'You are not in this room'}>
        <div className="row">
          {onJoin && room?.type !== 'private' && <button type="button" className="button primary" onClick={onJoin}>Join</button>}
          <button type="button" className="button" onClick={() => navigate('/')}>Back to rooms</button>
        </div>
      </Empty>
    </main>
  );
}
