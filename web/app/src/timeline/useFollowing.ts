import { elementScroll, type Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useState, type WheelEvent } from 'react';

export type List = Virtualizer<HTMLDivElement, Element>;

const atEnd = 64; // px from the end that count as being there

/**
 * Whether the reader is at the end, where what comes is shown. Rows that come, go or are measured never change that,
 * however many at once: only the reader does, by moving. What has moved up and was not moved from here was moved by
 * them, whatever with: a wheel, a finger, the scroll bar, a key, the search of the browser, a screen reader.
 */
export class Following {
  /** Whether the rows reach up to the newest one. */
  complete = true;
  #yes = true;
  #top = 0; // where the list was when one looked last
  readonly #changed: (yes: boolean) => void;

  constructor(changed: (yes: boolean) => void) {
    this.#changed = changed;
  }

  /** How the list scrolls by itself. */
  readonly scrollTo: List['options']['scrollToFn'] = (offset, options, list) => {
    elementScroll(offset, options, list);
    this.#top = list.scrollElement?.scrollTop ?? 0;
  };

  /** Looks whether the reader has moved. */
  readonly look = (list: List): void => {
    const element = list.scrollElement;
    if (!element) return;
    const { scrollTop } = element;
    const left = distance(element);
    if (scrollTop < this.#top - 1 && left > 1) this.leave(list); // who is at the end was put there by what has gone above
    else if (scrollTop > this.#top + 1 && left <= atEnd) this.arrive();
    this.#top = scrollTop;
  };

  /** Nothing moves any more: who is near the end is there. */
  readonly rest = (list: List): void => {
    if (list.scrollElement && distance(list.scrollElement) <= atEnd) this.arrive();
  };

  /** Stays at the end, if one is there: the rows have changed, or what can be seen of them. */
  readonly keep = (list: List): void => {
    this.look(list);
    if (this.#yes && list.scrollElement && distance(list.scrollElement) > 1) list.scrollToEnd();
  };

  /** The reader has moved to the last row. The end is there if nothing is newer. */
  arrive(): void {
    if (this.complete) this.follow();
  }

  /** The reader wants to see what is newest, and what will be. */
  follow(): void {
    this.#set(true);
  }

  /** The reader goes elsewhere. What had begun on the way to the end does not go on. */
  leave(list: List): void {
    if (this.#yes) list.cancelScroll();
    this.#set(false);
  }

  #set(yes: boolean): void {
    this.#yes = yes;
    this.#changed(yes);
  }
}

function distance({ scrollHeight, clientHeight, scrollTop }: Element): number {
  return scrollHeight - clientHeight - scrollTop;
}

/** What is known before there is a list. */
export function useFollowing(): { follows: boolean; following: Following } {
  const [follows, changed] = useState(true);
  const [following] = useState(() => new Following(changed));
  return { follows, following };
}

/** Keeps a list at its end while the reader is there. After everything else that moves the list. */
export function useKeeping(following: Following, list: List, complete: boolean): { onScroll: () => void; onScrollEnd: () => void; onWheel: (event: WheelEvent) => void } {
  useLayoutEffect(() => {
    following.keep(list);
    following.complete = complete; // of what is on the page: what was fetched after it is no news
  });
  useEffect(() => {
    const element = list.scrollElement;
    if (!element) return;
    const observer = new ResizeObserver(() => following.keep(list));
    observer.observe(element);
    return () => observer.disconnect();
  }, [following, list, list.scrollElement]);
  return {
    onScroll: () => following.look(list),
    onScrollEnd: () => following.rest(list),
    // It is on its way up before it gets there: what comes meanwhile would hold it back.
    onWheel: ({ deltaY, ctrlKey }) => {
      if (deltaY < 0 && !ctrlKey && list.scrollElement?.scrollTop) following.leave(list);
    },
  };
}
