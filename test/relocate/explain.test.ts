// Poisoned relocations, explained: which part of a path failed, what the kernel has in its place, and what to write.

import { describe, expect, it } from 'vitest';
import type { BtfTypeInput } from '../../src/btf/index.js';
import type { CoreExplanation } from '../../src/errors.js';
import { type CoreKind, declare, explainFixup, membersOf, movedTo } from '../../src/relocate/index.js';
import { array, btfOf, INT, int, ptr, struct, typedef, union } from '../support/btf-types.js';
import { ldImm64, load, mov, relocated } from '../support/core-fixtures.js';

/** 1 to 4 everywhere: int, u32, u64, s64. The types of a case begin at 5. */
const BASE: readonly BtfTypeInput[] = [INT, int('u32', 4), int('u64', 8), int('s64', 8, 1)];
const [S32, U32, U64, S64, FIRST] = [1, 2, 3, 4, 5];

const enumOf = (name: string, ...names: string[]): BtfTypeInput => ({
  kind: 'ENUM',
  name,
  size: 4,
  signed: false,
  values: names.map((value, i) => ({ name: value, value: BigInt(i) })),
});

interface Case {
  readonly name: string;
  readonly local: readonly BtfTypeInput[];
  readonly kernel: readonly BtfTypeInput[];
  readonly access: string;
  readonly kind?: CoreKind;
  readonly insn?: string;
  readonly expected: Partial<CoreExplanation>;
}

const timespec = struct('timespec64', 16, ['tv_sec', S64], ['tv_nsec', S64, 8]);

const CASES: readonly Case[] = [
  {
    name: 'a member that was renamed',
    local: [timespec, struct('inode', 24, ['i_ino', U64], ['i_atime', FIRST, 8])],
    kernel: [
      typedef('time64_t', S64),
      struct('inode', 24, ['i_ino', U64], ['i_atime_sec', FIRST, 8], ['i_atime_nsec', U32, 16], ['i_mtime_sec', FIRST, 20]),
    ],
    access: '0:1:0',
    insn: mov(8),
    expected: {
      local: 'struct inode.i_atime.tv_sec',
      failed: { component: 'i_atime', type: 'struct inode', index: 1 },
      candidates: [{ type: 'struct inode', reason: 'it has no member i_atime' }],
      nearest: ['i_atime_sec', 'i_atime_nsec'],
      moved: [],
      suggestion: `if (bpf_core_field_exists(struct inode, i_atime.tv_sec)) …
else with a flavor:
struct inode___new {
\ttime64_t i_atime_sec;
} __attribute__((preserve_access_index));`,
    },
  },
  {
    name: 'a member whose name has underscores now, in an anonymous union',
    local: [struct('task_struct___old', 8, ['pid', S32], ['state', S32, 4])],
    kernel: [union('', 4, ['__state', U32]), struct('task_struct', 16, ['pid', S32], ['exit_state', S32, 4], ['', FIRST, 12])],
    access: '0:1',
    insn: mov(4),
    expected: {
      local: 'struct task_struct___old.state',
      failed: { component: 'state', type: 'struct task_struct___old', index: 1 },
      nearest: ['__state', 'exit_state'],
      suggestion: expect.stringContaining('struct task_struct___new {\n\tu32 __state;\n}'),
    },
  },
  {
    name: 'a member that moved into another struct',
    local: [struct('dev', 16, ['a', U64], ['rx_bytes', U64, 8])],
    kernel: [struct('stats', 16, ['tx', U64], ['rx_bytes', U64, 8]), struct('dev', 24, ['a', U64], ['stats', FIRST, 8])],
    access: '0:1',
    insn: mov(8),
    expected: {
      nearest: [],
      moved: ['stats.rx_bytes'],
      suggestion: expect.stringContaining('struct dev___new {\n\tstruct { u64 rx_bytes; } stats;\n}'),
    },
  },
  {
    name: 'a component in the middle of a path',
    local: [struct('inner', 8, ['x', U32], ['y', U32, 4]), struct('outer', 16, ['a', U64], ['in', FIRST, 8])],
    kernel: [struct('inner', 8, ['x', U32], ['y2', U32, 4]), struct('outer', 16, ['a', U64], ['in', FIRST, 8])],
    access: '0:1:1',
    insn: mov(12),
    expected: {
      local: 'struct outer.in.y',
      failed: { component: 'y', type: 'struct inner', index: 1 },
      candidates: [{ type: 'struct outer', reason: 'it has no member y' }],
      nearest: ['y2'],
      suggestion: expect.stringContaining('struct inner___new {\n\tu32 y2;\n}'),
    },
  },
  {
    name: 'an element past the end of the array',
    local: [array(U32, 8), struct('s', 32, ['list', FIRST])],
    kernel: [array(U32, 4), struct('s', 16, ['list', FIRST])],
    access: '0:0:6',
    insn: mov(24),
    expected: {
      local: 'struct s.list[6]',
      failed: { component: '[6]', type: 'struct s.list', index: 6 },
      candidates: [{ type: 'struct s', reason: 'list has only 4 elements' }],
      suggestion: 'if (bpf_core_field_exists(struct s, list[6])) …',
    },
  },
  {
    name: 'a member of another kind',
    local: [struct('s', 8, ['a', U32], ['b', U32, 4])],
    kernel: [struct('inner', 4, ['x', U32]), struct('s', 8, ['a', U32], ['b', FIRST, 4])],
    access: '0:1',
    insn: mov(4),
    expected: {
      failed: {
        component: 'b',
        type: 'struct s',
        index: 1,
        differs: 'its member b is of an incompatible kind (STRUCT, not INT)',
      },
      candidates: [{ type: 'struct s', reason: expect.stringContaining('STRUCT, not INT') }],
      nearest: ['b'],
      suggestion: expect.stringContaining('struct inner b;'),
    },
  },
  {
    name: 'a field of a size that no load can be changed to',
    local: [struct('s', 8, ['a', S32], ['b', S32, 4])],
    kernel: [struct('s', 16, ['a', S32], ['b', S64, 8])],
    access: '0:1',
    insn: load(4, 4),
    expected: {
      failed: { component: 'b', type: 'struct s', index: 1, differs: expect.stringMatching(/^the field has 8 bytes/) },
      candidates: [{ type: 'struct s', reason: expect.stringContaining('8 bytes in the kernel and has 4 bytes in the object') }],
      nearest: [],
      suggestion: expect.stringContaining('struct s___new {\n\ts64 b;\n}'),
    },
  },
  {
    name: 'a type that is not there',
    local: [struct('task_structs', 4, ['a', U32])],
    kernel: [struct('task_struct', 4, ['a', U32]), struct('task_group', 4, ['a', U32]), union('task_structs', 4, ['a', U32])],
    access: '0:0',
    insn: mov(0),
    expected: {
      local: 'struct task_structs.a',
      failed: { component: 'struct task_structs', type: 'struct task_structs' },
      candidates: [],
      nearest: ['task_struct'],
      suggestion: 'if (bpf_core_type_exists(struct task_structs)) …\nor use struct task_struct',
    },
  },
  {
    name: 'an enumerator that is not there',
    local: [enumOf('state', 'RUNING', 'STOPPED')],
    kernel: [enumOf('state', 'RUNNING', 'STOPPED', 'DEAD')],
    access: '0',
    kind: 'enumval_value',
    insn: ldImm64(0n),
    expected: {
      local: 'enum state::RUNING',
      failed: { component: 'RUNING', type: 'enum state', index: 0 },
      nearest: ['RUNNING'],
      suggestion: expect.stringContaining('enum state___new { RUNNING };'),
    },
  },
  {
    name: 'an enumerator that shares no more than the prefix of all with those that are there',
    local: [enumOf('bpf_map_type', 'BPF_MAP_TYPE_NOPE')],
    kernel: [enumOf('bpf_map_type', 'BPF_MAP_TYPE_UNSPEC', 'BPF_MAP_TYPE_HASH', 'BPF_MAP_TYPE_ARRAY', '__MAX_BPF_MAP_TYPE')],
    access: '0',
    kind: 'enumval_value',
    insn: ldImm64(0n),
    expected: {
      nearest: [],
      suggestion: 'if (bpf_core_enum_value_exists(enum bpf_map_type, BPF_MAP_TYPE_NOPE)) …',
    },
  },
  {
    name: 'an enumerator that is misspelt behind the prefix of all',
    local: [enumOf('bpf_map_type', 'BPF_MAP_TYPE_ARAY')],
    kernel: [enumOf('bpf_map_type', 'BPF_MAP_TYPE_UNSPEC', 'BPF_MAP_TYPE_HASH', 'BPF_MAP_TYPE_ARRAY', '__MAX_BPF_MAP_TYPE')],
    access: '0',
    kind: 'enumval_value',
    insn: ldImm64(0n),
    expected: { nearest: ['BPF_MAP_TYPE_ARRAY'] },
  },
  {
    name: 'an enum that is not there',
    local: [enumOf('states', 'A')],
    kernel: [enumOf('state', 'A')],
    access: '0',
    kind: 'enumval_value',
    insn: ldImm64(0n),
    expected: {
      failed: { component: 'enum states', type: 'enum states' },
      nearest: ['state'],
      suggestion: 'if (bpf_core_type_exists(enum states)) …',
    },
  },
];

describe('a poisoned relocation is explained', () => {
  it.each(CASES)('$name', ({ local, kernel, access, kind = 'byte_off', insn = mov(0), expected }) => {
    const types = [...BASE, ...kernel];
    const { fixups } = relocated([...BASE, ...local], types, [{ type: BASE.length + local.length, access, kind, insn }]);
    const [fixup] = fixups;
    if (!fixup) throw new Error('no fixup');
    expect(fixup.after).toBe('poison');
    expect(explainFixup(fixup, { kernel: btfOf(types) })).toMatchObject(expected);
  });

  it('with the candidate that gets furthest, of several', () => {
    const kernel = [
      ...BASE,
      struct('inner', 4, ['x', U32]),
      struct('s', 8, ['zz', U32]),
      struct('s', 8, ['in', FIRST]),
      struct('s', 4, ['yy', U32]),
    ];
    const local = [...BASE, struct('inner', 8, ['y', U32], ['x', U32, 4]), struct('s', 8, ['in', FIRST])];
    const [fixup] = relocated(local, kernel, [{ type: FIRST + 1, access: '0:0:0', kind: 'byte_off', insn: mov(0) }]).fixups;
    if (!fixup) throw new Error('no fixup');
    expect(explainFixup(fixup)).toMatchObject({ failed: { component: 'y', type: 'struct inner' } });
    expect(explainFixup(fixup).candidates).toHaveLength(3);
  });
});

describe('members', () => {
  const btf = btfOf([
    ...BASE,
    union('', 8, ['a', U64], ['b', U32]),
    struct('deep', 8, ['wanted', U64]),
    struct('middle', 8, ['deep', FIRST + 1]),
    struct('top', 24, ['', FIRST], ['middle', FIRST + 2, 8], ['wanted_not', U64, 16]),
    struct('loop', 8, ['', FIRST + 4]),
  ]);

  it('of anonymous structs are those of the one around them', () => {
    expect(membersOf(btf, FIRST + 3).map(({ name }) => name)).toEqual(['a', 'b', 'middle', 'wanted_not']);
  });
  it('are found deeper down, by path', () => {
    expect(movedTo(btf, FIRST + 3, 'wanted')).toEqual(['middle.deep.wanted']);
  });
  it('of a struct in itself have an end', () => {
    expect(membersOf(btf, FIRST + 4)).toEqual([]);
    expect(movedTo(btf, FIRST + 4, 'x')).toEqual([]);
  });
});

describe('declare', () => {
  const btf = btfOf([...BASE, array(U32, 4), ptr(FIRST + 2), struct('file', 8), ptr(0), struct('', 4), ptr(FIRST + 4)]);
  it.each([
    [U32, 'u32 x'],
    [FIRST, 'u32 x[4]'],
    [FIRST + 1, 'struct file *x'],
    [FIRST + 3, 'void *x'],
    [FIRST + 5, 'void *x'],
  ])('type %i is %s', (type, expected) => {
    expect(declare(btf, type, 'x')).toBe(expected);
  });
});
