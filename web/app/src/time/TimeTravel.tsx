import type { RoomView } from '@parley/client';
import { useClient } from '@parley/react';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Hourglass } from '../ui/icons';
import { useCallback, useMemo, useState } from 'react';
import { MessageItem } from '../timeline/MessageItem';
import { MessageList, type RowPlace } from '../timeline/MessageList';
import { rowsOf, type Row } from '../timeline/rows';
import { Empty, Skeleton } from '../ui/Empty';
import { messageOf } from '../ui/errors';
import { fullTime } from '../ui/time';
import { useDelayed } from '../ui/useDelayed';

interface Props {
  room: RoomView;
  onBack: () => void;
}

const steps = 1000; // of the slider, over the life of the room

/** The room as it was: what had been said by then, as it was worded then, and who was there. */
export function TimeTravel({ room, onBack }: Props) {
  const [{ from, to }] = useState(() => ({ from: Date.parse(room.createdAt), to: Date.now() }));
  const [moment, setMoment] = useState(to);
  const at = new Date(useDelayed(moment, 150)).toISOString();
  const step = Math.max(1, Math.floor((to - from) / steps));
  return (
    <>
      <section className="travel" aria-label="Time travel">
        <div className="row">
          <span className="grow">
            <span className="moment">{fullTime(moment)}</span> <Crowd roomId={room.id} at={at} />
          </span>
          <button type="button" className="button small" onClick={onBack}>Back to now</button>
        </div>
        <input type="range" aria-label="Time" aria-valuetext={fullTime(moment)} autoFocus min={from} max={to} step={step} value={moment} onChange={(event) => setMoment(Number(event.target.value))} />
        <div className="ends" aria-hidden="true">
          <span>{fullTime(from)}</span>
          <span>now</span>
        </div>
      </section>
      <Past key={room.id} roomId={room.id} at={at} />
    </>
  );
}

function Crowd({ roomId, at }: { roomId: string; at: string }) {
  const { rest } = useClient();
  const members = useQuery({
    queryKey: ['members', roomId, at],
    queryFn: ({ signal }) => rest.call('GET /api/v1/rooms/{id}/members', { path: { id: roomId }, query: { at, limit: 200 }, signal }),
    placeholderData: keepPreviousData,
  });
  const list = members.data?.items;
  if (!list) return null;
  const count = members.data?.nextCursor ? `${list.length}+` : String(list.length);
  return <span className="muted small" title={list.map((member) => member.username).join(', ')}>{count} {list.length === 1 ? 'member' : 'members'} then</span>;
}

function Past({ roomId, at }: { roomId: string; at: string }) {
  const { rest } = useClient();
  const pages = useInfiniteQuery({
    queryKey: ['past', roomId, at],
    queryFn: ({ pageParam, signal }) =>
      rest.call('GET /api/v1/rooms/{id}/messages', { path: { id: roomId }, query: { at, limit: 100, ...(pageParam > 0 && { before: pageParam }) }, signal }),
    initialPageParam: 0,
    getNextPageParam: () => undefined,
    getPreviousPageParam: (first) => (first.hasMoreBefore ? first.items[0]?.seq : undefined),
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => rowsOf(pages.data?.pages.flatMap((page) => page.items) ?? [], [], undefined), [pages.data]);
  const renderRow = useCallback((row: Row, place: RowPlace) => row.message && <MessageItem {...place} message={row.message} rowKey={row.key} first={row.first} />, []);
  const { fetchPreviousPage, isFetching } = pages;
  const onBefore = useCallback(() => void fetchPreviousPage(), [fetchPreviousPage]);

  if (pages.isPending) return <div className="timeline"><Skeleton lines={9} label="Loading messages" /></div>;
  if (pages.error) return <div className="timeline"><Empty icon={<Hourglass size={32} aria-hidden="true" />} title="This moment could not be loaded">{messageOf(pages.error)}</Empty></div>;
  const label = `Messages as of ${fullTime(at)}`;
  if (rows.length === 0) {
    return (
      <div className="timeline" role="feed" aria-label={label}>
        <Empty icon={<Hourglass size={32} aria-hidden="true" />} title="Nothing had been said yet" />
      </div>
    );
  }
  return <MessageList key={at} label={label} rows={rows} renderRow={renderRow} hasMoreBefore={pages.hasPreviousPage} hasMoreAfter={false} loading={isFetching} onBefore={onBefore} onAfter={nothing} newer={0} onToNewest={nothing} />;
}

const nothing = () => undefined;
