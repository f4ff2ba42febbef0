import type { Message } from '@parley/client';
import { describe, expect, it } from 'vitest';
import { mentionedIn, nameBeingTyped } from '../src/composer/mentions';
import { rowsOf } from '../src/timeline/rows';
import { placeOf, roomPath } from '../src/ui/router';

const people = [{ userId: 'u1', username: 'alice' }, { userId: 'u2', username: 'bob' }];

function message(seq: number, sender: string, at: string): Message {
  return { id: `m${seq}`, seq, sender: { id: sender, username: sender, displayName: '', avatarUrl: '' }, at, content: '', roomId: 'r', attachments: [], replyTo: null, mentions: [], reactions: {}, pinned: false, editedAt: null, deletedAt: null, position: String(seq) };
}

describe('mentions', () => {
  it.each([['hi @al', 'al'], ['@', ''], ['(@bo', 'bo'], ['mail a@b', undefined], ['@al ice', undefined]])('in %j the name that is typed is %j', (text, prefix) => {
    expect(nameBeingTyped(text, text.length)?.prefix).toBe(prefix);
  });

  it('are of members, each once, also at the end of a sentence', () => {
    expect(mentionedIn('@alice, ask @bob. @alice @nobody', people)).toEqual(['u1', 'u2']);
    expect(mentionedIn('nobody@alicex', people)).toEqual([]);
  });
});

describe('rows', () => {
  const items = [message(1, 'a', '2026-03-01T10:00:00Z'), message(2, 'a', '2026-03-01T10:01:00Z'), message(3, 'b', '2026-03-01T10:02:00Z'), message(4, 'b', '2026-03-03T10:02:00Z')];

  it('show the name where another speaks, and the day where it begins', () => {
    const rows = rowsOf(items, [], undefined);
    expect(rows.map((row) => row.first)).toEqual([true, false, true, true]);
    expect(rows.map((row) => row.day !== undefined)).toEqual([true, false, false, true]);
  });

  it('mark the first that is unread', () => {
    expect(rowsOf(items, [], 2).map((row) => row.unread)).toEqual([false, false, true, false]);
    expect(rowsOf(items, [], undefined).some((row) => row.unread)).toBe(false);
  });

  it('keep the place of one\'s own message when it is confirmed', () => {
    const waiting = { clientMessageId: 'c5', roomId: 'r', content: '', createdAt: '2026-03-03T10:03:00Z', state: 'sending' as const, retryAt: null, error: null };
    const confirmed = { ...message(5, 'b', '2026-03-03T10:03:00Z'), clientMessageId: 'c5' };
    expect(rowsOf(items, [waiting], undefined).at(-1)?.key).toBe(rowsOf([...items, confirmed], [], undefined).at(-1)?.key);
  });
});

describe('the address', () => {
  it.each([
    [roomPath('a room/with %', 12), { page: 'chat', roomId: 'a room/with %', seq: 12 }],
    ['/rooms/x?message=-1', { page: 'chat', roomId: 'x', seq: undefined }],
    ['/rooms/%E0%A4%A', { page: 'chat', roomId: undefined, seq: undefined }],
    ['/ops/log', { page: 'ops', roomId: undefined, seq: undefined }],
    ['/', { page: 'chat', roomId: undefined, seq: undefined }],
  ])('%s', (path, place) => {
    expect(placeOf(path)).toEqual(place);
  });
});
