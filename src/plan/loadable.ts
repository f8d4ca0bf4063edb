// Which programs a load sends to the kernel.

import type { BpfFunction, BpfObject } from '../object/index.js';

/** Entry functions whose section does not switch them off. Subprograms go with the programs that call them. */
export const loadable = (object: BpfObject): BpfFunction[] =>
  object.programs.filter((program) => !program.isSubprogram && program.autoload);
