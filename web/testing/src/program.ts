import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { root } from './servers.ts';

const run = promisify(execFile);

/** The program: PARLEY_BINARY, else it is built, with the page as it was built last. */
export async function buildProgram(): Promise<string> {
  const given = process.env['PARLEY_BINARY'];
  if (given) return given;
  const folder = join(process.env['PARLEY_LOCAL'] ?? join(root, '.local'), 'bin');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'parley-test');
  await run('go', ['build', '-o', path, './cmd/parley'], { cwd: root });
  return path;
}

/** Runs a subcommand with the settings, and standard input. */
export async function runProgram(path: string, args: string[], env: Record<string, string>, input = ''): Promise<string> {
  const running = run(path, args, { env: { PATH: process.env['PATH'], ...env }, cwd: '/' });
  running.child.stdin?.end(input);
  return (await running).stdout;
}
