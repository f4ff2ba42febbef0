import type { Message } from '@parley/client';
import { ArrowDown } from '../ui/icons';
import { defaultRangeExtractor, useVirtualizer, type Range } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type FocusEvent, type KeyboardEvent, type ReactNode } from 'react';
import { dayLabel } from '../ui/time';
import type { Row } from './rows';
import { useFollowing, useKeeping, type Following, type List } from './useFollowing';

interface Props {
  /** Its accessible name. */
  label: string;
  rows: readonly Row[];
  renderRow: (row: Row, place: RowPlace) => ReactNode;
  hasMoreBefore: boolean;
  hasMoreAfter: boolean;
  loading: boolean;
  onBefore: () => void;
  onAfter: () => void;
  /** The message to bring into sight. */
  target?: Target | undefined;
  /** It has been in sight for a while. */
  onReached?: () => void;
  /** How many messages there are after the last row. */
  newer: number;
  onToNewest: () => void;
  /** Told the newest message that is in sight. */
  onSeen?: (message: Message) => void;
  /** Told whether one is at the end, where what comes is shown. */
  onFollow?: (follows: boolean) => void;
}

export interface Target {
  seq: number;
}

export interface RowPlace {
  /** Where it stands among those that are loaded, from 1. */
  position: number;
  tabIndex: 0 | -1;
  highlighted: boolean;
}

const near = 15; // rows from an end at which more is fetched
const away = 400; // px from the end at which there is a way back

/**
 * A feed of any length: only what is in sight is in the document. It stays at the end while one is there,
 * and where one reads when something comes or goes above or below.
 */
export function MessageList(props: Props) {
  const { label, rows, renderRow, hasMoreBefore, hasMoreAfter, loading, newer } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<string>(); // the row that has the focus, or had it last
  const activeIndex = active === undefined ? -1 : rows.findIndex((row) => row.key === active);
  const { follows, following } = useFollowing();

  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(rows[index]),
    getItemKey: useCallback((index: number) => rows[index]?.key ?? index, [rows]),
    rangeExtractor: useCallback((range: Range) => withActive(range, activeIndex), [activeIndex]),
    overscan: 10,
    paddingEnd: 12,
    anchorTo: 'end',
    scrollToFn: following.scrollTo,
  });
  useSaying(rows, following);
  useOpening(virtualizer, rows, following);
  const highlighted = useTarget(virtualizer, rows, following, props);
  useEnds(virtualizer, props);
  useForgetting(virtualizer, rows);
  const moves = useKeeping(following, virtualizer, !hasMoreAfter);
  useEffect(() => props.onFollow?.(follows), [follows, props.onFollow]);

  const items = virtualizer.getVirtualItems();
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (!(event.target as HTMLElement).matches('[data-row]')) return;
    const next = rows[step(event.key, activeIndex, rows.length)];
    if (!next) return;
    event.preventDefault();
    setActive(next.key);
    following.leave(virtualizer);
    virtualizer.scrollToIndex(rows.indexOf(next));
    if (next === rows.at(-1)) following.arrive();
    focusSoon(scroller.current, next.key);
  };
  const onFocus = (event: FocusEvent<HTMLElement>) => {
    const key = event.target.closest<HTMLElement>('[data-row]')?.dataset.row;
    if (key !== undefined) setActive(key);
  };

  const tabStop = activeIndex >= 0 ? activeIndex : items.at(-1)?.index;
  const isAway = !follows && (hasMoreAfter || newer > 0 || virtualizer.getDistanceFromEnd() > away);
  return (
    <div className="timeline">
      <div ref={scroller} className="scroller" role="feed" aria-label={label} aria-busy={loading} onKeyDown={onKeyDown} onFocus={onFocus} {...moves} tabIndex={rows.length === 0 ? 0 : -1}>
        <div className="rows" role="presentation" style={{ height: virtualizer.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return (
              row && (
                <Slot key={item.key} index={item.index} start={item.start} measure={virtualizer.measureElement} row={row}>
                  {renderRow(row, { position: item.index + 1, tabIndex: item.index === tabStop ? 0 : -1, highlighted: highlighted !== undefined && row.message?.seq === highlighted })}
                </Slot>
              )
            );
          })}
        </div>
      </div>
      {isAway && rows.length > 0 && (
        <button
          type="button"
          className={newer > 0 ? 'to-newest news rise' : 'to-newest rise'}
          aria-label={newer > 0 ? `Jump to newest, ${newer} newer` : 'Jump to newest'}
          onClick={() => {
            following.follow();
            props.onToNewest();
            scroller.current?.focus({ preventScroll: true }); // the button goes
          }}
        >
          <ArrowDown size={16} aria-hidden="true" />
          {newer > 0 ? `${newer} newer` : 'Newest'}
        </button>
      )}
      {hasMoreBefore && loading && <span className="sr-only" role="status">Loading messages</span>}
    </div>
  );
}

interface SlotProps {
  index: number;
  start: number;
  measure: (element: Element | null) => void;
  row: Row;
  children: ReactNode;
}

function Slot({ index, start, measure, row, children }: SlotProps) {
  return (
    <div ref={measure} className="slot" role="presentation" data-index={index} style={{ transform: `translateY(${start}px)` }}>
      {row.day && <div className="day">{dayLabel(row.day)}</div>}
      {row.unread && <div className="unread-mark">New</div>}
      {children}
    </div>
  );
}

/** Who says something wants to see it there. */
function useSaying(rows: readonly Row[], following: Following): void {
  const last = rows.at(-1);
  const said = last?.pending && last.key;
  useLayoutEffect(() => {
    if (said !== undefined) following.follow();
  }, [said, following]);
}

/** Begins at what is unread, else at the end. */
function useOpening(list: List, rows: readonly Row[], following: Following): void {
  const open = useRef(false);
  useLayoutEffect(() => {
    if (open.current || rows.length === 0) return;
    open.current = true;
    const unread = rows.findIndex((row) => row.unread);
    if (unread <= 0) return;
    following.leave(list);
    list.scrollToIndex(unread, { align: 'start' });
    // All of it may be in sight: nothing moves then, and one is at the end once the rows are measured.
    requestAnimationFrame(() => requestAnimationFrame(() => following.rest(list)));
  }, [list, rows, following]);
}

/** Brings a message into sight as soon as it is there, once for each target, and says for a while which one it was. */
function useTarget(list: List, rows: readonly Row[], following: Following, { target, onReached }: Pick<Props, 'target' | 'onReached'>): number | undefined {
  const done = useRef<Target>(undefined);
  const [highlighted, setHighlighted] = useState<number>();
  useLayoutEffect(() => {
    if (!target || done.current === target) return;
    const index = rows.findIndex((row) => row.message?.seq === target.seq);
    if (index < 0) return;
    done.current = target;
    following.leave(list);
    list.scrollToIndex(index, { align: 'center' });
    setHighlighted(target.seq);
  }, [list, rows, following, target]);
  useEffect(() => {
    if (highlighted === undefined) return;
    const timer = setTimeout(() => {
      setHighlighted(undefined);
      following.rest(list);
      onReached?.();
    }, 2500);
    return () => clearTimeout(timer);
  }, [highlighted, list, following, onReached]);
  return highlighted;
}

/** Fetches more when an end comes near, and tells what is in sight. */
function useEnds(list: List, { rows, hasMoreBefore, hasMoreAfter, onBefore, onAfter, onSeen }: Props): void {
  const { startIndex = -1, endIndex = -1 } = list.range ?? {};
  const first = rows[0]?.key;
  // Not each time that loading ends: what failed is tried again when one scrolls on.
  useEffect(() => {
    if (startIndex < 0) return;
    if (hasMoreBefore && startIndex < near) onBefore();
    else if (hasMoreAfter && endIndex >= rows.length - near) onAfter();
  }, [first, startIndex, endIndex, rows.length, hasMoreBefore, hasMoreAfter, onBefore, onAfter]);
  const seen = lastMessage(rows, endIndex);
  useEffect(() => {
    if (!seen || !onSeen) return;
    const tell = () => document.visibilityState === 'visible' && onSeen(seen);
    tell();
    document.addEventListener('visibilitychange', tell);
    return () => document.removeEventListener('visibilitychange', tell);
  }, [seen, onSeen]);
}

function lastMessage(rows: readonly Row[], index: number): Message | undefined {
  for (let at = Math.min(index, rows.length - 1); at >= 0; at--) {
    const message = rows[at]?.message;
    if (message) return message;
  }
  return undefined;
}

/** The list keeps the height of each row that it has measured: those of rows that are long gone would fill the memory. */
function useForgetting(list: List, rows: readonly Row[]): void {
  useEffect(() => {
    if (list.itemSizeCache.size < 2 * rows.length + 500) return;
    const there = new Set<unknown>(rows.map((row) => row.key));
    for (const key of list.itemSizeCache.keys()) if (!there.has(key)) list.itemSizeCache.delete(key);
  }, [list, rows]);
}

function withActive(range: Range, active: number): number[] {
  const shown = defaultRangeExtractor(range);
  if (active >= 0 && active < range.count && !shown.includes(active)) return [...shown, active].sort((a, b) => a - b);
  return shown;
}

function step(key: string, from: number, count: number): number {
  switch (key) {
    case 'ArrowDown':
      return from + 1;
    case 'ArrowUp':
      return from - 1;
    case 'PageDown':
      return Math.min(from + 10, count - 1);
    case 'PageUp':
      return Math.max(from - 10, 0);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return -1;
  }
}

/** Focuses a row once it is in the document. */
function focusSoon(root: HTMLElement | null, key: string, tries = 5): void {
  requestAnimationFrame(() => {
    const row = root?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`);
    if (row) row.focus({ preventScroll: true });
    else if (tries > 0) focusSoon(root, key, tries - 1);
  });
}

/** A guess that is near enough for the scroll bar; what is in sight is measured. */
function estimate(row: Row | undefined): number {
  const text = row?.message?.content ?? row?.pending?.content ?? '';
  const lines = Math.max(1, Math.ceil(text.length / 90), text.split('\n', 20).length);
  return 8 + 23 * lines + (row?.first ? 30 : 0) + (row?.day ? 48 : 0);
}
