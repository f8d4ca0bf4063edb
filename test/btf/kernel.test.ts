// The running kernel's types, all of them, against what bpftool says of the same bytes.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Btf, type BtfType, findType, nameIndex, parseBtf, sizeOf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED } from '../../src/uapi/btf.js';

const VMLINUX = '/sys/kernel/btf/vmlinux';
const missing = whyNot();
if (missing) console.log(`skipped: ${missing}`);

function whyNot(): string | undefined {
  if (!existsSync(VMLINUX)) return `${VMLINUX} is not there: this kernel shows no BTF`;
  try {
    execFileSync('bpftool', ['version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'bpftool is not installed, so there is nothing to compare the kernel BTF with';
  }
}

const ENCODINGS: Readonly<Record<number, string>> = {
  0: '(none)',
  [BTF_INT_SIGNED]: 'SIGNED',
  [BTF_INT_CHAR]: 'CHAR',
  [BTF_INT_BOOL]: 'BOOL',
};
const LINKAGES = ['static', 'global', 'extern'];
const shown = (name: string): string => name || '(anon)';
const named = ({ name }: { readonly name: string }) => ({ name: shown(name) });

/** bpftool 7.1 extends the sign of every 32-bit enumerator, also in an unsigned enum; later ones do not. */
type EnumValue = (value: bigint) => bigint;
const honest: EnumValue = (value) => value;
const signExtended: EnumValue = (value) => BigInt.asUintN(64, BigInt.asIntN(32, value));

/** One type as `bpftool btf dump -j` writes it; numbers of enumerators as text, since they may have 64 bits. */
function asBpftool(type: BtfType, ofEnum: EnumValue): Record<string, unknown> {
  const head = { id: type.id, kind: type.kind, name: shown(type.name) };
  switch (type.kind) {
    case 'INT':
      return {
        ...head,
        size: type.size,
        bits_offset: type.bitOffset,
        nr_bits: type.bits,
        encoding: ENCODINGS[type.encoding] ?? 'UNKN',
      };
    case 'ARRAY':
      return { ...head, type_id: type.type, index_type_id: type.indexType, nr_elems: type.nelems };
    case 'STRUCT':
    case 'UNION': {
      const members = type.members.map((member) => ({
        ...named(member),
        type_id: member.type,
        bits_offset: member.bitOffset,
        ...(member.bitfieldSize > 0 && { bitfield_size: member.bitfieldSize }),
      }));
      return { ...head, size: type.size, vlen: members.length, members };
    }
    case 'ENUM':
    case 'ENUM64': {
      const values = type.values.map((row) => ({
        ...named(row),
        val: `${type.kind === 'ENUM' && !type.signed ? ofEnum(row.value) : row.value}`,
      }));
      return { ...head, encoding: type.signed ? 'SIGNED' : 'UNSIGNED', size: type.size, vlen: values.length, values };
    }
    case 'FWD':
      return { ...head, fwd_kind: type.union ? 'union' : 'struct' };
    case 'FUNC':
      return { ...head, type_id: type.type, linkage: LINKAGES[type.linkage] };
    case 'FUNC_PROTO': {
      const params = type.params.map((param) => ({ ...named(param), type_id: param.type }));
      return { ...head, ret_type_id: type.type, vlen: params.length, params };
    }
    case 'VAR':
      return { ...head, type_id: type.type, linkage: LINKAGES[type.linkage] };
    case 'DATASEC':
      return {
        ...head,
        size: type.size,
        vlen: type.vars.length,
        vars: type.vars.map(({ type: type_id, offset, size }) => ({ type_id, offset, size })),
      };
    case 'FLOAT':
      return { ...head, size: type.size };
    case 'DECL_TAG':
      return { ...head, type_id: type.type, component_idx: type.component };
    case 'VOID':
      return head;
    default:
      return { ...head, type_id: type.type };
  }
}

describe.skipIf(missing !== undefined)('the running kernel', () => {
  const btf: Btf = missing ? ({} as Btf) : parseBtf(region(new Uint8Array(readFileSync(VMLINUX)), { file: VMLINUX }));

  it('has the types that bpftool shows, to the last member', { timeout: 60_000 }, () => {
    const json = execFileSync('bpftool', ['btf', 'dump', 'file', VMLINUX, '-j'], { encoding: 'utf8', maxBuffer: 1 << 30 });
    const { types } = JSON.parse(json.replace(/"val":\s*(-?\d+)/g, '"val":"$1"')) as {
      types: readonly { readonly id: number }[];
    };
    expect(btf.length - 1).toBe(types.length);
    const isSame = (theirs: { readonly id: number }) => {
      const text = JSON.stringify(theirs);
      const type = btf.type(theirs.id);
      return text === JSON.stringify(asBpftool(type, honest)) || text === JSON.stringify(asBpftool(type, signExtended));
    };
    const different = types.filter((theirs) => !isSame(theirs));
    expect(different.slice(0, 5).map((theirs) => [theirs, asBpftool(btf.type(theirs.id), honest)])).toEqual([]);
    console.log(`${types.length} types of the running kernel are as bpftool shows them`);
  });

  it('has a size for everything that can be stored, and an index that finds every name', { timeout: 60_000 }, () => {
    const index = nameIndex(btf);
    const lost: number[] = [];
    for (let id = 1; id < btf.length; id++) {
      const type = btf.type(id);
      if (type.kind === 'STRUCT' || type.kind === 'UNION') expect(sizeOf(btf, id)).toBe(type.size);
      if (type.name && id % 7 === 0 && !index.essential(type.name).includes(id)) lost.push(id);
    }
    expect(lost).toEqual([]);
  });

  it('has a task_struct with what bootstrap reads', () => {
    const id = findType(btf, 'task_struct', 'STRUCT') as number;
    const type = btf.type(id);
    const names = type.kind === 'STRUCT' ? type.members.map(({ name }) => name) : [];
    expect(names).toEqual(expect.arrayContaining(['real_parent', 'tgid', 'exit_code', 'comm']));
    expect(btf.pointerSize).toBe(8);
  });
});
