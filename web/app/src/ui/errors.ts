import { ParleyError } from '@parley/client';

/** What to tell the user. What the server says is written for people; a failure within the page is not. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ParleyError)) return 'Something went wrong here. Try again.';
  const [field] = Object.entries(error.fields);
  if (error.code === 'OFFLINE') return 'The server cannot be reached.';
  if (error.code === 'TIMEOUT') return 'The server did not answer in time.';
  const text = field ? `${field[0]} ${field[1]}` : error.message;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
