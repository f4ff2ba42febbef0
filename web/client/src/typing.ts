import type { Core } from './core.ts';
import { Source } from './store.ts';
import type { Typist } from './types.ts';
import type { Events } from './wire.generated.ts';

const repeat = 3_000; // said again while one goes on
const idle = 4_000; // then one has stopped
/** The server's clock may differ: nobody types for longer than this without a sign of it. */
const longest = 10_000;
const shortest = 1_000;

/** Who types in a room, other than oneself. */
export class Typing extends Source<readonly Typist[]> {
  readonly roomId: string;
  readonly #core: Core;
  readonly #typists = new Map<string, { typist: Typist; until: number }>();
  #expiry: ReturnType<typeof setTimeout> | null = null;
  #said = 0; // when one has said to be typing
  #end: ReturnType<typeof setTimeout> | null = null;

  constructor(core: Core, roomId: string) {
    super(core.notifier);
    this.#core = core;
    this.roomId = roomId;
  }

  /** One types: call it at each keystroke. */
  touch = (): void => {
    if (this.#end) clearTimeout(this.#end);
    this.#end = setTimeout(this.stop, idle);
    if (Date.now() - this.#said < repeat) return;
    this.#said = Date.now();
    this.#say('typing-start');
  };

  /** One has stopped, or sent it. */
  stop = (): void => {
    if (this.#end) clearTimeout(this.#end);
    this.#end = null;
    if (this.#said === 0) return;
    this.#said = 0;
    this.#say('typing-stop');
  };

  begins({ userId, username, expiresAt }: Events['typing-started']): void {
    if (userId === this.#core.me) return;
    const ms = Math.min(Math.max(Date.parse(expiresAt) - Date.now(), shortest), longest);
    this.#typists.set(userId, { typist: { userId, username }, until: Date.now() + ms });
    this.#expire();
  }

  /** Somebody has stopped, sent it, or left. */
  ends(userId: string): void {
    if (this.#typists.delete(userId)) this.#expire();
  }

  /** Nothing is heard any more. */
  clear(): void {
    if (this.#typists.size === 0) return;
    this.#typists.clear();
    this.#expire();
  }

  close(): void {
    for (const timer of [this.#expiry, this.#end]) if (timer) clearTimeout(timer);
  }

  protected view(): readonly Typist[] {
    return [...this.#typists.values()].map(({ typist }) => typist);
  }

  #say(command: 'typing-start' | 'typing-stop'): void {
    if (this.#core.online) this.#core.command(command, { roomId: this.roomId }).catch(() => undefined); // a passing remark
  }

  #expire = (): void => {
    const now = Date.now();
    for (const [userId, { until }] of this.#typists) if (until <= now) this.#typists.delete(userId);
    if (this.#expiry) clearTimeout(this.#expiry);
    const next = Math.min(...[...this.#typists.values()].map(({ until }) => until));
    this.#expiry = next < Infinity ? setTimeout(this.#expire, next - now) : null;
    this.changed();
  };
}
