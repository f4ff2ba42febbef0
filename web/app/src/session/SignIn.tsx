import type { Account } from '@parley/client';
import { useQuery } from '@tanstack/react-query';
import { MessagesSquare } from '../ui/icons';
import { useState, type FormEvent } from 'react';
import { Avatar } from '../ui/Avatar';
import { messageOf } from '../ui/errors';

interface Methods {
  /** Whether there are local accounts. */
  accounts: boolean;
  /** Those to try it with, where the node was started for a demonstration. */
  demoUsers?: { username: string; password: string; roles: string[] }[];
}

async function readMethods({ signal }: { signal: AbortSignal }): Promise<Methods> {
  const response = await fetch('/api/v1/auth/methods', { signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()) as Methods;
}

/** The way in. */
export function SignIn({ account }: { account: Account }) {
  const methods = useQuery({ queryKey: ['methods'], queryFn: readMethods });
  const [creating, setCreating] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const enter = async (way: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await way();
    } catch (failure) {
      setError(messageOf(failure));
    } finally {
      setBusy(false);
    }
  };
  const demo = methods.data?.demoUsers ?? [];
  return (
    <main className="entry">
      <div className="card">
        <header>
          <h1><MessagesSquare size={28} aria-hidden="true" />Parley</h1>
          <p className="muted">{creating ? 'Make an account to join the conversation.' : 'Sign in to join the conversation.'}</p>
        </header>
        {demo.length > 0 && !creating && (
          <>
            <div role="group" aria-label="Demo users" className="demo">
              {demo.map(({ username, password, roles }) => (
                <button key={username} type="button" className="button" aria-label={username} disabled={busy} onClick={() => void enter(() => account.login({ username, password }))}>
                  <Avatar name={username} small />
                  <span className="truncate">{username}</span>
                  {roles.includes('admin') && <span className="muted small">admin</span>}
                </button>
              ))}
            </div>
            <p className="or">or with your own account</p>
          </>
        )}
        {methods.data?.accounts === false ? (
          <p className="muted">This server has no accounts of its own: sign in where you got its address from.</p>
        ) : (
          <Credentials creating={creating} busy={busy} onSubmit={(username, password) => void enter(() => (creating ? account.register({ username, password }) : account.login({ username, password })))} />
        )}
        {(error ?? (methods.error && 'The server cannot be reached.')) && <p className="alert" role="alert">{error ?? 'The server cannot be reached.'}</p>}
        <button type="button" className="button plain" onClick={() => { setCreating(!creating); setError(undefined); }}>
          {creating ? 'I have an account' : 'Create an account'}
        </button>
      </div>
    </main>
  );
}

interface CredentialsProps {
  creating: boolean;
  busy: boolean;
  onSubmit: (username: string, password: string) => void;
}

function Credentials({ creating, busy, onSubmit }: CredentialsProps) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(username.trim(), password);
  };
  return (
    <form className="stack" aria-label={creating ? 'Create an account' : 'Sign in'} onSubmit={submit}>
      <div className="field">
        <label htmlFor="username">Username</label>
        <input id="username" className="input" autoComplete="username" autoCapitalize="none" spellCheck={false} required maxLength={64} value={username} onChange={(event) => setUsername(event.target.value)} />
      </div>
      <div className="field">
        <label htmlFor="password">Password</label>
        <input id="password" className="input" type="password" autoComplete={creating ? 'new-password' : 'current-password'} required maxLength={128} aria-describedby={creating ? 'password-hint' : undefined} value={password} onChange={(event) => setPassword(event.target.value)} />
        {creating && <span id="password-hint" className="muted small">At least 8 characters.</span>}
      </div>
      <button type="submit" className="button primary wide" disabled={busy || username.trim() === '' || password === ''}>
        {creating ? 'Create account' : 'Sign in'}
      </button>
    </form>
  );
}
