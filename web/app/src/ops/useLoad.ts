import type { Load } from '@parley/client';
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { useRest } from './api';

/** How many looks are kept: ten minutes of them, as the node does. */
const keep = 300;
const every = 2000; // ms

export interface LoadState {
  load: Load | undefined;
  error: unknown;
}

/** The last minutes of a node: all of them at first, then what is new. Another node begins anew. */
export function useLoad(): LoadState {
  const rest = useRest();
  const last = useRef<Load>(undefined);
  const { data, error } = useQuery({
    queryKey: ['ops', 'load'],
    queryFn: async ({ signal }) => {
      const since = last.current?.at.at(-1) ?? 0;
      const news = await rest.call('GET /debug/load', { query: { since }, signal });
      const known = last.current?.node === news.node ? last.current : undefined;
      if (last.current && !known && since > 0) {
        last.current = undefined; // a balancer has sent us to another node
        return rest.call('GET /debug/load', { signal });
      }
      last.current = known ? joined(known, news) : news;
      return last.current;
    },
    refetchInterval: every,
    structuralSharing: false,
    retry: 0,
    gcTime: 0,
  });
  return { load: data, error };
}

/** What was known and what is new, no longer than what is kept. */
export function joined(known: Load, news: Load): Load {
  if (news.at.length === 0) return known;
  const before = known.at.length;
  const series: Load['series'] = {};
  for (const [name, values] of Object.entries(news.series)) {
    const old = known.series[name] ?? Array<null>(before).fill(null);
    series[name] = [...old, ...values].slice(-keep);
  }
  return { ...news, at: [...known.at, ...news.at].slice(-keep), series };
}

export const latest = (load: Load | undefined, name: string): number | null | undefined => load?.series[name]?.at(-1);

/** The last value that there was within the last ten looks: percentiles have gaps. */
export function lately(load: Load | undefined, name: string): number | null | undefined {
  return load?.series[name]?.slice(-10).findLast((value) => value !== null);
}
