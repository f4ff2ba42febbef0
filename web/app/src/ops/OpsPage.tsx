import { Rest, type OwnUser, type TokenSource } from '@parley/client';
import { ArrowLeft } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { Link } from '../ui/Link';
import { usePath } from '../ui/router';
import { RestContext } from './api';
import { Connections } from './Connections';
import { Consumers } from './Consumers';
import { LogBrowser } from './log/LogBrowser';
import './ops.css';
import { Overview } from './Overview';
import { Views } from './Views';

const sections: Record<string, { title: string; show: () => ReactNode }> = {
  '': { title: 'Overview', show: () => <Overview /> },
  connections: { title: 'Connections', show: () => <Connections /> },
  views: { title: 'Views', show: () => <Views /> },
  consumers: { title: 'Consumers', show: () => <Consumers /> },
  log: { title: 'Log', show: () => <LogBrowser /> },
};

/** What administrators see of the nodes, their views and the log. Only they are let in; the server makes sure of it. */
export default function OpsPage({ tokens, user }: { tokens: TokenSource; user: OwnUser }) {
  const [rest] = useState(() => new Rest('', tokens));
  const name = usePath().split(/[/?]/)[2] ?? '';
  const section = sections[name] ?? sections['']!;
  useEffect(() => {
    document.title = `${section.title} · Parley operations`;
  }, [section]);
  return (
    <RestContext value={rest}>
      <div className="ops">
        <header className="ops-header">
          <Link href="/" className="icon-button" aria-label="Back to chat">
            <ArrowLeft size={20} aria-hidden="true" />
          </Link>
          <h1>Operations</h1>
          <nav aria-label="Operations">
            {Object.entries(sections).map(([path, { title }]) => (
              <Link key={path} href={path ? `/ops/${path}` : '/ops'} aria-current={sections[path] === section ? 'page' : undefined}>
                {title}
              </Link>
            ))}
          </nav>
          <span className="ops-user muted small truncate">{user.username}</span>
        </header>
        <main aria-label={section.title} tabIndex={-1}>
          {section.show()}
        </main>
      </div>
    </RestContext>
  );
}
