// fixtures/bench.bpf.o, loaded: a ring buffer, and a program that fills it when it is told to. See bpf/bench.bpf.c.

import { fileURLToPath } from 'node:url';
import { type LoadedObject, open } from '../../src/api/index.js';
import type { RingBuffer } from '../../src/maps/index.js';
import { runSyscallProgram } from './kernel.js';

export const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

export interface BenchEvent {
  readonly pid: number;
  readonly ppid: number;
  readonly exit_code: number;
  readonly duration_ns: bigint;
  readonly comm: string;
  readonly filename: string;
  readonly exit_event: boolean;
}
interface BenchTypes {
  readonly bss: { produced: bigint; dropped: bigint };
  readonly maps: { readonly rb: RingBuffer<BenchEvent> };
}
export interface Produce {
  readonly count: number;
  /** 16, 64, 256: plain records, each word of them the sequence number; 168: struct event. */
  readonly size: number;
  /** To bpf_ringbuf_submit: 1 wakes nobody, 2 always. */
  readonly flags?: number;
}

export class Bench implements Disposable {
  readonly loaded: LoadedObject<BenchTypes> = open<BenchTypes>(fixture('bench.bpf.o')).load();

  get ring(): RingBuffer<BenchEvent> {
    return this.loaded.maps.rb;
  }
  get fd(): number {
    return this.loaded.fd('program', 'produce');
  }
  /** How many records were submitted; the others found the ring full. */
  produce({ count, size, flags = 0 }: Produce): number {
    return runSyscallProgram(this.fd, new Uint8Array(Uint32Array.of(count, size, flags, 0).buffer));
  }
  [Symbol.dispose](): void {
    this.loaded.close();
  }
}

const COMMS = [
  'bash',
  'node',
  'git',
  'python3',
  'make',
  'clang-19',
  'ld.lld',
  'grep',
  'gcc-12.2',
  'sshd-x',
  'systemd-exec',
  'cron',
  'ls-l',
  'rustc',
  'containerd-shm',
  'kworker/u4:2',
];
const PATHS = [
  '/usr/bin/xx-',
  '/usr/bin/xxsh',
  '/usr/bin/xxgit',
  '/usr/bin/xxpython3',
  '/usr/bin/xxclang-19',
  '/usr/bin/xxx86_64-linux-gnu-gcc-12',
  '/usr/lib/xxgit-core/git-remote-https',
  '/usr/lib/xxsystemd/systemd-executor',
  '/opt/toolxx/bin/node',
  '/opt/toolxx/lib/node_modules/.bin/tsc',
  '/srv/ci/bxx/out/test',
  '/srv/ci/bxx/node_modules/.bin/vitest-x',
  '/home/devxx/.local/bin/run',
  '/home/devxx/.cargo/bin/rustc-wrapper-x',
  '/root/wrkxx/a.out',
  '/root/wrkxx/project/target/release/bin',
];
const letter = (number: number): string => String.fromCharCode(97 + (number & 15));
const replaced = (text: string, at: number, by: string): string => text.slice(0, at) + by + text.slice(at + by.length);

/** What submit_event writes for a sequence number. */
export function expectedEvent(sequence: number): BenchEvent {
  return {
    pid: sequence,
    ppid: Math.floor(sequence / 7),
    exit_code: sequence & 0xff,
    duration_ns: BigInt(sequence) * 1_000_003n,
    comm: replaced(COMMS[sequence % 16] as string, 1, letter(sequence >> 4)),
    filename: replaced(PATHS[sequence % 16] as string, 9, letter(sequence >> 4) + letter(sequence >> 8)),
    exit_event: (sequence & 1) === 1,
  };
}

/** Checks plain records as they come: each whole, none twice, and the missing ones counted. */
export class SequenceCheck {
  received = 0;
  missing = 0;
  readonly #size: number;
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }
  readonly onRecord = (bytes: Uint8Array, at: number, length: number): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
    const sequence = view.getUint32(0, true);
    if (length !== this.#size) throw new Error(`record ${sequence} has ${length} bytes`);
    for (let i = 8; i < length; i += 8)
      if (view.getUint32(i, true) !== sequence) throw new Error(`record ${sequence} is torn at ${i}`);
    if (sequence < this.#next) throw new Error(`record ${sequence} came again, or late`);
    this.missing += sequence - this.#next;
    this.#next = sequence + 1;
    this.received++;
  };
}
