const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const gutter = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const brief = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function clockTime(at: string | number | Date): string {
  return clock.format(new Date(at));
}

/** As clockTime, where there is place for five letters. */
export function shortTime(at: string): string {
  return gutter.format(new Date(at));
}

export function dateTime(at: string): string {
  return brief.format(new Date(at));
}

export function fullTime(at: string | number | Date): string {
  return moment.format(new Date(at));
}

/** Tells days apart where the reader is. */
export function dayKey(at: string): string {
  return new Date(at).toDateString();
}

export function dayLabel(at: string, now = new Date()): string {
  const day = dayKey(at);
  if (day === now.toDateString()) return 'Today';
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (day === yesterday.toDateString()) return 'Yesterday';
  return date.format(new Date(at));
}
