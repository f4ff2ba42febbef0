import { useClient, useEvent } from '@parley/react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Pin } from '../ui/icons';
import { useRoomScope } from '../timeline/context';
import { Empty, Skeleton } from '../ui/Empty';
import { messageOf } from '../ui/errors';
import { Panel } from './Panel';
import { Result } from './Result';

/** What somebody found worth keeping at hand. */
export function PinsPanel({ onClose }: { onClose: () => void }) {
  const { roomId } = useRoomScope();
  const { rest } = useClient();
  const queries = useQueryClient();
  const queryKey = ['pins', roomId];
  const pins = useQuery({
    queryKey,
    queryFn: ({ signal }) => rest.call('GET /api/v1/rooms/{id}/messages', { path: { id: roomId }, query: { pinned: 'true', limit: 200 }, signal }),
  });
  const refresh = (event: { roomId: string }) => {
    if (event.roomId === roomId) void queries.invalidateQueries({ queryKey });
  };
  useEvent('message-pinned', refresh);
  useEvent('message-unpinned', refresh);
  useEvent('message-deleted', refresh);
  return (
    <Panel title="Pinned messages" onClose={onClose}>
      {pins.isPending && <Skeleton lines={3} label="Loading pinned messages" />}
      {pins.error && <p className="alert" role="alert">{messageOf(pins.error)}</p>}
      {pins.data?.items.length === 0 && <Empty icon={<Pin size={28} aria-hidden="true" />} title="Nothing is pinned">Pin a message and everybody finds it here.</Empty>}
      <ul className="results">
        {pins.data?.items.toReversed().map((message) => <li key={message.id}><Result message={message} /></li>)}
      </ul>
    </Panel>
  );
}
