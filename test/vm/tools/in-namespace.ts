// Run by the root of a user namespace, who may not use BPF but for a token: loads an object without and with one, and tells.

import { type LoadOptions, open } from '../../../src/api/index.js';
import { SyscallError } from '../../../src/errors.js';
import type { StepEvent } from '../../../src/load/index.js';

const [object = '', token = ''] = process.argv.slice(2);

function outcome(options: LoadOptions): string {
  const failed: string[] = [];
  const observe = (event: StepEvent) => {
    // What is asked beforehand is asked without the token; what is not known is taken to be as on a recent kernel.
    if (event.at === 'failed' && !event.step.id.startsWith('probe ')) failed.push(event.step.id);
  };
  try {
    open(object)
      .load({ ...options, observe })
      .close();
    return ['loaded', ...failed].join(', but not ');
  } catch (error) {
    return error instanceof SyscallError ? `${error.call}: ${error.errno}` : String(error);
  }
}
console.log(JSON.stringify({ without: outcome({}), given: outcome({ token }) }));
