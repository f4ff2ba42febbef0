import { useClient } from '@parley/react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Skeleton } from '../ui/Empty';
import { messageOf } from '../ui/errors';
import { useDelayed } from '../ui/useDelayed';

export interface Found {
  id: string;
  username: string;
  displayName: string;
}

interface Props {
  /** What went wrong with what was done to one of them. */
  error: string | undefined;
  children: (person: Found) => ReactNode;
}

/** Finds people by how their names begin. */
export function PeopleSearch({ error, children }: Props) {
  const { rest } = useClient();
  const [text, setText] = useState('');
  const q = useDelayed(text.trim(), 200);
  const people = useQuery({
    queryKey: ['people', q],
    queryFn: ({ signal }) => rest.call('GET /api/v1/users', { query: { q, limit: 30 }, signal }),
    placeholderData: keepPreviousData,
  });
  return (
    <div className="stack">
      <input className="input" type="text" role="searchbox" aria-label="Find people" placeholder="Find people" autoFocus maxLength={100} value={text} onChange={(event) => setText(event.target.value)} />
      {error && <p className="alert" role="alert">{error}</p>}
      {people.isPending && <Skeleton lines={3} label="Loading people" />}
      {people.error && <p className="alert" role="alert">{messageOf(people.error)}</p>}
      {people.data?.items.length === 0 && <p className="muted">Nobody of that name.</p>}
      <ul>{people.data?.items.map((person) => <li key={person.id}>{children(person)}</li>)}</ul>
    </div>
  );
}
