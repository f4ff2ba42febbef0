import type { Core } from './core.ts';
import { asParleyError } from './errors.ts';
import { after, none } from './position.ts';

type Mark = 'mark-read' | 'mark-delivered';

const pauses: Record<Mark, number> = { 'mark-read': 250, 'mark-delivered': 1_000 };
const again = 2_000;
const batch = 50;

interface Said {
  seq: number;
  /** Where that was recorded. */
  position: string;
}

/**
 * Says how far one has read and got the rooms, at most once in a while for each room and kept until one is online.
 * Who has read has got, so that need not be said as well.
 */
export class Marks {
  readonly #core: Core;
  readonly #due: Record<Mark, Map<string, number>> = { 'mark-read': new Map(), 'mark-delivered': new Map() };
  readonly #said: Record<Mark, Map<string, Said>> = { 'mark-read': new Map(), 'mark-delivered': new Map() };
  readonly #timers: Record<Mark, ReturnType<typeof setTimeout> | null> = { 'mark-read': null, 'mark-delivered': null };

  constructor(core: Core) {
    this.#core = core;
  }

  read(roomId: string, seq: number): void {
    this.#mark('mark-read', roomId, seq);
    this.#settled('mark-delivered', roomId, { seq, position: none });
  }

  /** How far one has read a room, as far as that is not in what was read as of a position; 0 if all of it is. */
  ahead(roomId: string, asOf: string): number {
    const said = this.#said['mark-read'].get(roomId);
    return Math.max(this.#due['mark-read'].get(roomId) ?? 0, said && after(said.position, asOf) ? said.seq : 0);
  }

  delivered(roomId: string, seq: number): void {
    if (seq > (this.#due['mark-read'].get(roomId) ?? 0)) this.#mark('mark-delivered', roomId, seq);
  }

  /** Says now what is due. */
  flush(): void {
    for (const mark of ['mark-read', 'mark-delivered'] as const) void this.#flush(mark);
  }

  forget(roomId: string): void {
    for (const kind of [this.#due, this.#said]) for (const map of Object.values(kind)) map.delete(roomId);
  }

  /** What was said may be lost: the log can be another one. */
  resync(): void {
    for (const said of Object.values(this.#said)) said.clear();
  }

  close(): void {
    this.#wake('mark-read', null);
    this.#wake('mark-delivered', null);
  }

  #mark(mark: Mark, roomId: string, seq: number): void {
    if (seq <= (this.#said[mark].get(roomId)?.seq ?? 0) || seq <= (this.#due[mark].get(roomId) ?? 0)) return;
    this.#due[mark].set(roomId, seq);
    if (!this.#timers[mark]) this.#wake(mark, pauses[mark]);
  }

  #settled(mark: Mark, roomId: string, said: Said): void {
    if (said.seq >= (this.#said[mark].get(roomId)?.seq ?? 0)) this.#said[mark].set(roomId, said);
    if ((this.#due[mark].get(roomId) ?? 0) <= said.seq) this.#due[mark].delete(roomId);
  }

  async #flush(mark: Mark): Promise<void> {
    this.#wake(mark, null);
    if (!this.#core.online) return; // it is flushed when one is
    const due = [...this.#due[mark]].slice(0, batch);
    await Promise.all(due.map(([roomId, seq]) => this.#say(mark, roomId, seq)));
    if (this.#due[mark].size > 0 && this.#core.online && !this.#timers[mark]) this.#wake(mark, pauses[mark]);
  }

  async #say(mark: Mark, roomId: string, seq: number): Promise<void> {
    try {
      const { position } = await this.#core.command(mark, { roomId, seq });
      this.#settled(mark, roomId, { seq, position });
    } catch (error) {
      const { temporary, retryAfterMs = again } = asParleyError(error);
      if (!temporary) this.#settled(mark, roomId, { seq, position: none });
      else if (this.#core.online) this.#wake(mark, retryAfterMs);
    }
  }

  #wake(mark: Mark, ms: number | null): void {
    const timer = this.#timers[mark];
    if (timer) clearTimeout(timer);
    this.#timers[mark] = ms === null ? null : setTimeout(() => void this.#flush(mark), ms);
  }
}
