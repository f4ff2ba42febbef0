import { ParleyError, type Envelope, type Trace } from '@parley/client';
import { useQuery } from '@tanstack/react-query';
import { useRest } from '../api';
import { exactTime } from '../format';
import { Failure } from '../ui';
import { messageOf, relatives, traceOf, way } from './causes';

interface Props {
  event: Envelope;
  onOpen: (position: string) => void;
}

/** Where an event comes from, what else came of it, and how it reached everybody. */
export function Causes({ event, onOpen }: Props) {
  const rest = useRest();
  const id = messageOf(event);
  const trace = useQuery({
    queryKey: ['ops', 'trace', id, event.position],
    queryFn: ({ signal }) => rest.call('GET /api/v1/messages/{id}/trace', { path: { id: id! }, signal }),
    enabled: id !== undefined,
    retry: 0,
  });
  const near = useQuery({
    queryKey: ['ops', 'relatives', event.position],
    queryFn: ({ signal }) => relatives(rest, event, signal),
    staleTime: Infinity,
    retry: 0,
  });
  const { correlationId, causationId, userId } = event.metadata as { correlationId?: string; causationId?: string; userId?: string };
  return (
    <section className="ops-causes" aria-label="Causes">
      <h3>Causes</h3>
      <dl className="ops-facts">
        <div><dt>Asked for by</dt><dd><code>{userId ?? 'the node'}</code></dd></div>
        {correlationId && <div><dt>Command</dt><dd><code>{correlationId}</code></dd></div>}
        {causationId && <div><dt>Caused by</dt><dd><code>{causationId}</code></dd></div>}
      </dl>
      <Failure error={near.error ?? (gone(trace.error) ? null : trace.error)} />
      {near.data && near.data.length > 0 && <Others title="Of the same command" events={near.data} onOpen={onOpen} />}
      {trace.data && <Way trace={trace.data} position={event.position} />}
      {trace.data && <Others title="The message" events={[trace.data.event, ...trace.data.changes.map((change) => change.event)].filter((e) => e.position !== event.position)} onOpen={onOpen} />}
    </section>
  );
}

/** A message that was erased has no trace. */
const gone = (error: unknown): boolean => error instanceof ParleyError && error.code === 'MESSAGE_NOT_FOUND';

function Others({ title, events, onOpen }: { title: string; events: { position: string; type: string }[]; onOpen: (position: string) => void }) {
  if (events.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <ul className="ops-list">
        {events.map((event) => (
          <li key={event.position}>
            <button type="button" className="ops-link" onClick={() => onOpen(event.position)} aria-label={`Open event ${event.position}: ${event.type}`}>
              {event.position}
            </button>{' '}
            {event.type}
          </li>
        ))}
      </ul>
    </>
  );
}

function Way({ trace, position }: { trace: Trace; position: string }) {
  const traced = traceOf(trace, position);
  const steps = traced ? way(traced) : [];
  if (steps.length === 0) return null;
  return (
    <>
      <h4>From the command to the sockets</h4>
      <ol className="ops-way">
        {steps.map((step, index) => (
          <li key={index}>
            <time dateTime={step.at} title={exactTime(step.at)}>+{step.after} ms</time>
            <span>{step.what}</span>
            <span className="muted small truncate">{step.who}</span>
          </li>
        ))}
      </ol>
    </>
  );
}
