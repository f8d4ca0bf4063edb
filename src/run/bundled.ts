// Objects that come with tsbpf, compiled; their sources are in bpf/.

import { fileURLToPath } from 'node:url';

/** Path of a bundled object: `bootstrap` -> …/fixtures/bootstrap.bpf.o. */
export const bundled = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}.bpf.o`, import.meta.url));
