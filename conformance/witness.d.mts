import type { Answer, Question } from './ours.mjs';

export class Witness {
  constructor(program: string);
  ask(question: Question): Promise<Answer>;
  close(): void;
}
