import { everything } from './paging.ts';
import { RoomStore } from './room-store.ts';
import type { Heard, Read } from './room-store.ts';
import type { MembersState } from './types.ts';
import type { Member } from './wire.generated.ts';

interface Everybody extends Read {
  items: Member[];
}

/** The members of a room. */
export class Members extends RoomStore<MembersState, Everybody> {
  #members = new Map<string, Member>();

  protected view(): MembersState {
    const members = [...this.#members.values()].sort((a, b) => a.username.localeCompare(b.username));
    return {
      status: this.status === 'gone' ? 'failed' : this.status,
      members,
      byId: new Map(this.#members),
      error: this.error,
    };
  }

  protected read(minPosition: string, signal: AbortSignal): Promise<Everybody> {
    const path = { id: this.roomId };
    return everything((query) => this.core.rest.call('GET /api/v1/rooms/{id}/members', { path, query, minPosition, signal }));
  }

  protected accept({ items }: Everybody): void {
    this.#members = new Map(items.map((member) => [member.userId, member]));
  }

  protected apply({ event, payload }: Heard): boolean {
    switch (event) {
      case 'user-joined': {
        const { userId, username, role = 'member', at: joinedAt } = payload;
        this.#members.set(userId, { userId, username, role, joinedAt });
        return true;
      }
      case 'user-left':
        return this.#members.delete(payload.userId);
      case 'member-updated': {
        const { userId, username, role, joinedAt } = payload;
        this.#members.set(userId, { userId, username, role, joinedAt });
        return true;
      }
      default:
        return false;
    }
  }

  protected clear(): void {
    this.#members.clear();
  }
}
