import { defineConfig } from 'vitest/config';

export default defineConfig({
  // What conformance/ shares with the tests is tested as it is in src.
  resolve: {
    alias: [
      { find: /^tsbpf$/, replacement: `${import.meta.dirname}/src/node.ts` },
      { find: /^tsbpf\/(\w+)$/, replacement: `${import.meta.dirname}/src/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Tests that load programs or count descriptors are disturbed by others in the same process, and by a third on two cores.
    pool: 'forks',
    testTimeout: 30_000,
  },
});
