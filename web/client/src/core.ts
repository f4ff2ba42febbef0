import type { CommandName } from './connection.ts';
import type { Rest } from './rest.ts';
import type { Notifier } from './store.ts';
import type { Commands } from './wire.generated.ts';

/** What the stores need of the client. */
export interface Core {
  readonly notifier: Notifier;
  readonly rest: Rest;
  readonly online: boolean;
  /** Nothing is read any more. */
  readonly closed: boolean;
  /** Who one is; '' until that is known. */
  readonly me: string;
  /** How far one has heard the log: what is read has to be at least as new. */
  readonly heard: string;
  /** The server has said that one has heard everything up to there. */
  reached(position: string): void;
  /** Resolves when that is known: what is read before could miss what is told after. */
  readonly ready: Promise<void>;
  /** What is missing may have changed. */
  measured(): void;
  command<N extends CommandName>(name: N, payload: Commands[N]['payload']): Promise<Commands[N]['data']>;
}
