/** Chances that repeat themselves: the same seed gives the same numbers. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1. */
  next(): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to `below`. */
  number(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  of<T>(list: readonly T[]): T {
    return list[this.number(list.length)]!;
  }

  /** Does one of these, as often as their weights say. */
  choose<T>(ways: readonly (readonly [weight: number, way: () => T])[]): T {
    let at = this.next() * ways.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, way] of ways) if ((at -= weight) < 0) return way();
    return ways.at(-1)![1]();
  }
}
