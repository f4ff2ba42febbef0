import { useId, type ReactNode } from 'react';
import { messageOf } from '../ui/errors';

/** A part of the page with its heading. */
export function Section({ title, tools, children }: { title: string; tools?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className="ops-section" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {tools && <div className="row">{tools}</div>}
      </header>
      {children}
    </section>
  );
}

interface TableProps {
  label: string;
  columns: readonly (string | { title: string; number: true })[];
  /** What to say where there are no rows. */
  empty: string;
  children: ReactNode[];
}

/** A table that scrolls sideways by itself where there is no room, by keyboard too. */
export function Table({ label, columns, empty, children }: TableProps) {
  if (children.length === 0) return <p className="ops-empty muted">{empty}</p>;
  return (
    <div className="ops-table" role="group" aria-label={label} tabIndex={0}>
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (typeof column === 'string' ? <th key={column} scope="col">{column || <span className="sr-only">Actions</span>}</th> : <th key={column.title} scope="col" className="number">{column.title}</th>))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Stat({ label, value, alarm = false }: { label: string; value: string; alarm?: boolean }) {
  return (
    <div className={alarm ? 'ops-stat alarm' : 'ops-stat'}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export type Tone = 'good' | 'soft' | 'bad' | 'warn';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return <span className={`ops-badge ${tone}`}>{children}</span>;
}

/** Why what is shown is not up to date. */
export function Failure({ error }: { error: unknown }) {
  if (!error) return null;
  return <p className="alert" role="alert">{messageOf(error)}</p>;
}
