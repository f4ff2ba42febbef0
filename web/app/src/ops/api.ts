import { Rest, type CallArguments, type EndpointName, type Endpoints } from '@parley/client';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { createContext, use } from 'react';

export const RestContext = createContext<Rest | null>(null);

export function useRest(): Rest {
  const rest = use(RestContext);
  if (!rest) throw new Error('There is no operations page above.');
  return rest;
}

/** Asks an endpoint again and again while the page is seen. What was there last stays when it fails. */
export function usePoll<N extends EndpointName>(
  name: N,
  every: number,
  ...args: Parameters<typeof Rest.prototype.call<N>> extends [N, ...infer A] ? A : [CallArguments<N>]
): UseQueryResult<Endpoints[N]['answer']> {
  const rest = useRest();
  return useQuery({
    queryKey: ['ops', name, ...args],
    queryFn: ({ signal }) => (rest.call as (name: N, args: object) => Promise<Endpoints[N]['answer']>)(name, { ...(args[0] as object | undefined), signal }),
    refetchInterval: every,
    refetchOnWindowFocus: true,
    placeholderData: (last) => last,
    retry: 0,
    gcTime: 30_000,
  });
}
