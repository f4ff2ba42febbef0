import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends the output with "N passed, N failed", which scripts/test.sh adds up. A test that was skipped or
 * left to do has failed, and so has a file that could not be loaded and an error outside of any test.
 */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        if (test.result().state === 'passed') passed++;
        else failed++;
      }
    }
    console.log(`${passed} passed, ${failed} failed`);
  }
}
