import { gzipSync } from 'node:zlib';
import type { Plugin, Rollup } from 'vite';

/**
 * Prints what the chat weighs, compressed, and fails the build above the budget. It counts all that a chat comes
 * to load, also what comes late, and leaves out what only the given page needs.
 */
export function budget({ kilobytes, without }: { kilobytes: number; without: string }): Plugin {
  return {
    name: 'budget',
    apply: 'build',
    generateBundle(_, bundle) {
      const weights = [...needed(bundle, without)].map((name) => ({ name, weight: weigh(bundle[name]) }));
      const total = weights.reduce((sum, { weight }) => sum + weight, 0);
      for (const { name, weight } of weights.sort((a, b) => b.weight - a.weight)) this.info(`${inKilobytes(weight)}  ${name}`);
      this.info(`${inKilobytes(total)} of ${kilobytes} KB, gzip, without ${without}`);
      if (total > kilobytes * 1000) this.error(`the chat weighs ${inKilobytes(total)}: more than ${kilobytes} KB`);
    },
  };
}

function needed(bundle: Rollup.OutputBundle, without: string): Set<string> {
  const names = new Set<string>();
  const add = (name: string) => {
    const file = bundle[name];
    if (!file || names.has(name)) return;
    if (file.type === 'chunk' && file.facadeModuleId?.includes(without)) return;
    names.add(name);
    if (file.type !== 'chunk') return;
    for (const next of [...file.imports, ...file.dynamicImports, ...(file.viteMetadata?.importedCss ?? []), ...(file.viteMetadata?.importedAssets ?? [])]) add(next);
  };
  for (const [name, file] of Object.entries(bundle)) if (file.type === 'chunk' && file.isEntry) add(name);
  return names;
}

function weigh(file: Rollup.OutputAsset | Rollup.OutputChunk | undefined): number {
  if (!file) return 0;
  return gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length;
}

function inKilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1).padStart(6)} KB`;
}
