import { expect, test } from 'vitest';
import type { Message, Page } from '../src/index.ts';
import { Window } from '../src/window.ts';
import { message } from './fake.ts';

const range = (from: number, to: number): Message[] => Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
const page = (from: number, to: number, last: number): Page => ({
  items: range(from, to),
  hasMoreBefore: from > 1,
  hasMoreAfter: to < last,
  position: '1000',
});
const seqs = (window: Window): number[] => window.items.map(({ seq }) => seq);

function window(from: number, to: number, last: number, limit = 100): Window {
  const made = new Window(limit, true);
  made.reset(page(from, to, last));
  return made;
}

test('it follows the end, without a gap and nothing twice', () => {
  const w = window(1, 3, 3);
  expect(w.add(message(4))).toBe('added');
  expect(w.add(message(4))).toBe('known');
  expect(w.add(message(6))).toBe('missing');
  expect([seqs(w), w.hasMoreAfter]).toEqual([[1, 2, 3, 4], true]);
  w.append(page(5, 6, 6));
  expect(w.add(message(7))).toBe('added');
  expect(seqs(w)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('an empty room begins with its first message', () => {
  const w = new Window(10, true);
  w.reset({ items: [], hasMoreBefore: false, hasMoreAfter: false });
  expect(w.add(message(1))).toBe('added');
});

test('it does not grow beyond its limit: one end goes for the other', () => {
  const w = window(101, 110, 110, 12);
  for (const seq of [111, 112, 113]) w.add(message(seq));
  expect([w.first, w.last, w.hasMoreBefore]).toEqual([102, 113, true]);
  w.prepend(page(92, 101, 113));
  expect([w.first, w.last, w.items.length, w.hasMoreAfter]).toEqual([92, 103, 12, true]);
  expect(w.add(message(114))).toBe('known'); // it is beyond what is shown
  w.append(page(104, 108, 114));
  expect([w.first, w.last, w.hasMoreAfter]).toEqual([97, 108, true]);
});

test('one who looks at its beginning keeps that', () => {
  const w = window(1, 9, 9, 10);
  expect(w.add(message(10), false)).toBe('added');
  expect(w.add(message(11), false)).toBe('known');
  expect([w.first, w.last, w.hasMoreAfter]).toEqual([1, 10, true]);
});

test('a page that does not touch the stretch any more, because its end was cut meanwhile, is left out', () => {
  const w = window(101, 110, 110, 12);
  const before = page(92, 100, 110);
  for (const seq of [111, 112, 113]) w.add(message(seq));
  w.prepend(before);
  expect([w.first, w.last, w.hasMoreBefore]).toEqual([102, 113, true]);
  const v = window(101, 110, 120, 12);
  const after = page(111, 115, 120);
  v.prepend(page(95, 100, 120));
  v.append(after);
  expect([v.first, v.last, v.hasMoreAfter]).toEqual([95, 106, true]);
});

test('pages that overlap add nothing twice', () => {
  const w = window(5, 8, 8);
  w.prepend(page(3, 6, 8));
  w.append(page(7, 9, 9));
  expect(seqs(w)).toEqual([3, 4, 5, 6, 7, 8, 9]);
});

test('an older state does not replace a newer one', () => {
  const w = window(1, 3, 3);
  const about = { roomId: 'r', messageId: 'm2', seq: 2, userId: 'bob', emoji: '👍', at: '', position: '200' };
  expect(w.change({ event: 'reaction-added', payload: about })).toBe(true);
  expect(w.change({ event: 'reaction-added', payload: about })).toBe(false);
  expect(w.items[1]?.reactions).toEqual({ '👍': ['bob'] });
  expect(w.change({ event: 'message-edited', payload: message(2, { content: 'old', position: '199' }) })).toBe(false);
  expect(w.change({ event: 'reaction-removed', payload: { ...about, position: '201' } })).toBe(true);
  expect(w.items[1]?.reactions).toEqual({});
});

test('what is read anew takes the place of what was heard with a gap before it', () => {
  const w = window(1, 3, 3);
  // The edit at 199 was missed, the reaction after it was not.
  const about = { roomId: 'r', messageId: 'm2', seq: 2, userId: 'bob', emoji: '👍', at: '', position: '200' };
  w.change({ event: 'reaction-added', payload: about });
  const edited = message(2, { content: 'edited', reactions: { '👍': ['bob'] }, position: '200' });
  w.reset({ ...page(1, 3, 3), items: [message(1), edited, message(3)] });
  expect(w.items[1]).toEqual(edited);
});

test('an answer counts once at the message that it answers, also after that was changed', () => {
  const w = window(1, 1, 1);
  const answer = message(2, { replyTo: 'm1' });
  w.change({ event: 'new-message', payload: answer });
  w.add(answer);
  w.change({ event: 'new-message', payload: answer });
  w.change({ event: 'message-edited', payload: message(1, { content: 'new', position: '300' }) });
  expect(w.items[0]).toMatchObject({ content: 'new', thread: { replyCount: 1, lastReplySeq: 2 } });
});

test('a deleted message stays as a tombstone', () => {
  const w = window(1, 2, 2);
  const payload = { roomId: 'r', messageId: 'm2', seq: 2, userId: 'ann', at: '2026-02-02T00:00:00.000Z', position: '300' };
  expect(w.change({ event: 'message-deleted', payload })).toBe(true);
  expect(w.items[1]).toMatchObject({ content: '', attachments: [], deletedAt: payload.at, position: '300' });
});
