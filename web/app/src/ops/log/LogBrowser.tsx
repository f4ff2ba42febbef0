import type { Envelope } from '@parley/client';
import { ScrollText } from 'lucide-react';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { Empty } from '../../ui/Empty';
import { useRest } from '../api';
import { count, exactTime } from '../format';
import { Failure, Section } from '../ui';
import { EventPane } from './EventPane';
import { everything, type Filter } from './filter';
import { FilterForm } from './FilterForm';
import { keep, LogPlayer, type LogState } from './player';

/** The log: everything that ever happened here, in order. */
export function LogBrowser() {
  const rest = useRest();
  const player = useMemo(() => new LogPlayer(rest), [rest]);
  const state = useSyncExternalStore(player.subscribe, player.state);
  const [filter, setFilter] = useState<Filter>(everything);
  const [opened, setOpened] = useState<string>();
  useEffect(() => {
    void player.show(everything);
    return () => player.stop();
  }, [player]);

  const show = (next: Filter) => {
    setFilter(next);
    void player.show(next);
  };
  return (
    <div className={opened ? 'ops-log opened' : 'ops-log'}>
      <Section title="Log" tools={<span className="muted small" role="status">{told(state)}</span>}>
        <FilterForm filter={filter} state={state} player={player} onChange={setFilter} />
        <Failure error={state.error} />
        <Events state={state} opened={opened} onOpen={setOpened} />
        {state.more && state.mode === 'idle' && (
          <div className="row end">
            <button type="button" className="button small" onClick={() => void player.next()}>Next events</button>
          </div>
        )}
      </Section>
      {opened && (
        <EventPane
          key={opened}
          position={opened}
          onOpen={setOpened}
          onClose={() => setOpened(undefined)}
          onStream={(stream) => show({ ...everything, stream })}
        />
      )}
    </div>
  );
}

function told({ mode, paused, count: n, items }: LogState): string {
  const shown = n > keep ? `${count(n)} events, the last ${count(items.length)} shown` : `${count(n)} events`;
  if (mode === 'follow') return `Following: ${shown}`;
  if (mode === 'replay') return `${paused ? 'Paused' : 'Replaying'}: ${shown}`;
  return mode === 'page' ? 'Reading…' : shown;
}

interface EventsProps {
  state: LogState;
  opened: string | undefined;
  onOpen: (position: string) => void;
}

function Events({ state, opened, onOpen }: EventsProps) {
  const box = useRef<HTMLDivElement>(null);
  const live = state.mode === 'follow' || state.mode === 'replay';
  useEffect(() => {
    if (live && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [live, state.items]);
  if (state.items.length === 0) {
    return (
      <Empty icon={<ScrollText size={28} aria-hidden="true" />} title={live ? 'Waiting for events' : state.mode === 'page' ? 'Reading the log' : 'No event is like that'}>
        {live && 'What is recorded from now on appears here.'}
      </Empty>
    );
  }
  return (
    <div className="ops-table ops-events" role="group" aria-label="Events" tabIndex={0} ref={box}>
      <table aria-label="Events">
        <thead>
          <tr>
            <th scope="col" className="number">Position</th>
            <th scope="col">Recorded</th>
            <th scope="col">Type</th>
            <th scope="col">Stream</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>{state.items.map((event) => <Row key={event.position} event={event} open={event.position === opened} onOpen={onOpen} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ event, open, onOpen }: { event: Envelope; open: boolean; onOpen: (position: string) => void }) {
  const { userId } = event.metadata as { userId?: string };
  return (
    <tr className={open ? 'open' : undefined} onClick={() => onOpen(event.position)}>
      <td className="number">
        <button type="button" className="ops-link" aria-label={`Open event ${event.position}`} aria-expanded={open}>{event.position}</button>
      </td>
      <td title={event.recordedAt}>{exactTime(event.recordedAt)}</td>
      <th scope="row">{event.type}</th>
      <td><code className="truncate">{event.stream}</code></td>
      <td><code className="muted truncate">{userId ?? '–'}</code></td>
    </tr>
  );
}
