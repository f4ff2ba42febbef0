import type { UpkeepJob, ViewStatus } from '@parley/client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Confirm } from '../ui/Dialog';
import { Skeleton } from '../ui/Empty';
import { useNotices } from '../ui/Notices';
import { usePoll, useRest } from './api';
import { count } from './format';
import { Job } from './Job';
import { Badge, Failure, Section, Table, type Tone } from './ui';

const tones: Record<string, Tone> = { active: 'good', standby: 'soft', starting: 'warn', failed: 'bad', stopped: 'bad' };
const sample = 200;

/** How far the views are, and what can be done about them. */
export function Views() {
  const views = usePoll('GET /debug/projections', 2000);
  const upkeep = usePoll('GET /debug/upkeep', 1000);
  const [asked, setAsked] = useState('');
  const { rebuild, verify, cancel } = useUpkeep();
  const job = upkeep.data?.job ?? null;
  const busy = job?.state === 'running' || rebuild.isPending || verify.isPending;
  if (!views.data) return views.error ? <Failure error={views.error} /> : <Skeleton lines={8} label="Loading the views" />;
  return (
    <>
      <Failure error={views.error ?? upkeep.error} />
      {job && <Job job={job} onCancel={() => cancel.mutate(job.id)} />}
      <Section
        title="Views"
        tools={
          <>
            <button type="button" className="button small" disabled={busy} onClick={() => verify.mutate(sample)}>Verify a sample</button>
            <button type="button" className="button small" disabled={busy} onClick={() => verify.mutate(0)}>Verify everything</button>
          </>
        }
      >
        <Table label="Views" columns={['View', 'State', ...['Position', 'Lag', 'Events per second', 'Drift'].map((title) => ({ title, number: true as const })), 'Last error', '']} empty="There are no views.">
          {views.data.items.map((view) => <View key={view.name} view={view} busy={busy} onRebuild={() => setAsked(view.name)} />)}
        </Table>
        <p className="muted small">Positions are those that this node knows. Drift counts differences from the log that the standing check has found.</p>
      </Section>
      {asked && (
        <Confirm
          title={`Rebuild ${asked}?`}
          text="The view is made anew from the whole log beside the one that is read, and then takes its place: readers wait for half a second at most. It takes as long as the log is long, and load on Postgres."
          action="Rebuild"
          onConfirm={() => rebuild.mutate(asked)}
          onClose={() => setAsked('')}
        />
      )}
    </>
  );
}

function View({ view, busy, onRebuild }: { view: ViewStatus; busy: boolean; onRebuild: () => void }) {
  return (
    <tr>
      <th scope="row">{view.name}</th>
      <td><Badge tone={tones[view.state] ?? 'soft'}>{view.state}</Badge></td>
      <td className="number">{count(Number(view.position))}</td>
      <td className="number">{count(view.lag)}</td>
      <td className="number">{count(view.rate)}</td>
      <td className="number">{view.drift > 0 ? <Badge tone="bad">{count(view.drift)}</Badge> : '0'}</td>
      <td className="ops-error">{view.error ?? view.lastError ?? '–'}</td>
      <td className="actions">
        <button type="button" className="button small" disabled={busy} onClick={onRebuild} aria-label={`Rebuild ${view.name}`}>Rebuild</button>
      </td>
    </tr>
  );
}

function useUpkeep() {
  const rest = useRest();
  const queries = useQueryClient();
  const { fail } = useNotices();
  const shown = { onError: fail, onSettled: () => queries.invalidateQueries({ queryKey: ['ops', 'GET /debug/upkeep'] }) };
  return {
    rebuild: useMutation({ mutationFn: (name: string): Promise<UpkeepJob> => rest.call('POST /debug/projections/{name}/rebuild', { path: { name } }), ...shown }),
    verify: useMutation({ mutationFn: (sample: number): Promise<UpkeepJob> => rest.call('POST /debug/verify', { body: { sample } }), ...shown }),
    cancel: useMutation({ mutationFn: (id: string) => rest.call('DELETE /debug/upkeep/{id}', { path: { id } }), ...shown }),
  };
}
