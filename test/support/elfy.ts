// The part of elfy that we use; the package has no types.

import { createRequire } from 'node:module';

export interface ElfyFile {
  readonly class: string;
  readonly endian: string;
  readonly type: string;
  readonly body: {
    readonly sections: readonly {
      readonly name: string;
      readonly type: string | number;
      readonly size: number;
      readonly link: number;
      readonly info: number;
      readonly data: Buffer;
    }[];
  };
}

export const elfy = createRequire(import.meta.url)('elfy') as { parse(bytes: Buffer): ElfyFile };
