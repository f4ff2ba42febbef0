import { useDeferredValue, useState } from 'react';
import { Skeleton } from '../ui/Empty';
import { usePoll } from './api';
import { bytes, count, shortMoment } from './format';
import { Badge, Failure, Section, Stat, Table } from './ui';

type Transport = '' | 'websocket' | 'polling';

/** The sockets of all nodes. */
export function Connections() {
  const [userId, setUserId] = useState('');
  const [node, setNode] = useState('');
  const [transport, setTransport] = useState<Transport>('');
  const [pages, setPages] = useState<string[]>([]); // the cursors of those before and of this one
  const filter = useDeferredValue({ userId: userId.trim(), node, transport, cursor: pages.at(-1) ?? '' });
  const { data, error } = usePoll('GET /debug/socket/connections', 3000, { query: { limit: 100, ...given(filter) } });
  const first = () => setPages([]);
  if (!data) return error ? <Failure error={error} /> : <Skeleton lines={8} label="Loading the connections" />;
  return (
    <>
      <Failure error={error} />
      <dl className="ops-stats" aria-label="Now">
        <Stat label="Connections" value={count(data.total)} />
        <Stat label="WebSocket" value={count(data.byTransport.websocket ?? 0)} />
        <Stat label="Long polling" value={count(data.byTransport.polling ?? 0)} />
        <Stat label="Nodes" value={count(data.nodes.length)} />
      </dl>
      {!data.complete && <p className="alert" role="status">Redis is away: only the sockets of this node are known.</p>}
      <Section title="Nodes">
        <Table label="Nodes" columns={['Node', { title: 'Connections', number: true }, { title: 'WebSocket', number: true }, { title: 'Long polling', number: true }]} empty="No node has connections.">
          {data.nodes.map((n) => (
            <tr key={n.node}>
              <th scope="row">{n.node}</th>
              <td className="number">{count(n.total)}</td>
              <td className="number">{count(n.byTransport.websocket ?? 0)}</td>
              <td className="number">{count(n.byTransport.polling ?? 0)}</td>
            </tr>
          ))}
        </Table>
      </Section>
      <Section title="Sockets">
        <form className="ops-filter" aria-label="Filter connections" onSubmit={(event) => event.preventDefault()}>
          <label className="field">
            <span className="label">User id</span>
            <input className="input" value={userId} maxLength={256} spellCheck={false} onChange={(event) => (setUserId(event.target.value), first())} />
          </label>
          <label className="field">
            <span className="label">Node</span>
            <select className="input" value={node} onChange={(event) => (setNode(event.target.value), first())}>
              <option value="">all</option>
              {data.nodes.map((n) => <option key={n.node}>{n.node}</option>)}
            </select>
          </label>
          <label className="field">
            <span className="label">Transport</span>
            <select className="input" value={transport} onChange={(event) => (setTransport(event.target.value as Transport), first())}>
              <option value="">all</option>
              <option value="websocket">WebSocket</option>
              <option value="polling">long polling</option>
            </select>
          </label>
        </form>
        <Table label="Sockets" columns={['User', 'Transport', 'Node', { title: 'Rooms', number: true }, { title: 'Queued', number: true }, 'Since', 'Socket']} empty="No socket is like that.">
          {data.connections.map((c) => (
            <tr key={`${c.node} ${c.id}`}>
              <th scope="row">
                <button type="button" className="ops-link" title="Show only this user" onClick={() => (setUserId(c.userId), first())}><code>{c.userId}</code></button>
              </th>
              <td><Badge tone={c.transport === 'websocket' ? 'good' : 'soft'}>{c.transport}</Badge></td>
              <td>{c.node}</td>
              <td className="number" title={c.rooms.join('\n')}>{count(c.roomCount)}</td>
              <td className="number">{bytes(c.queuedBytes)}</td>
              <td>{shortMoment(c.handshakeTime)}</td>
              <td><code className="muted">{c.id}</code></td>
            </tr>
          ))}
        </Table>
        <div className="row end">
          <button type="button" className="button small" disabled={pages.length === 0} onClick={() => setPages((now) => now.slice(0, -1))}>Back</button>
          <button type="button" className="button small" disabled={!data.nextCursor} onClick={() => setPages((now) => [...now, data.nextCursor!])}>Next</button>
        </div>
      </Section>
    </>
  );
}

/** What is filled in. */
function given<T extends Record<string, string>>(filter: T): Partial<T> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== '')) as Partial<T>;
}
