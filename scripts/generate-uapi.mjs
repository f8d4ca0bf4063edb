// Writes src/uapi/enums.ts from a kernel's own BTF: node scripts/generate-uapi.mjs [BTF FILE] [KERNEL VERSION]
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { findType, parseBtf } from '../dist/btf/index.js';
import { region } from '../dist/bytes/index.js';

const [file = '/sys/kernel/btf/vmlinux', version = release().split('-')[0]] = process.argv.slice(2);
const btf = parseBtf(region(new Uint8Array(readFileSync(file)), { file }));

/** [kernel's enum, our constant, our type, what it is for] */
const ENUMS = [
  ['bpf_cmd', 'BPF_CMD', 'BpfCmd', 'First argument of bpf(2).'],
  ['bpf_map_type', 'BPF_MAP_TYPE', 'BpfMapType', ''],
  ['bpf_prog_type', 'BPF_PROG_TYPE', 'BpfProgType', ''],
  ['bpf_attach_type', 'BPF_ATTACH_TYPE', 'BpfAttachType', ''],
  ['bpf_link_type', 'BPF_LINK_TYPE', 'BpfLinkType', ''],
  ['bpf_core_relo_kind', 'BPF_CORE_RELO_KIND', 'BpfCoreReloKind', ''],
  ['bpf_func_id', 'BPF_FUNC', 'BpfFunc', 'Helper numbers, as in the imm of a call.'],
];

/** Members that came after the kernel this is generated from, so that objects which use them are understood. */
const LATER = {
  bpf_map_type: [
    ['BPF_MAP_TYPE_INSN_ARRAY', 34],
    ['BPF_MAP_TYPE_RHASH', 35],
  ],
  bpf_attach_type: [
    ['BPF_TRACE_FSESSION', 58],
    ['BPF_TRACE_FENTRY_MULTI', 59],
    ['BPF_TRACE_FEXIT_MULTI', 60],
    ['BPF_TRACE_FSESSION_MULTI', 61],
  ],
  bpf_link_type: [['BPF_LINK_TYPE_TRACING_MULTI', 15]],
};

let text = `// Generated from the BTF of Linux ${version} by scripts/generate-uapi.mjs; do not edit. A test compares it with the running kernel.\n`;
for (const [name, constant, type, use] of ENUMS) {
  const id = findType(btf, name, 'ENUM');
  if (id === undefined) throw new Error(`${file} has no enum ${name}`);
  const seen = new Set();
  const rows = btf
    .type(id)
    .values.filter(({ name: member, value }) => !member.startsWith('__') && !seen.has(value) && seen.add(value));
  for (const [member, value] of LATER[name] ?? [])
    if (!rows.some((row) => row.name === member)) rows.push({ name: member, value });
  text += `\n/** enum ${name}.${use ? ` ${use}` : ''} */\nexport const ${constant} = {\n${rows.map((row) => `  ${row.name}: ${row.value},\n`).join('')}} as const;\n`;
  text += `export type ${type} = keyof typeof ${constant};\n`;
}
writeFileSync(new URL('../src/uapi/enums.ts', import.meta.url), text);
