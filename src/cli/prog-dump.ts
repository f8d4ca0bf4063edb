// `tsbpf prog dump`: the instructions of loaded programs, as the verifier left them or as machine code.

import { BpfError, UnsupportedError, UsageError } from '../errors.js';
import {
  type Json,
  jitedJson,
  jitedText,
  type MachineDisassembler,
  type ProgInfo,
  progHeader,
  progHeaderText,
  type XlatedOptions,
  xlatedGraph,
  xlatedJson,
  xlatedRows,
  xlatedText,
} from '../live/index.js';
import { jitedCode, progInfo, progName, xlatedCode } from '../syscall/index.js';
import { machineDisassembler } from './machine.js';
import { printNotice } from './notice.js';
import { type NounContext, printDone, printJson } from './nouns.js';
import { printText } from './output.js';
import { selectAll } from './selectors.js';
import { type Words, WordsError } from './verbs.js';
import { writeWhole } from './write-whole.js';

type Form = 'xlated' | 'jited';
interface DumpOptions extends XlatedOptions {
  readonly visual?: boolean;
}

export async function dump(words: Words, context: NounContext): Promise<void> {
  const form = words.oneOf(['xlated', 'jited']);
  using selected = selectAll('prog', words);
  let file: string | undefined;
  const options: { -readonly [K in keyof DumpOptions]: boolean } = {};
  while (words.left > 0) {
    const option = words.oneOf(form === 'xlated' ? ['file', 'opcodes', 'visual', 'linum'] : ['file', 'opcodes', 'linum']);
    if (option === 'file') file = words.next('a path');
    else options[option] = true;
  }
  if (file !== undefined && (options.opcodes || options.visual || options.linum))
    throw new WordsError("'file' is not compatible with 'opcodes', 'visual' or 'linum'");
  if (context.json && options.visual) throw new WordsError("'visual' is not compatible with JSON: it is Graphviz's language");
  const [fd] = selected.fds as [number];
  if ((file !== undefined || options.visual) && selected.fds.length > 1)
    throw new UsageError('several programs matched', {
      remedy: `A ${options.visual ? 'graph' : 'file'} takes the code of one: name it by its id.`,
    });
  if (file !== undefined) {
    writeOut(file, form === 'xlated' ? xlatedCode(fd).insns : jitedCode(fd).code);
    printDone(context);
    return;
  }
  const disassemble = form === 'jited' ? await disassemblerOrNotice() : undefined;
  const isSeveral = selected.fds.length > 1;
  const dumps = selected.fds.map((fd) => {
    const info = progInfo(fd);
    return { head: { info, name: progName(fd, info) }, code: dumpOf(fd, info, form, options, context, disassemble) };
  });
  if (context.json) {
    const shown = dumps.map(({ head, code }) => (isSeveral ? { ...progHeader(head), insns: code } : code));
    printJson(isSeveral ? shown : (shown[0] as Json), context.pretty);
  } else printText(dumps.map(({ head, code }) => `${isSeveral ? progHeaderText(head) : ''}${code}`).join('\n'));
}

/** Without a disassembler the code is still worth to be seen, in bytes. */
async function disassemblerOrNotice(): Promise<MachineDisassembler | undefined> {
  try {
    return await machineDisassembler();
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    printNotice(error, 'Here are its bytes.');
    return undefined;
  }
}

function dumpOf(
  fd: number,
  info: ProgInfo,
  form: Form,
  options: DumpOptions,
  { json }: NounContext,
  disassemble: MachineDisassembler | undefined,
): Json {
  if (form === 'jited') {
    const code = withTypes(info, jitedCode(fd));
    return json ? jitedJson(code, options, disassemble) : jitedText(code, options, disassemble);
  }
  const code = withTypes(info, xlatedCode(fd));
  if (options.visual) return xlatedGraph(code, options);
  const rows = xlatedRows(code);
  return json ? xlatedJson(rows, options) : xlatedText(rows, options);
}

/** Says it where they are missing, and not because the program was loaded without. */
function withTypes<C extends { readonly btf?: unknown }>({ id, btfId }: ProgInfo, code: C): C {
  if (code.btf === undefined && btfId > 0)
    printNotice(
      new BpfError(`The types of program ${id} cannot be read`, { remedy: 'Run as root: it takes CAP_SYS_ADMIN.' }),
      'Here are its instructions without lines of C.',
    );
  return code;
}

/** What only this user may read, as bpftool has it: addresses of the kernel may be in it. */
export const writeOut = (file: string, bytes: Uint8Array): void => writeWhole(file, bytes, 0o600);
