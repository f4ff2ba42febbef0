import { expect, onTestFinished, test } from 'vitest';
import { ParleyError } from '../src/index.ts';
import { Members } from '../src/members.ts';
import type { Heard, Keeper } from '../src/room-store.ts';
import { FakeCore } from './fake.ts';
import { until } from './support.ts';

const at = '2026-01-02T03:04:05.000Z';
const member = (userId: string) => ({ userId, username: userId, role: 'member', joinedAt: at });
const keeper: Keeper = { wake: () => undefined, rest: () => undefined };

/** The members of a room as a server says who they are. */
class Club {
  readonly core = new FakeCore();
  members = ['ann'];
  asOf = 100;
  refusal: ParleyError | null = null;
  readonly store = new Members(this.core, keeper, 'r');

  constructor() {
    Object.assign(this.core.rest, {
      call: async () => {
        if (this.refusal) throw this.refusal;
        return { items: this.members.map(member), position: `${this.asOf}` };
      },
    });
    onTestFinished(this.store.subscribe(() => undefined));
  }

  static async open(): Promise<Club> {
    const club = new Club();
    await until(club.store, ({ status }) => status === 'ready');
    return club;
  }

  get shown(): string[] {
    return this.store.getSnapshot().members.map(({ userId }) => userId);
  }

  hear(event: 'user-joined' | 'user-left', userId: string, position: number): void {
    this.store.hear({ event, payload: { roomId: 'r', userId, username: userId, by: userId, at, position: `${position}` } } as Heard);
  }
}

test('what is older than what was read changes nothing', async () => {
  const club = await Club.open();
  club.hear('user-joined', 'ben', 100);
  club.hear('user-left', 'ann', 99);
  expect(club.shown).toEqual(['ann']);
  club.hear('user-joined', 'ben', 101);
  expect(club.shown).toEqual(['ann', 'ben']);
});

test('where there is a gap nothing is applied until it was read anew', async () => {
  const club = await Club.open();
  club.store.drop();
  club.hear('user-joined', 'ben', 201);
  expect(club.shown).toEqual(['ann']);
  Object.assign(club, { members: ['ben', 'cid'], asOf: 202 });
  club.store.resync();
  await until(club.store, () => club.shown.join() === 'ben,cid');
});

test('a log that is another one is believed, though its positions are lower', async () => {
  const club = await Club.open();
  Object.assign(club, { members: ['ben'], asOf: 7 });
  club.store.resync();
  await until(club.store, () => club.shown.join() === 'ben');
  club.hear('user-joined', 'cid', 8);
  expect(club.shown).toEqual(['ben', 'cid']);
});

test('who may not read a room any more sees nothing of it, and all of it once that is over', async () => {
  const club = await Club.open();
  club.refusal = new ParleyError('NOT_A_MEMBER', 'no');
  club.store.resync(); // the removal itself was not told
  await until(club.store, ({ status }) => status === 'failed');
  expect(club.shown).toEqual([]);
  club.refusal = null;
  club.store.resync();
  await until(club.store, ({ status }) => status === 'ready');
  expect(club.shown).toEqual(['ann']);
});
