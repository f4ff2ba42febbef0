import type { Envelope, Rest, Trace, Traced } from '@parley/client';
import { everything, parameters } from './filter';
import { events } from './stream';

/** How far from an event others of the same command are looked for: one command is stored at once. */
const near = 100;

/** The message that an event is about. */
export function messageOf(event: Envelope): string | undefined {
  if (event.type === 'MessageSent') return event.id;
  const { messageId } = event.data as { messageId?: unknown };
  return typeof messageId === 'string' ? messageId : undefined;
}

/** The other events of the same command, and the one that caused this, as far as they are near. */
export async function relatives(rest: Rest, event: Envelope, signal: AbortSignal): Promise<Envelope[]> {
  const { correlationId, causationId } = event.metadata as { correlationId?: string; causationId?: string };
  if (!correlationId && !causationId) return [];
  const position = Number(event.position);
  const window = { ...everything, from: String(Math.max(1, position - near)), to: String(position + near) };
  const found: Envelope[] = [];
  for await (const other of events(rest, parameters(window), signal)) {
    if (other.position === event.position) continue;
    const { correlationId: its } = other.metadata as { correlationId?: string };
    if ((correlationId && its === correlationId) || other.id === causationId) found.push(other);
  }
  return found;
}

export interface Step {
  what: string;
  who: string;
  at: string;
  /** Milliseconds since the first step. */
  after: number;
}

/** The way of an event from the command to the sockets, in the order of time. */
export function way({ command, event, published, projections, deliveries }: Traced): Step[] {
  const steps: Omit<Step, 'after'>[] = [];
  const add = (what: string, who: string, at: string | null | undefined) => at && steps.push({ what, who, at });
  add(`${command.event || 'command'} heard`, command.socketId ? `socket ${command.socketId}` : command.userId, command.receivedAt);
  add('stored', event.node, event.recordedAt);
  add('answered', command.userId, command.answeredAt);
  add('published', published?.by ?? '', published?.at);
  for (const p of projections) add(`in the view ${p.view}`, p.node, p.at);
  for (const d of deliveries) add(`pushed to ${d.sockets} ${d.sockets === 1 ? 'socket' : 'sockets'}`, d.node, d.at);
  steps.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const first = steps[0] ? Date.parse(steps[0].at) : 0;
  return steps.map((step) => ({ ...step, after: Date.parse(step.at) - first }));
}

/** The part of a message's trace that is about one event. */
export function traceOf(trace: Trace, position: string): Traced | undefined {
  if (trace.event.position === position) return trace;
  return trace.changes.find((change) => change.event.position === position);
}
