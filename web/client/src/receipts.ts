import { everything } from './paging.ts';
import { RoomStore } from './room-store.ts';
import type { Heard, Read } from './room-store.ts';
import type { ReceiptsState } from './types.ts';
import type { RestReceipt } from './wire.generated.ts';

interface Reached {
  userId: string;
  seq: number;
  at: string;
}

interface All extends Read {
  items: RestReceipt[];
}

/** How far the members of a room have read, and got it. */
export class Receipts extends RoomStore<ReceiptsState, All> {
  #byUser = new Map<string, RestReceipt>();

  protected view(): ReceiptsState {
    return { status: this.status === 'gone' ? 'failed' : this.status, byUser: new Map(this.#byUser), error: this.error };
  }

  protected read(minPosition: string, signal: AbortSignal): Promise<All> {
    const path = { id: this.roomId };
    return everything((query) => this.core.rest.call('GET /api/v1/rooms/{id}/receipts', { path, query, minPosition, signal }));
  }

  protected accept({ items }: All): void {
    this.#byUser = new Map(items.map((receipt) => [receipt.userId, receipt]));
  }

  protected apply({ event, payload }: Heard): boolean {
    switch (event) {
      case 'new-message': // who sends has read
        return this.#has({ userId: payload.sender.id, seq: payload.seq, at: payload.at });
      case 'message-read':
        return this.#has(payload);
      case 'message-delivered':
        return this.#raise(payload, 'delivered');
      case 'user-joined': // perhaps again: then how far they were is remembered
        if (!this.#byUser.has(payload.userId)) this.reloadSoon();
        return false;
      case 'user-left':
        return this.#byUser.delete(payload.userId);
      default:
        return false;
    }
  }

  protected clear(): void {
    this.#byUser.clear();
  }

  /** Who has read has got. */
  #has(reached: Reached): boolean {
    const read = this.#raise(reached, 'read');
    return this.#raise(reached, 'delivered') || read;
  }

  #raise({ userId, seq, at }: Reached, what: 'read' | 'delivered'): boolean {
    const known = this.#byUser.get(userId) ?? { userId, readSeq: 0, readAt: null, deliveredSeq: 0, deliveredAt: null };
    if (seq <= known[`${what}Seq`]) return false;
    this.#byUser.set(userId, { ...known, [`${what}Seq`]: seq, [`${what}At`]: at });
    return true;
  }
}
