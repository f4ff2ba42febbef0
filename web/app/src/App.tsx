import type { Account, OwnUser } from '@parley/client';
import { Parley, useClient, useRooms, useSocket, useStore } from '@parley/react';
import { lazy, Suspense, useEffect, useState, type MouseEvent } from 'react';
import { Gone, RoomPane } from './room/RoomPane';
import { Welcome } from './room/Welcome';
import { Sidebar } from './rooms/Sidebar';
import { SignIn } from './session/SignIn';
import { useNotices } from './ui/Notices';
import { Empty, Skeleton } from './ui/Empty';
import { Lock } from './ui/icons';
import { Link } from './ui/Link';
import { navigate, placeOf, roomPath, usePath } from './ui/router';

const OpsPage = lazy(() => import('./ops/OpsPage'));

export function App({ account }: { account: Account }) {
  const { user } = useStore(account);
  const place = placeOf(usePath());
  if (!user) return <SignIn account={account} />;
  if (place.page === 'ops') return <Operations user={user} account={account} />;
  return (
    <Parley tokens={account.tokens} userId={user.id}>
      <Chat user={user} account={account} roomId={place.roomId} seq={place.seq} />
    </Parley>
  );
}

/** Its own part of the program: who only chats does not load it. */
function Operations({ user, account }: { user: OwnUser; account: Account }) {
  if (!user.roles.includes('admin')) {
    return (
      <main className="aside-page">
        <Empty icon={<Lock size={28} aria-hidden="true" />} title="Operations are for administrators">
          <Link href="/">Back to chat</Link>
        </Empty>
      </main>
    );
  }
  return (
    <Suspense fallback={<main className="aside-page"><Skeleton lines={6} label="Loading operations" /></main>}>
      <OpsPage tokens={account.tokens} user={user} />
    </Suspense>
  );
}

interface ChatProps {
  user: OwnUser;
  account: Account;
  roomId: string | undefined;
  seq: number | undefined;
}

function Chat({ user, account, roomId, seq }: ChatProps) {
  const client = useClient();
  const { status } = useSocket();
  const { fail } = useNotices();
  const { rooms, byId, status: loaded } = useRooms();
  const room = roomId === undefined ? undefined : byId.get(roomId);
  const signOut = () => void account.logout().catch(fail);
  useEffect(() => {
    if (status === 'signed-out') signOut();
  }, [status]);
  useNewestRoom(roomId, rooms[0]?.id);
  useDocumentTitle(room?.name);

  const [last, setLast] = useState(room); // is still known by its name when one is put out
  if (room && room !== last) setLast(room);

  const join = (id: string) => void client.command('join-room', { roomId: id }).catch(fail);
  return (
    <div className={roomId === undefined ? 'frame' : 'frame in-room'}>
      <a className="skip" href="#messages" onClick={skipToMessages}>Skip to messages</a>
      <Sidebar user={user} roomId={roomId} onSignOut={signOut} />
      {room ? <RoomPane key={room.id} room={room} userId={user.id} seq={seq} /> : roomId === undefined ? <Welcome empty={loaded === 'ready' && rooms.length === 0} /> : <Gone room={last?.id === roomId ? last : undefined} onJoin={() => join(roomId)} />}
    </div>
  );
}

function skipToMessages(event: MouseEvent): void {
  event.preventDefault();
  const feed = document.querySelector<HTMLElement>('[role="feed"]');
  (feed?.querySelector<HTMLElement>('[data-row][tabindex="0"]') ?? feed)?.focus();
}

/** Where there is place for two panes, the room of newest activity is shown at first. */
function useNewestRoom(roomId: string | undefined, newest: string | undefined): void {
  useEffect(() => {
    if (roomId === undefined && newest !== undefined && matchMedia('(min-width: 45.01rem)').matches) navigate(roomPath(newest), { replace: true });
  }, [roomId, newest]);
}

function useDocumentTitle(name: string | undefined): void {
  const { unreadCount } = useRooms();
  useEffect(() => {
    const place = name ? `${name} · Parley` : 'Parley';
    document.title = unreadCount > 0 ? `(${unreadCount}) ${place}` : place;
  }, [name, unreadCount]);
}
