import { createClient, type Client, type TokenSource } from '@parley/client';
import { createContext, use, useEffect, useState, type ReactNode } from 'react';

const ClientContext = createContext<Client | null>(null);

/** Gives a client that somebody else starts and closes to the hooks below. */
export function ParleyProvider({ client, children }: { client: Client; children: ReactNode }) {
  return <ClientContext value={client}>{children}</ClientContext>;
}

interface ParleyProps {
  /** Where Parley is; '' for where the page comes from. */
  url?: string;
  tokens: TokenSource;
  /** Names what is kept over a reload, so that two users of a browser do not mix. */
  userId?: string;
  /** Shown until there is a client. */
  fallback?: ReactNode;
  children: ReactNode;
}

/** Connects while it is mounted, and gives its client to the hooks below. */
export function Parley({ url = '', tokens, userId, fallback = null, children }: ParleyProps) {
  const [client, setClient] = useState<Client | null>(null);
  useEffect(() => {
    const made = createClient({ url, tokens, ...(userId === undefined ? {} : { userId }) });
    made.start();
    setClient(made);
    return () => {
      setClient(null);
      made.close();
    };
  }, [url, tokens, userId]);
  return client ? <ParleyProvider client={client}>{children}</ParleyProvider> : fallback;
}

/** The client itself, for what has no hook. */
export function useClient(): Client {
  const client = use(ClientContext);
  if (!client) throw new Error('There is no client: render <Parley> or <ParleyProvider> above.');
  return client;
}
