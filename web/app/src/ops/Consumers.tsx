import type { Consumer, Webhook } from '@parley/client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Skeleton } from '../ui/Empty';
import { useNotices } from '../ui/Notices';
import { usePoll, useRest } from './api';
import { count, shortMoment } from './format';
import { Rewind, type Place } from './Rewind';
import { Badge, Failure, Section, Table, type Tone } from './ui';

const every = 3000; // ms
const tones: Record<string, Tone> = { active: 'good', retrying: 'warn', parked: 'bad' };

interface Target {
  kind: 'consumer' | 'webhook';
  name: string;
  head: string;
}

/** Who reads the log at a pace of their own. */
export function Consumers() {
  const consumers = usePoll('GET /api/v1/consumers', every);
  const webhooks = usePoll('GET /api/v1/webhooks', every);
  const [target, setTarget] = useState<Target>();
  const { rewind, resume } = useChanges();
  if (!consumers.data || !webhooks.data) {
    const error = consumers.error ?? webhooks.error;
    return error ? <Failure error={error} /> : <Skeleton lines={6} label="Loading the consumers" />;
  }
  return (
    <>
      <Failure error={consumers.error ?? webhooks.error} />
      <Section title="Webhooks">
        <Table label="Webhooks" columns={['Webhook', 'State', { title: 'Position', number: true }, { title: 'Lag', number: true }, 'Delivered', 'Wants', 'Last error', '']} empty="There are no webhooks. PUT /api/v1/webhooks/NAME makes one.">
          {webhooks.data.items.map((hook) => (
            <WebhookRow key={hook.name} hook={hook} onRewind={() => setTarget({ kind: 'webhook', name: hook.name, head: hook.head })} onResume={() => resume.mutate(hook.name)} />
          ))}
        </Table>
      </Section>
      <Section title="Consumers">
        <Table label="Consumers" columns={['Consumer', 'Owner', { title: 'Position', number: true }, { title: 'Lag', number: true }, 'Acknowledged', 'Seen', 'Wants', '']} empty="There are no consumers. PUT /api/v1/consumers/NAME makes one.">
          {consumers.data.items.map((consumer) => (
            <ConsumerRow key={consumer.name} consumer={consumer} onRewind={() => setTarget({ kind: 'consumer', name: consumer.name, head: consumer.head })} />
          ))}
        </Table>
      </Section>
      {target && <Rewind name={target.name} head={target.head} onClose={() => setTarget(undefined)} onRewind={(place) => rewind.mutate({ ...target, place })} />}
    </>
  );
}

function WebhookRow({ hook, onRewind, onResume }: { hook: Webhook; onRewind: () => void; onResume: () => void }) {
  return (
    <tr>
      <th scope="row">
        {hook.name}
        <div className="muted small truncate ops-url" title={hook.url}>{hook.url}</div>
      </th>
      <td><Badge tone={tones[hook.state] ?? 'soft'}>{hook.state}</Badge></td>
      <td className="number">{count(Number(hook.position))}</td>
      <td className="number">{count(hook.lag)}</td>
      <td>{shortMoment(hook.deliveredAt)}</td>
      <td>{wants(hook)}</td>
      <td className="ops-error">{hook.lastError || '–'}{hook.attempts > 0 && ` (${count(hook.attempts)} attempts, next ${shortMoment(hook.nextAttemptAt)})`}</td>
      <td className="actions">
        {hook.parkedAt && <button type="button" className="button small" onClick={onResume} aria-label={`Try ${hook.name} again`}>Try again</button>}
        <button type="button" className="button small" onClick={onRewind} aria-label={`Rewind ${hook.name}`}>Rewind</button>
      </td>
    </tr>
  );
}

function ConsumerRow({ consumer, onRewind }: { consumer: Consumer; onRewind: () => void }) {
  return (
    <tr>
      <th scope="row">{consumer.name}</th>
      <td><code>{consumer.owner}</code></td>
      <td className="number">{count(Number(consumer.position))}</td>
      <td className="number">{count(consumer.lag)}</td>
      <td>{shortMoment(consumer.ackedAt)}</td>
      <td>{shortMoment(consumer.seenAt)}</td>
      <td>{wants(consumer)}</td>
      <td className="actions">
        <button type="button" className="button small" onClick={onRewind} aria-label={`Rewind ${consumer.name}`}>Rewind</button>
      </td>
    </tr>
  );
}

function wants({ types, streams, categories }: { types: string[]; streams: string[]; categories: string[] }): string {
  return [...types, ...categories, ...streams].join(', ') || 'everything';
}

function useChanges() {
  const rest = useRest();
  const queries = useQueryClient();
  const { fail } = useNotices();
  const shown = { onError: fail, onSettled: () => queries.invalidateQueries({ queryKey: ['ops'] }) };
  return {
    rewind: useMutation<unknown, Error, Target & { place: Place }>({
      mutationFn: ({ kind, name, place }) =>
        kind === 'webhook'
          ? rest.call('POST /api/v1/webhooks/{name}/rewind', { path: { name }, body: place })
          : rest.call('POST /api/v1/consumers/{name}/rewind', { path: { name }, body: place }),
      ...shown,
    }),
    resume: useMutation<unknown, Error, string>({ mutationFn: (name) => rest.call('POST /api/v1/webhooks/{name}/resume', { path: { name } }), ...shown }),
  };
}
