import { describe, expect, it } from 'vitest';
import { NO_BTF_EXT } from '../../src/btf/index.js';
import { UsageError } from '../../src/errors.js';
import { eventType } from '../../src/maps/index.js';
import type { BpfFunction, BpfMapDef, BpfObject, Reference } from '../../src/object/index.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';
import { BtfBuilder } from './build-btf.js';

const RING: BpfMapDef = {
  name: 'rb',
  kernelName: 'rb',
  type: BPF_MAP_TYPE.BPF_MAP_TYPE_RINGBUF,
  keySize: 0,
  valueSize: 0,
  maxEntries: 4096,
  flags: 0,
  numaNode: 0,
  extra: 0n,
  autocreate: true,
};
const program = (references: readonly Reference[]): BpfFunction => ({
  name: 'handle',
  section: 'tp/x/y',
  start: 0,
  insns: new Uint8Array(8),
  references,
  isSubprogram: false,
  def: undefined,
  type: 'BPF_PROG_TYPE_TRACEPOINT',
  autoload: true,
});
const touches = (map: string, offset: number): Reference => ({ insn: 0, kind: 'map_value', map, offset });

interface Scene {
  /** Structs of these names, each with one member. */
  readonly structs?: readonly string[];
  /** Variables of section .bss, each 8 bytes: their types. */
  readonly variables?: readonly ((structs: Readonly<Record<string, number>>, b: BtfBuilder) => number)[];
  readonly touched?: readonly number[];
  readonly ringValue?: string;
  readonly hashValue?: string;
  readonly core?: string;
  readonly context?: string;
}
function inferred(scene: Scene, name?: string): string {
  const b = new BtfBuilder();
  const u64 = b.int('unsigned long', 8);
  const structs = Object.fromEntries(
    (scene.structs ?? []).map((struct) => [struct, b.struct(struct, 8, [{ name: 'x', type: u64, bitOffset: 0 }])]),
  );
  const variables = (scene.variables ?? []).map((type, i) => ({ name: `v${i}`, type: type(structs, b), offset: 8 * i, size: 8 }));
  const bss = b.datasec('.bss', variables);
  if (scene.context) b.function('handle', [b.pointer(structs[scene.context] as number)]);
  const ring = scene.ringValue ? { ...RING, valueType: structs[scene.ringValue] as number } : RING;
  const hash = scene.hashValue
    ? [
        {
          ...RING,
          name: 'hash',
          type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH,
          keyType: u64,
          valueType: structs[scene.hashValue] as number,
        },
      ]
    : [];
  const data = {
    ...RING,
    name: 'x.bss',
    valueType: bss,
    data: { section: '.bss', image: new Uint8Array(8 * variables.length), frozen: false },
  };
  const btf = b.build();
  const object: BpfObject = {
    name: 'x',
    where: { file: 'x.bpf.o' },
    littleEndian: true,
    license: 'GPL',
    kernVersion: undefined,
    btf,
    ext: NO_BTF_EXT,
    coreRelos: new Map(
      scene.core ? [['tp/x/y', [{ insn: 0, type: structs[scene.core] as number, access: '0:0', kind: 0 }]]] : [],
    ),
    programs: [program((scene.touched ?? []).map((offset) => touches('x.bss', offset)))],
    maps: [ring, ...hash, data],
    externs: [],
  };
  return btf.name(eventType(object, ring, name));
}
const pointerTo = (name: string) => (structs: Readonly<Record<string, number>>, b: BtfBuilder) =>
  b.pointer(b.const(structs[name] as number));
const itself = (name: string) => (structs: Readonly<Record<string, number>>) => structs[name] as number;

describe("the type of a ring buffer's records", () => {
  it.each<readonly [string, Scene, string]>([
    [
      'is __type(value, …) of the map',
      { structs: ['event', 'other'], ringValue: 'event', variables: [pointerTo('other')] },
      'event',
    ],
    ['is what an unused global points to', { structs: ['event', 'other'], variables: [pointerTo('event')] }, 'event'],
    ['is an unused global struct', { structs: ['event', 'other'], variables: [itself('event')] }, 'event'],
    [
      'is the unused one of several globals',
      { structs: ['event', 'stats'], variables: [itself('stats'), pointerTo('event')], touched: [0] },
      'event',
    ],
    [
      'is not that of a global of which a member is used',
      { structs: ['event', 'stats'], variables: [itself('stats'), pointerTo('event')], touched: [4] },
      'event',
    ],
    [
      'is that of two unused globals of one type',
      { structs: ['event', 'other'], variables: [itself('event'), pointerTo('event')] },
      'event',
    ],
    ['is the only struct', { structs: ['event'] }, 'event'],
    ['is the only struct that is not the value of a map', { structs: ['event', 'value'], hashValue: 'value' }, 'event'],
    ["is the only struct that is not the kernel's", { structs: ['event', 'task_struct'], core: 'task_struct' }, 'event'],
    ['is the only struct that is not a context', { structs: ['event', 'args'], context: 'args' }, 'event'],
    ['is not a number that nobody uses', { structs: ['event'], variables: [(_, b) => b.int('int', 4, true)] }, 'event'],
    [
      'is not a struct that is only declared',
      { structs: ['event'], variables: [(_, b) => b.pointer(b.forward('later'))] },
      'event',
    ],
  ])('%s', (_, scene, type) => expect(inferred(scene)).toBe(type));

  it.each(['event', 'struct event', 'union either', 'pid_t', 'unsigned long'])('is "%s" when that is named', (name) => {
    const b = new BtfBuilder();
    const u64 = b.int('unsigned long', 8);
    b.struct('event', 0, []);
    b.union('either', 0, []);
    b.typedef('pid_t', u64);
    const btf = b.build();
    const object = { btf, maps: [], programs: [], where: {}, coreRelos: new Map() } as unknown as BpfObject;
    expect(btf.name(eventType(object, RING, name))).toBe(name.replace(/^(struct|union) /, ''));
  });

  it('is not guessed: the candidates are listed, and the way to say it in C', () => {
    const twoStructs = () => inferred({ structs: ['event', 'other'] });
    expect(twoStructs).toThrow(UsageError);
    expect(twoStructs).toThrow("The type of rb's records is not clear: 2 candidates (file x.bpf.o, map rb)");
    expect(twoStructs).toThrow('Name one of "event", "other", or add a global "struct event *unused_event');
    expect(() => inferred({ structs: ['a', 'b', 'c'], variables: [pointerTo('a'), pointerTo('b')] })).toThrow(
      'Name one of "a", "b", or',
    );
    expect(() => inferred({})).toThrow('0 candidates');
    expect(() => inferred({})).toThrow('Name a type, or add a global');
  });

  it('is not a name that BTF lacks', () => {
    expect(() => inferred({ structs: ['event'] }, 'evnet')).toThrow(
      'The object\'s BTF has no type "evnet"\n  Did you mean "event"?',
    );
    expect(() => inferred({ structs: ['event'] }, 'unrelated')).toThrow('The object\'s BTF has no type "unrelated"');
  });

  it('is unknown without BTF', () => {
    const object = { btf: undefined } as unknown as BpfObject;
    expect(() => eventType(object, RING, 'event')).toThrow('The object has no BTF, so events have no types');
  });
});
