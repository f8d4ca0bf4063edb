// Asks the witness, one question after the other, over its pipes.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Witness {
  #child;
  #lines;

  constructor(program) {
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @param question As `ask` of ours.mjs has it. */
  async ask({ object, btf, everything, only = '', toKernel }) {
    this.#child.stdin.write(`${toKernel ? 'k' : ''}${everything ? 'e' : ''}\t${only}\t${object}\t${btf ?? ''}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the witness ended; the question was ${object} ${btf ?? ''}`);
      const answer = parsed(value);
      if (answer) return answer;
    }
  }

  close() {
    this.#child.stdin.end();
  }
}

/** Half a line is what a question leaves that ended its process; the line after it says so. */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
