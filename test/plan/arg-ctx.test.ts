// __arg_ctx for kernels that do not know the tag: what is added to the types, and which functions programs then name.

import { describe, expect, it } from 'vitest';
import { type Btf, type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import type { BpfFunction, BpfObject, LinkedProgram } from '../../src/object/index.js';
import { argCtxFeatures, withContexts } from '../../src/plan/index.js';
import type { BpfProgType } from '../../src/uapi/enums.js';
import { INT, ptr } from '../support/btf-types.js';

const WITHOUT = new Map([['arg_ctx_tag', false]] as const);
const tag = (type: number, component: number): BtfTypeInput => ({
  kind: 'DECL_TAG',
  name: 'arg:ctx',
  type,
  component,
  attribute: false,
});

/** int f(TYPE *ctx, int n), global; type 2 is the pointer, 3 the prototype, 4 the function. */
const f = (target: number, linkage = 1): BtfTypeInput[] => [
  INT,
  ptr(target),
  {
    kind: 'FUNC_PROTO',
    type: 1,
    params: [
      { name: 'ctx', type: 2 },
      { name: 'n', type: 1 },
    ],
  },
  { kind: 'FUNC', name: 'f', type: 3, linkage },
];

function fitted(types: readonly BtfTypeInput[], type: BpfProgType, features: ReadonlyMap<'arg_ctx_tag', boolean> = WITHOUT) {
  const btf = parseBtf(encodeBtf(types));
  const program = { name: 'p', type, autoload: true, isSubprogram: false } as BpfFunction;
  const object = { btf, programs: [program] } as unknown as BpfObject;
  const funcInfo = [
    { insn: 0, type: 99 },
    { insn: 5, type: 4 },
  ];
  const linked = { program, funcInfo } as unknown as LinkedProgram;
  const { object: changed, programs } = withContexts(object, [linked, linked], features);
  const after = changed.btf as Btf;
  return {
    asked: argCtxFeatures(object),
    added: Array.from({ length: after.length - btf.length }, (_, i) => after.type(btf.length + i)),
    funcs: programs.map(({ funcInfo }) => funcInfo.map((info) => info.type)),
  };
}

describe('a parameter with the tag', () => {
  it('gets the type of the context, in a copy of the function for each program', () => {
    const { asked, added, funcs } = fitted([...f(0), tag(4, 0)], 'BPF_PROG_TYPE_XDP');
    expect(asked).toEqual(['arg_ctx_tag']);
    expect(added.slice(0, 5)).toEqual([
      expect.objectContaining({
        kind: 'FUNC_PROTO',
        type: 1,
        params: [
          { name: 'ctx', type: 9 },
          { name: 'n', type: 1 },
        ],
      }),
      expect.objectContaining({ kind: 'FUNC', name: 'f', type: 6, linkage: 1 }),
      expect.objectContaining({ kind: 'STRUCT', name: 'xdp_md', size: 0, members: [] }),
      expect.objectContaining({ kind: 'PTR', type: 8 }),
      expect.objectContaining({ kind: 'DECL_TAG', name: 'arg:ctx', type: 7, component: 0 }),
    ]);
    expect(added).toHaveLength(10);
    expect(funcs).toEqual([
      [99, 7],
      [99, 12],
    ]);
  });

  const named = (kind: 'STRUCT' | 'TYPEDEF', name: string): BtfTypeInput =>
    kind === 'STRUCT' ? { kind, name, size: 0, members: [] } : { kind, name, type: 1 };
  it.each<[string, BtfTypeInput, BpfProgType, boolean]>([
    ['the context itself', named('STRUCT', 'xdp_md'), 'BPF_PROG_TYPE_XDP', false],
    ['another structure', named('STRUCT', 'other'), 'BPF_PROG_TYPE_XDP', false],
    ['registers, of a kprobe', named('STRUCT', 'pt_regs'), 'BPF_PROG_TYPE_KPROBE', true],
    ['registers, of a perf event', named('STRUCT', 'pt_regs'), 'BPF_PROG_TYPE_PERF_EVENT', true],
    ['registers, of another', named('STRUCT', 'pt_regs'), 'BPF_PROG_TYPE_XDP', false],
    ["the user's registers", named('TYPEDEF', 'bpf_user_pt_regs_t'), 'BPF_PROG_TYPE_KPROBE', false],
    [
      'words of a raw tracepoint',
      { kind: 'INT', name: 'u64', size: 8, bits: 64, bitOffset: 0, encoding: 0 },
      'BPF_PROG_TYPE_RAW_TRACEPOINT',
      true,
    ],
    ['words of another', { kind: 'INT', name: 'u64', size: 8, bits: 64, bitOffset: 0, encoding: 0 }, 'BPF_PROG_TYPE_XDP', false],
  ])('that points to %s', (_, target, type, changed) => {
    expect(fitted([...f(5), target, tag(4, 0)], type).added.length > 0).toBe(changed);
  });

  it('stays as it is where the kernel knows the tag, or nothing is known', () => {
    for (const features of [new Map([['arg_ctx_tag', true]] as const), new Map()])
      expect(fitted([...f(0), tag(4, 0)], 'BPF_PROG_TYPE_XDP', features)).toMatchObject({
        added: [],
        funcs: [
          [99, 4],
          [99, 4],
        ],
      });
  });

  it.each<[string, readonly BtfTypeInput[], BpfProgType]>([
    ['of a static function', [...f(0, 0), tag(4, 0)], 'BPF_PROG_TYPE_XDP'],
    ['that there is not', [...f(0), tag(4, 7)], 'BPF_PROG_TYPE_XDP'],
    ['of no function', [...f(0), tag(1, -1)], 'BPF_PROG_TYPE_XDP'],
    ['of a program whose context has no name', [...f(0), tag(4, 0)], 'BPF_PROG_TYPE_TRACEPOINT'],
  ])('%s: nothing is asked, nothing added', (_, types, type) => {
    expect(fitted(types, type)).toMatchObject({ asked: [], added: [] });
  });

  it('a function that no program has, and an int, are left alone', () => {
    const other: BtfTypeInput = { kind: 'FUNC', name: 'g', type: 3, linkage: 1 };
    expect(fitted([...f(0), other, tag(5, 0), tag(4, 1)], 'BPF_PROG_TYPE_XDP').added).toEqual([]);
  });
});
