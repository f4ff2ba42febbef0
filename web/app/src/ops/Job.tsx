import type { UpkeepJob } from '@parley/client';
import { count, span } from './format';
import { Badge, Section, Table, type Tone } from './ui';

const tones: Record<string, Tone> = { running: 'warn', done: 'good', failed: 'bad', canceled: 'soft' };

/** A rebuild or a proof: how far it is, and what came of it. */
export function Job({ job, onCancel }: { job: UpkeepJob; onCancel: () => void }) {
  const running = job.state === 'running';
  const took = (job.endedAt ? Date.parse(job.endedAt) : Date.now()) - Date.parse(job.startedAt);
  const name = job.kind === 'rebuild' ? `Rebuild of ${job.view}` : job.sample ? `Proof of ${count(job.sample)} rooms and users` : 'Proof of all views';
  return (
    <Section title={name} tools={running && <button type="button" className="button small" onClick={onCancel}>Cancel</button>}>
      <div className="ops-job">
        <div className="row">
          <Badge tone={job.finding === 'different' && !running ? 'bad' : (tones[job.state] ?? 'soft')}>{job.state}</Badge>
          <span role="status" className="grow">{outcome(job)}</span>
          <span className="muted small">{span(took)} on {job.node}</span>
        </div>
        {running && <progress aria-label={name} {...(job.total > 0 && { value: Math.min(job.done, job.total), max: job.total })} />}
        {(job.examples?.length ?? 0) > 0 && (
          <Table label="Differences" columns={['View', 'What differs']} empty="">
            {job.examples!.map(({ view, what }, index) => (
              <tr key={index}>
                <th scope="row">{view}</th>
                <td><code>{what}</code></td>
              </tr>
            ))}
          </Table>
        )}
      </div>
    </Section>
  );
}

function outcome(job: UpkeepJob): string {
  const read = job.total > 0 ? `${count(job.done)} of ${count(job.total)} events` : `${count(job.done)} events`;
  if (job.state === 'running') return read;
  if (job.state !== 'done') return job.error ? `${job.error}, after ${read}` : `after ${read}`;
  const compared = job.kind === 'verify' ? `${count(job.compared ?? 0)} rooms and users compared` : `${count(job.done)} events, in place`;
  if (job.finding === 'same') return job.kind === 'verify' ? `${compared}: the views are what the log says` : `${compared}: it was what the log says`;
  if (job.finding === 'unknown') return `${compared}: the old view was behind, and was not compared`;
  return job.kind === 'verify' ? `${compared}: ${count(job.differences)} differences` : `${compared}: it was not what the log says, and is now`;
}
