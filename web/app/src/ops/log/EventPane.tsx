import type { Envelope } from '@parley/client';
import { useQuery } from '@tanstack/react-query';
import { ChevronLeft, ChevronRight, X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { Skeleton } from '../../ui/Empty';
import { useRest } from '../api';
import { Failure } from '../ui';
import { Causes } from './Causes';

interface Props {
  position: string;
  onOpen: (position: string) => void;
  onClose: () => void;
  onStream: (stream: string) => void;
}

/** One event: all of it, and what it has to do with others. */
export function EventPane({ position, onOpen, onClose, onStream }: Props) {
  const rest = useRest();
  const pane = useRef<HTMLElement>(null);
  const { data, error } = useQuery({
    queryKey: ['ops', 'event', position],
    queryFn: ({ signal }) => rest.call('GET /api/v1/events/{position}', { path: { position }, signal }),
    staleTime: Infinity, // what has happened does not change
    retry: 0,
  });
  useEffect(() => pane.current?.focus(), []);
  const step = (by: number) => () => onOpen(String(Number(position) + by));
  return (
    <aside ref={pane} className="ops-event" aria-label={`Event ${position}`} tabIndex={-1} onKeyDown={(event) => event.key === 'Escape' && onClose()}>
      <header className="row">
        <h2 className="grow">Event {position}</h2>
        <button type="button" className="icon-button small" aria-label="Event before" disabled={position === '1'} onClick={step(-1)}>
          <ChevronLeft size={18} aria-hidden="true" />
        </button>
        <button type="button" className="icon-button small" aria-label="Event after" onClick={step(1)}>
          <ChevronRight size={18} aria-hidden="true" />
        </button>
        <button type="button" className="icon-button small" aria-label="Close event" onClick={onClose}>
          <X size={18} aria-hidden="true" />
        </button>
      </header>
      <Failure error={error} />
      {data ? <Opened event={data} onOpen={onOpen} onStream={onStream} /> : !error && <Skeleton lines={6} label="Loading the event" />}
    </aside>
  );
}

function Opened({ event, onOpen, onStream }: { event: Envelope; onOpen: (position: string) => void; onStream: (stream: string) => void }) {
  return (
    <>
      <p>
        <strong>{event.type}</strong> is version {event.version} of{' '}
        <button type="button" className="ops-link" onClick={() => onStream(event.stream)} aria-label={`Show the stream ${event.stream}`}>
          {event.stream}
        </button>
      </p>
      <pre className="ops-json" tabIndex={0} aria-label="Event as JSON">{JSON.stringify(event, null, 2)}</pre>
      <Causes event={event} onOpen={onOpen} />
    </>
  );
}
