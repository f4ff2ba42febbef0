import { asParleyError } from './errors.ts';
import { Rest } from './rest.ts';
import { defaultStorage, Shelf } from './storage.ts';
import { Notifier, Source } from './store.ts';
import type { AccountState, TextStorage, TokenSource } from './types.ts';
import type { Endpoints, OwnUser, Tokens } from './wire.generated.ts';

export interface AccountOptions {
  /** Where the server is; one's own origin if it is left out. */
  url?: string;
  storage?: TextStorage;
}

interface Stored {
  user: OwnUser;
  accessToken: string;
  refreshToken: string;
  /** Milliseconds as of Date.now(). */
  expiresAt: number;
}

const key = 'account';
const prefix = 'parley:';
/** A token that ends sooner than this is renewed before it is used. */
const margin = 30_000;

/**
 * A local account: signs in and out, and renews the token. All tabs of a browser share it.
 *
 * A refresh token works once, and the server takes a second use for a theft. So the tabs renew one after the
 * other, and each looks first whether another one has done it.
 */
export class Account extends Source<AccountState> {
  readonly tokens: TokenSource;
  readonly #rest: Rest;
  readonly #shelf: Shelf;
  #stored: Stored | null;
  #renewal: Promise<string | null> | null = null;

  constructor({ url = '', storage = defaultStorage() }: AccountOptions = {}) {
    super(new Notifier());
    this.#rest = new Rest(url, null);
    this.#shelf = new Shelf(storage, prefix);
    this.#stored = this.#shelf.get<Stored>(key);
    this.tokens = {
      get: () => this.#stored?.accessToken ?? null,
      refresh: (used) => this.#refresh(used),
    };
  }

  async login(credentials: Endpoints['POST /api/v1/auth/login']['body']): Promise<OwnUser> {
    return this.#accept(await this.#rest.call('POST /api/v1/auth/login', { body: credentials }));
  }

  async register(registration: Endpoints['POST /api/v1/auth/register']['body']): Promise<OwnUser> {
    return this.#accept(await this.#rest.call('POST /api/v1/auth/register', { body: registration }));
  }

  /** Forgets the account here, whether or not the server can be told; with `all` it ends everywhere. */
  async logout({ all = false }: { all?: boolean } = {}): Promise<void> {
    const stored = this.#stored;
    if (!stored) return;
    this.#store(null);
    await this.#rest.call('POST /api/v1/auth/logout', { body: { refreshToken: stored.refreshToken, all } });
  }

  /** A token that is good for a while, renewed if need be; null if one has to sign in. */
  async token(): Promise<string | null> {
    const stored = this.#stored;
    if (!stored) return null;
    if (stored.expiresAt - Date.now() > margin) return stored.accessToken;
    return this.#refresh(stored.accessToken);
  }

  protected view(): AccountState {
    return { user: this.#stored?.user ?? null };
  }

  protected override started(): void {
    globalThis.addEventListener?.('storage', this.#elsewhere);
    this.#reread();
  }

  protected override stopped(): void {
    globalThis.removeEventListener?.('storage', this.#elsewhere);
  }

  /** Another tab has signed in, out, or renewed. */
  readonly #elsewhere = (event: StorageEvent): void => {
    if (event.key === null || event.key === prefix + key) this.#reread();
  };

  #reread(): void {
    const stored = this.#shelf.get<Stored>(key);
    const other = stored?.user.id !== this.#stored?.user.id;
    this.#stored = stored;
    if (other) this.changed();
  }

  #refresh(used: string | null): Promise<string | null> {
    this.#renewal ??= alone(() => this.#renew(used)).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  async #renew(used: string | null): Promise<string | null> {
    this.#reread();
    const stored = this.#stored;
    if (!stored) return null;
    if (stored.accessToken !== used && stored.expiresAt > Date.now()) return stored.accessToken;
    try {
      const answer = await this.#rest.call('POST /api/v1/auth/refresh', { body: { refreshToken: stored.refreshToken } });
      if (this.#stored !== stored) return this.#stored?.accessToken ?? null; // signed out, or in anew, meanwhile
      this.#accept(answer);
      return answer.accessToken;
    } catch (error) {
      const refusal = asParleyError(error);
      if (refusal.temporary) throw refusal;
      if (this.#stored === stored) this.#store(null);
      return null;
    }
  }

  #accept({ user, accessToken, refreshToken, expiresIn }: Tokens): OwnUser {
    this.#store({ user, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 });
    return user;
  }

  #store(stored: Stored | null): void {
    this.#stored = stored;
    if (stored) this.#shelf.put(key, stored);
    else this.#shelf.remove(key);
    this.changed();
  }
}

/** Runs it when no other tab does. Where there are no locks (Node, or http) it runs at once. */
function alone<T>(run: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  return locks ? locks.request(`${prefix}${key}`, run) : run();
}

export const createAccount = (options?: AccountOptions): Account => new Account(options);
