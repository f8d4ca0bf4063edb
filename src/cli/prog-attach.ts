// `tsbpf prog attach` and `detach`: programs that run for sockets in a map, and the flow dissector.

import { mustBpf } from '../syscall/index.js';
import { BPF_ATTACH_TYPE, type BpfAttachType } from '../uapi/enums.js';
import { type NounContext, printDone } from './nouns.js';
import { selectOne } from './selectors.js';
import { isPrefix, type Words, WordsError } from './verbs.js';

interface AttachWord {
  readonly type: BpfAttachType;
  /** Said in full. */
  readonly name: string;
  /** The older word, which may be cut short. */
  readonly short?: string;
}

/** In the order of the kernel's numbers, by which the first that starts so is meant. */
const ATTACH_WORDS: readonly AttachWord[] = [
  { type: 'BPF_SK_SKB_STREAM_PARSER', name: 'sk_skb_stream_parser', short: 'stream_parser' },
  { type: 'BPF_SK_SKB_STREAM_VERDICT', name: 'sk_skb_stream_verdict', short: 'stream_verdict' },
  { type: 'BPF_SK_MSG_VERDICT', name: 'sk_msg_verdict', short: 'msg_verdict' },
  { type: 'BPF_FLOW_DISSECTOR', name: 'flow_dissector' },
  { type: 'BPF_SK_SKB_VERDICT', name: 'sk_skb_verdict', short: 'skb_verdict' },
];

export const ATTACH_LEGEND = `ATTACH_TYPE := { ${ATTACH_WORDS.map(({ name }) => name).join(' | ')} }`;

export function attach(words: Words, context: NounContext): void {
  change(words, 'BPF_PROG_ATTACH', 'Cannot attach the program', {
    EINVAL:
      'The type of the program, the attach type and the map must suit each other: sk_skb and sk_msg programs go to a sockmap or sockhash. A flow dissector is not attached twice.',
    EOPNOTSUPP: 'Programs go to a sockmap or sockhash.',
    EBUSY: 'A program that excludes this one is there: a map takes a stream verdict or a verdict, not both.',
    EEXIST: 'A flow dissector is attached already, to this network namespace or to the first one.',
  });
  printDone(context);
}

export function detach(words: Words, context: NounContext): void {
  change(words, 'BPF_PROG_DETACH', 'Cannot detach the program', { ENOENT: 'It is not attached there.' });
  printDone(context);
}

function change(
  words: Words,
  cmd: 'BPF_PROG_ATTACH' | 'BPF_PROG_DETACH',
  doing: string,
  remedies: Readonly<Record<string, string>>,
): void {
  using prog = selectOne('prog', words);
  const { type } = attachWord(words.next('an attach type'));
  const attr = { attach_bpf_fd: prog.fd, attach_type: BPF_ATTACH_TYPE[type] };
  if (type === 'BPF_FLOW_DISSECTOR') {
    words.end();
    mustBpf(cmd, attr, doing, remedies);
    return;
  }
  using map = selectOne('map', words);
  words.end();
  mustBpf(cmd, { ...attr, target_fd: map.fd }, doing, remedies);
}

function attachWord(said: string): AttachWord {
  const found = ATTACH_WORDS.find(({ name, short }) => said === name || (short !== undefined && isPrefix(said, short)));
  if (found) return found;
  throw new WordsError(`invalid attach/detach type '${said}': it is none of ${ATTACH_WORDS.map(({ name }) => name).join(', ')}`);
}
