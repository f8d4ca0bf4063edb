import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests that load programs or count descriptors are disturbed by others in the same process, and by a third on two cores.
    pool: 'forks',
    testTimeout: 30_000,
  },
});
