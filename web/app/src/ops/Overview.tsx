import type { Load } from '@parley/client';
import { useMemo } from 'react';
import { Skeleton } from '../ui/Empty';
import { usePoll } from './api';
import { Chart } from './Chart';
import { bytes, count, milliseconds } from './format';
import { Failure, Section, Stat, Table } from './ui';
import { lately, latest, useLoad } from './useLoad';

interface ChartOf {
  title: string;
  lines: Record<string, string>;
  format: (value: number | null | undefined) => string;
}

const percentiles = (series: string): Record<string, string> => ({ 'median': `${series}P50`, '95%': `${series}P95`, '99%': `${series}P99` });

const charts: readonly ChartOf[] = [
  { title: 'Connections', lines: { WebSocket: 'websocket', 'long polling': 'polling' }, format: count },
  { title: 'Work per second', lines: { commands: 'commandsPerSecond', events: 'eventsPerSecond', requests: 'requestsPerSecond' }, format: count },
  { title: 'Pushes per second', lines: { pushes: 'pushesPerSecond' }, format: count },
  { title: 'Answers to sockets', lines: percentiles('socketEvent'), format: milliseconds },
  { title: 'Commits', lines: percentiles('commit'), format: milliseconds },
  { title: 'From commit to push', lines: percentiles('pushDelay'), format: milliseconds },
  { title: 'Queues', lines: { 'to be stored': 'appendQueue', 'to be published': 'publishQueue', 'to be told': 'unpushed', 'to be written': 'pushQueue' }, format: count },
  { title: 'Refusals, failures and drops per second', lines: { refusals: 'refusalsPerSecond', failures: 'failuresPerSecond', 'dropped pushes': 'droppedPerSecond', 'slow consumers': 'slowConsumersPerSecond' }, format: count },
  { title: 'Lag of the slowest view', lines: { events: 'viewLag' }, format: count },
  { title: 'Memory in use', lines: { heap: 'heapBytes' }, format: bytes },
];

/** How a node has been doing in the last ten minutes. */
export function Overview() {
  const { load, error } = useLoad();
  if (!load) return error ? <Failure error={error} /> : <Skeleton lines={8} label="Loading the numbers" />;
  return (
    <>
      <Failure error={error} />
      <Stats load={load} />
      <Section title="The last ten minutes" tools={<span className="muted small">node {load.node}</span>}>
        <Charts load={load} />
      </Section>
      <Latencies />
      <Waiting />
    </>
  );
}

function Stats({ load }: { load: Load }) {
  const failures = latest(load, 'failuresPerSecond') ?? 0;
  return (
    <dl className="ops-stats" aria-label="Now">
      <Stat label="Connections" value={count((latest(load, 'websocket') ?? 0) + (latest(load, 'polling') ?? 0))} />
      <Stat label="Users here" value={count(latest(load, 'users'))} />
      <Stat label="Rooms heard" value={count(latest(load, 'rooms'))} />
      <Stat label="Events per second" value={count(latest(load, 'eventsPerSecond'))} />
      <Stat label="Pushes per second" value={count(latest(load, 'pushesPerSecond'))} />
      <Stat label="Commit to push, 99%" value={milliseconds(lately(load, 'pushDelayP99'))} />
      <Stat label="Failures per second" value={count(failures)} alarm={failures > 0} />
    </dl>
  );
}

function Charts({ load }: { load: Load }) {
  const at = useMemo(() => load.at.map((ms) => ms / 1000), [load]);
  return (
    <div className="ops-charts">
      {charts.map(({ title, lines, format }) => <Lines key={title} title={title} at={at} load={load} names={lines} format={format} />)}
    </div>
  );
}

interface LinesProps {
  title: string;
  at: number[];
  load: Load;
  names: Record<string, string>;
  format: ChartOf['format'];
}

function Lines({ title, at, load, names, format }: LinesProps) {
  const lines = useMemo(() => Object.entries(names).map(([name, series]) => ({ name, values: load.series[series] ?? [] })), [load, names]);
  return <Chart title={title} at={at} lines={lines} format={format} />;
}

function Latencies() {
  const { data, error } = usePoll('GET /debug/socket/metrics', 5000);
  const rows = Object.entries(data?.latency ?? {}).sort(([, a], [, b]) => b.count - a.count);
  const errors = Object.entries(data?.errors ?? {}).sort(([, a], [, b]) => b - a);
  return (
    <Section title="Events of sockets" tools={<span className="muted small">the last five minutes, in ms</span>}>
      <Failure error={error} />
      <Table label="Latency by event" columns={['Event', ...['Count', 'Mean', 'Median', '95%', '99%'].map((title) => ({ title, number: true as const }))]} empty="No socket has asked for anything lately.">
        {rows.map(([event, l]) => (
          <tr key={event}>
            <th scope="row">{event}</th>
            {[l.count, l.avg, l.p50, l.p95, l.p99].map((value, index) => <td key={index} className="number">{count(value)}</td>)}
          </tr>
        ))}
      </Table>
      {errors.length > 0 && (
        <Table label="Refusals by code" columns={['Refusal', { title: 'Since the start', number: true }]} empty="">
          {errors.map(([code, n]) => (
            <tr key={code}>
              <th scope="row"><code>{code}</code></th>
              <td className="number">{count(n)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}

function Waiting() {
  const { data, error } = usePoll('GET /debug/queues', 2000);
  if (!data) return <Failure error={error} />;
  const { append, publish, follow, push } = data;
  return (
    <Section title="Queues and drops">
      <Failure error={error} />
      <dl className="ops-facts">
        <Fact name="Commands to be stored">{count(append.commands)} of {count(append.maxCommands)}, {bytes(append.bytes)}</Fact>
        <Fact name="Not stored since the start">{count(append.failed)} failed, {count(append.decidedAgain)} decided again</Fact>
        <Fact name="Commits to be published">{count(publish.commits)}, {bytes(publish.bytes)}; {count(publish.dropped)} dropped</Fact>
        <Fact name="Log">{follow.behind + follow.unpushed === 0 ? 'told to the end' : `${count(follow.unpushed)} events to be told, ${count(follow.behind)} to be read`}</Fact>
        <Fact name="Postgres">{follow.postgresUp ? 'there' : 'away'}</Fact>
        <Fact name="Redis">{follow.redisUp ? 'there' : 'away'}; {count(follow.repairedEvents)} events read from the log instead</Fact>
        <Fact name="To be written to sockets">{count(push.frames)} frames, {bytes(push.bytes)}; {bytes(push.maxBytesOfOne)} for one at most</Fact>
        <Fact name="Sockets coming in">{count(push.paused)}, {count(push.held)} pushes wait for them</Fact>
        <Fact name="Dropped since the start">{count(push.dropped)} volatile pushes, {count(push.slowConsumers)} slow consumers</Fact>
      </dl>
    </Section>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
