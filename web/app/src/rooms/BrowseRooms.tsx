import { useClient, useRooms } from '@parley/react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Hash } from '../ui/icons';
import { useState } from 'react';
import { Dialog } from '../ui/Dialog';
import { Empty, Skeleton } from '../ui/Empty';
import { messageOf } from '../ui/errors';
import { navigate, roomPath } from '../ui/router';
import { useAttempt } from '../ui/useAttempt';
import { useDelayed } from '../ui/useDelayed';

/** The rooms that anybody may join. */
export function BrowseRooms({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const { byId } = useRooms();
  const { error, attempt } = useAttempt();
  const [text, setText] = useState('');
  const q = useDelayed(text.trim(), 200);
  const rooms = useInfiniteQuery({
    queryKey: ['public rooms', q],
    queryFn: ({ pageParam, signal }) => client.rest.call('GET /api/v1/rooms', { query: { scope: 'public', q, limit: 50, ...(pageParam && { cursor: pageParam }) }, signal }),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor || undefined,
    placeholderData: keepPreviousData,
  });
  const open = (roomId: string) => {
    onClose();
    navigate(roomPath(roomId));
  };
  const join = (roomId: string) =>
    attempt(async () => {
      await client.command('join-room', { roomId });
      open(roomId);
    });
  const items = rooms.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Dialog title="Browse rooms" onClose={onClose}>
      <div className="stack">
        <input className="input" type="text" role="searchbox" aria-label="Find a room" placeholder="Find a room" autoFocus maxLength={100} value={text} onChange={(event) => setText(event.target.value)} />
        {error && <p className="alert" role="alert">{error}</p>}
        {rooms.isPending && <Skeleton lines={3} label="Loading rooms" />}
        {rooms.error && <p className="alert" role="alert">{messageOf(rooms.error)}</p>}
        {rooms.isSuccess && items.length === 0 && <Empty icon={<Hash size={28} aria-hidden="true" />} title="No public room of that name" />}
        <ul>
          {items.map((room) => (
            <li key={room.id} className="list-item">
              <Hash size={18} aria-hidden="true" />
              <span className="grow">
                <span className="truncate">{room.name}</span>
                <span className="muted small"> · {room.memberCount} {room.memberCount === 1 ? 'member' : 'members'}</span>
              </span>
              {byId.has(room.id) ? (
                <button type="button" className="button small" aria-label={`Open ${room.name}`} onClick={() => open(room.id)}>Open</button>
              ) : (
                <button type="button" className="button small primary" aria-label={`Join ${room.name}`} onClick={() => join(room.id)}>Join</button>
              )}
            </li>
          ))}
        </ul>
        {rooms.hasNextPage && <button type="button" className="button" onClick={() => void rooms.fetchNextPage()}>More rooms</button>}
      </div>
    </Dialog>
  );
}
