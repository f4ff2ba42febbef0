import type { OwnUser, RoomView } from '@parley/client';
import { useClient, usePresence, useRooms } from '@parley/react';
import { Compass, Hash, Lock, MessagesSquare, Plus, SquarePen } from '../ui/icons';
import { memo, useState, type ReactNode } from 'react';
import { useTitle } from '../room/names';
import { Avatar } from '../ui/Avatar';
import { Empty, Skeleton } from '../ui/Empty';
import { messageOf } from '../ui/errors';
import { Link } from '../ui/Link';
import { roving } from '../ui/roving';
import { roomPath } from '../ui/router';
import { AccountMenu } from './AccountMenu';
import { BrowseRooms } from './BrowseRooms';
import { NewDirect } from './NewDirect';
import { NewRoom } from './NewRoom';

interface Props {
  user: OwnUser;
  roomId: string | undefined;
  onSignOut: () => void;
}

const moveAmong = roving('.room-link');

/** One's rooms, and the ways to more of them. */
export function Sidebar({ user, roomId, onSignOut }: Props) {
  const client = useClient();
  const { status, rooms: all, error } = useRooms();
  const rooms = all.filter((room) => room.archivedAt === null);
  const [open, setOpen] = useState<'new' | 'browse' | 'direct'>();
  const close = () => setOpen(undefined);
  const groups = rooms.filter((room) => room.type !== 'direct');
  const directs = rooms.filter((room) => room.type === 'direct');
  const tabStop = rooms.some((room) => room.id === roomId) ? roomId : (groups[0] ?? directs[0])?.id;
  const links = (list: readonly RoomView[]) => list.map((room) => <RoomLink key={room.id} room={room} current={room.id === roomId} tabIndex={room.id === tabStop ? 0 : -1} />);
  return (
    <nav className="sidebar" aria-label="Rooms">
      <header>
        <h1 className="brand grow"><MessagesSquare size={21} aria-hidden="true" />Parley</h1>
        <Tool label="Browse rooms" onPress={() => setOpen('browse')}><Compass size={19} aria-hidden="true" /></Tool>
        <Tool label="New room" onPress={() => setOpen('new')}><SquarePen size={18} aria-hidden="true" /></Tool>
      </header>
      <div className="rooms" onKeyDown={moveAmong}>
        {status === 'loading' && <Skeleton lines={5} label="Loading rooms" />}
        {status === 'failed' && rooms.length === 0 && (
          <div className="stack">
            <p className="alert" role="alert">{messageOf(error)}</p>
            <button type="button" className="button" onClick={() => void client.rooms.reload()}>Try again</button>
          </div>
        )}
        <h2 id="rooms-heading">Rooms</h2>
        {status === 'ready' && groups.length === 0 && (
          <Empty icon={<Compass size={28} aria-hidden="true" />} title="No rooms yet">
            <button type="button" className="button plain" onClick={() => setOpen('browse')}>Find one to join</button>
          </Empty>
        )}
        <ul aria-labelledby="rooms-heading">{links(groups)}</ul>
        <h2>
          <span id="directs-heading">Direct messages</span>
          <Tool label="New direct message" small onPress={() => setOpen('direct')}><Plus size={17} aria-hidden="true" /></Tool>
        </h2>
        <ul aria-labelledby="directs-heading">{links(directs)}</ul>
      </div>
      <footer><AccountMenu user={user} onSignOut={onSignOut} /></footer>
      {open === 'new' && <NewRoom onClose={close} />}
      {open === 'browse' && <BrowseRooms onClose={close} />}
      {open === 'direct' && <NewDirect onClose={close} />}
    </nav>
  );
}

interface RoomLinkProps {
  room: RoomView;
  current: boolean;
  tabIndex: number;
}

const RoomLink = memo(function RoomLink({ room, current, tabIndex }: RoomLinkProps) {
  const { title, other } = useTitle(room);
  const { unreadCount, mentionCount } = room;
  return (
    <li>
      <Link href={roomPath(room.id)} className={unreadCount > 0 && !current ? 'room-link unread' : 'room-link'} aria-current={current ? 'page' : undefined} aria-label={unreadCount > 0 && !current ? title + counts(unreadCount, mentionCount) : title} tabIndex={tabIndex}>
        <span className="glyph">{other ? <Person userId={other} name={title} /> : room.type === 'private' ? <Lock size={16} aria-hidden="true" /> : <Hash size={17} aria-hidden="true" />}</span>
        <span className="grow truncate">{title}</span>
        {unreadCount > 0 && !current && <span className={mentionCount > 0 || other ? 'badge mention' : 'badge'} aria-hidden="true">{short(mentionCount || unreadCount)}</span>}
      </Link>
    </li>
  );
});

function Person({ userId, name }: { userId: string; name: string }) {
  const presence = usePresence([userId]).get(userId);
  return <Avatar name={name} small status={presence?.status ?? 'offline'} />;
}

function Tool({ label, small, onPress, children }: { label: string; small?: boolean; onPress: () => void; children: ReactNode }) {
  return <button type="button" className={small ? 'icon-button small' : 'icon-button'} aria-label={label} title={label} onClick={onPress}>{children}</button>;
}

function short(count: number): string {
  return count > 99 ? '99+' : String(count);
}

function counts(unread: number, mentions: number): string {
  const text = `, ${unread} unread`;
  return mentions === 0 ? text : `${text}, ${mentions} ${mentions === 1 ? 'mention' : 'mentions'}`;
}
