import { useClient, useRooms } from '@parley/react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { SearchX } from '../ui/icons';
import { useState } from 'react';
import { useRoomScope } from '../timeline/context';
import { Empty } from '../ui/Empty';
import { messageOf } from '../ui/errors';
import { useDelayed } from '../ui/useDelayed';
import { Panel } from './Panel';
import { Result } from './Result';

/** Finds what was said, here or in all of one's rooms. */
export function SearchPanel({ onClose }: { onClose: () => void }) {
  const { roomId } = useRoomScope();
  const { rest } = useClient();
  const { byId } = useRooms();
  const [text, setText] = useState('');
  const [everywhere, setEverywhere] = useState(false);
  const q = useDelayed(text.trim(), 250);
  const found = useQuery({
    queryKey: ['search', q, everywhere ? '' : roomId],
    queryFn: ({ signal }) => rest.call('GET /api/v1/search', { query: { q, limit: 50, ...(!everywhere && { roomId }) }, signal }),
    enabled: q !== '',
    placeholderData: keepPreviousData,
  });
  const items = q === '' ? [] : (found.data?.items ?? []);
  return (
    <Panel title="Search" onClose={onClose}>
      <div className="stack">
        <input className="input" type="text" role="searchbox" aria-label="Search messages" placeholder="Search messages" autoFocus maxLength={200} value={text} onChange={(event) => setText(event.target.value)} />
        <label className="row small">
          <input type="checkbox" checked={everywhere} onChange={(event) => setEverywhere(event.target.checked)} /> In all my rooms
        </label>
        {found.error && <p className="alert" role="alert">{messageOf(found.error)}</p>}
        <p className="sr-only" role="status">{q !== '' && found.isSuccess ? `${items.length} found` : ''}</p>
        {q !== '' && found.isSuccess && items.length === 0 && <Empty icon={<SearchX size={28} aria-hidden="true" />} title="Nothing found">Other words may help; quotes find a phrase, - leaves out.</Empty>}
        <ul className="results">
          {items.map((message) => <li key={message.id}><Result message={message} room={byId.get(message.roomId)?.name} /></li>)}
        </ul>
      </div>
    </Panel>
  );
}
