import type { ChildProcess } from 'node:child_process';

/** How long anything may take on a machine that others use too. */
export const patience = 60_000;

/** Asks until the answer is truthy, and returns it. What was thrown is thrown at once. */
export async function eventually<T>(what: string, ask: () => Promise<T> | T, within = patience): Promise<NonNullable<T>> {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${within / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Resolves when the process has ended. */
export async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await new Promise((resolve) => child.once('exit', resolve));
}
