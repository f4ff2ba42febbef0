import type { Browser, CDPSession } from 'playwright-core';

import type { Visitor } from './visitor.ts';

/** What the page's main thread was busy with. */
export interface Busy {
  /** Tasks of more than 50 ms, in ms. */
  longTasks: number[];
  /** How long keys waited for the picture that shows them, in ms, of those that waited longer than a frame. */
  keys: number[];
}

/** Measures a page from within and its memory from outside. */
export class Watch {
  private constructor(private readonly visitor: Visitor, private readonly client: CDPSession) {}

  static async on(visitor: Visitor): Promise<Watch> {
    const client = await visitor.context.newCDPSession(visitor.page);
    await client.send('HeapProfiler.enable');
    return new Watch(visitor, client);
  }

  /** Begins anew. */
  async begin(): Promise<void> {
    await this.visitor.page.evaluate(() => {
      const busy: Busy = { longTasks: [], keys: [] };
      Object.assign(globalThis, { busy });
      new PerformanceObserver((list) => busy.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: 'longtask' });
      new PerformanceObserver((list) => {
        busy.keys.push(...list.getEntries().filter(({ name }) => name === 'keydown').map(({ duration }) => duration));
      }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
    });
  }

  busy(): Promise<Busy> {
    return this.visitor.page.evaluate(() => (globalThis as unknown as { busy: Busy }).busy);
  }

  /** MiB of JavaScript that are in use after a collection. */
  async heap(): Promise<number> {
    await this.client.send('HeapProfiler.collectGarbage');
    const { usedSize } = await this.client.send('Runtime.getHeapUsage');
    return usedSize / 2 ** 20;
  }

  /** How many elements the document has. */
  elements(): Promise<number> {
    return this.visitor.page.evaluate(() => document.querySelectorAll('*').length);
  }
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** µs of the processor's time. */
  tdur?: number;
  args?: { name?: string };
}

/**
 * The longest tasks of a page's main thread while something is done, in ms of the processor's time: other programs on the
 * machine make a task last longer, and not that.
 */
export async function tasks(browser: Browser, visitor: Visitor, what: () => Promise<void>): Promise<number[]> {
  await browser.startTracing(visitor.page, { categories: ['toplevel', '__metadata'] });
  await what();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mains = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`));
  const ran = traceEvents.filter(({ name, ph, pid, tid }) => ph === 'X' && name.endsWith('RunTask') && mains.has(`${pid} ${tid}`));
  return ran.map(({ tdur = 0 }) => tdur / 1000).sort((one, other) => other - one);
}
