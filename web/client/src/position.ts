// Positions of the log are decimal numbers that may be beyond what a double holds.

export function after(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}

export const later = (a: string, b: string): string => (after(a, b) ? a : b);

export const none = '0';
