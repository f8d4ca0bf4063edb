import { type BtfTypeInput, encodeBtf, encodeExtRecords } from '../src/btf/index.js';
import { fromHex, utf8Bytes } from '../src/bytes/index.js';
import { describeFacts } from '../src/plan/index.js';
import { SHF_EXECINSTR, SHT_NOBITS, SHT_REL, STB_LOCAL, STT_FUNC, STT_OBJECT, STT_SECTION } from '../src/uapi/elf.js';
import { array, btfOf, INT, int, type Member, proto, ptr, struct } from '../test/support/btf-types.js';
import { buildElf, relEntries, type SectionInput, type SymbolInput } from '../test/support/elf-builder.js';
import { exercise } from './pipeline.js';

const EXIT = fromHex('b700000000000000 9500000000000000');
const many = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i));
const CODE = 2 | SHF_EXECINSTR;
const only = process.argv[2];
function run(name: string, make: () => Uint8Array, kernel: readonly BtfTypeInput[] | undefined = [INT]) {
  if (only && !(name === only)) return;
  const bytes = make();
  const facts = describeFacts({ possibleCpus: 2, kernelBtf: kernel && btfOf(kernel), kconfig: { file: 'c', text: '' } });
  for (const [mode, part] of [
    ['load', { inspect: false, other: undefined }],
    ['inspect', { inspect: true, other: undefined }],
    ['link', { inspect: false, other: bytes }],
  ] as const) {
    if (process.argv[3] && mode !== process.argv[3]) continue;
    const t = performance.now();
    const before = process.resourceUsage().maxRSS;
    let out;
    try {
      out = exercise({ bytes, facts, otherKernel: undefined, log: undefined, dedup: mode === 'load', ...part });
    } catch (e: any) {
      out = `FAILED ${e.stage} ${e.message}`;
    }
    const ms = Math.round(performance.now() - t),
      mb = (process.resourceUsage().maxRSS - before) >> 10;
    console.log(
      `${ms > 2000 || mb > 256 || String(out).startsWith('FAILED') ? '!!! ' : '    '}${name} [${bytes.length >> 10} KB] ${mode}: ${out} ${ms} ms, +${mb} MiB`,
    );
  }
}
const fn = (name: string, section: string, value = 0, size = 16): SymbolInput => ({ name, section, type: STT_FUNC, value, size });
const nameAt = (btf: Uint8Array, name: string) => {
  const v = new DataView(btf.buffer, btf.byteOffset);
  const s = btf.subarray(24 + v.getUint32(12, true));
  return new TextDecoder('latin1').decode(s).indexOf(`\0${name}\0`) + 1;
};

// struct_ops
const ops =
  (vars: number, sectionBytes: number, relocs: number, perVar = false) =>
  () => {
    const types: BtfTypeInput[] = [
      INT,
      proto(1),
      ptr(2),
      struct('ops', sectionBytes, ['f', 3, 0]),
      ...many(vars, (i): BtfTypeInput => ({ kind: 'VAR', name: `v${i}`, type: 4, linkage: 1 })),
      {
        kind: 'DATASEC',
        name: '.struct_ops',
        size: 0,
        vars: many(vars, (i) => ({ type: 5 + i, offset: perVar ? i * sectionBytes : 0, size: sectionBytes })),
      },
    ];
    return buildElf({
      sections: [
        { name: 'struct_ops', data: EXIT, flags: CODE },
        { name: '.struct_ops', data: new Uint8Array(perVar ? sectionBytes * vars : sectionBytes), flags: 3 },
        {
          name: '.rel.struct_ops',
          type: SHT_REL,
          info: '.struct_ops',
          link: '.symtab',
          entsize: 16,
          data: relEntries(many(relocs, (i) => ({ offset: perVar ? i * sectionBytes : 0, symbol: 1 }))),
        },
        { name: '.BTF', data: encodeBtf(types) },
      ],
      symbols: [fn('p', 'struct_ops')],
    });
  };
run('struct_ops overlapping', ops(20000, 100000, 0));
run('struct_ops many relocs', ops(10000, 8, 10000, true));
run('struct_ops many relocs same', ops(1, 8, 30000));
// exception tags
run('exception tags', () =>
  buildElf({
    sections: [
      { name: 'xdp', data: EXIT, flags: CODE },
      {
        name: '.BTF',
        data: encodeBtf([
          INT,
          proto(1),
          { kind: 'FUNC', name: 'p', type: 2, linkage: 1 },
          ...many(60000, (i): BtfTypeInput => ({ kind: 'DECL_TAG', name: 'exception_callback:x', type: 3, component: -1 })),
        ]),
      },
    ],
    symbols: [fn('p', 'xdp')],
  }),
);
run('exception fns', () => {
  const n = 8000;
  return buildElf({
    sections: [
      { name: 'xdp', data: new Uint8Array(n * 16).map((_, i) => EXIT[i % 16] as number), flags: CODE },
      {
        name: '.BTF',
        data: encodeBtf([
          INT,
          proto(1),
          ...many(n, (i): BtfTypeInput => ({ kind: 'FUNC', name: `p${i}`, type: 2, linkage: 1 })),
          ...many(n, (i): BtfTypeInput => ({ kind: 'DECL_TAG', name: 'exception_callback:x', type: 3 + i, component: -1 })),
        ]),
      },
    ],
    symbols: many(n, (i) => fn(`p${i}`, 'xdp', i * 16)),
  });
});
// many programs all calling one large subprogram
const bigText = (progs: number, textBytes: number) => () => {
  const text = new Uint8Array(textBytes);
  for (let i = 0; i < textBytes; i += 8) text[i] = 0xb7;
  text.set(EXIT, textBytes - 16);
  return buildElf({
    sections: [
      { name: '.text', data: text, flags: CODE },
      {
        name: 'xdp',
        data: new Uint8Array(progs * 16).map((_, i) => fromHex('85100000ffffffff9500000000000000')[i % 16] as number),
        flags: CODE,
      },
      {
        name: '.relxdp',
        type: SHT_REL,
        info: 'xdp',
        link: '.symtab',
        entsize: 16,
        data: relEntries(many(progs, (i) => ({ offset: i * 16, symbol: 1, type: 10 }))),
      },
    ],
    symbols: [fn('sub', '.text', 0, textBytes), ...many(progs, (i) => fn(`p${i}`, 'xdp', i * 16))],
  });
};
run('many programs call one large function', bigText(3000, 400000));
// chain of subprograms
run('programs x subprograms', () => {
  const n = 1500;
  const text = new Uint8Array(n * 16);
  const C = fromHex('85100000 01000000 9500000000000000');
  for (let i = 0; i < n; i++) text.set(i === n - 1 ? EXIT : C, i * 16);
  return buildElf({
    sections: [
      { name: '.text', data: text, flags: CODE },
      {
        name: 'xdp',
        data: new Uint8Array(n * 16).map((_, i) => fromHex('85100000ffffffff9500000000000000')[i % 16] as number),
        flags: CODE,
      },
      {
        name: '.relxdp',
        type: SHT_REL,
        info: 'xdp',
        link: '.symtab',
        entsize: 16,
        data: relEntries(many(n, (i) => ({ offset: i * 16, symbol: 1, type: 10 }))),
      },
    ],
    symbols: [...many(n, (i) => fn(`s${i}`, '.text', i * 16)), ...many(n, (i) => fn(`p${i}`, 'xdp', i * 16))],
  });
});
// CO-RE
const core = (
  progs: number,
  recs: number,
  access: string,
  kernel: readonly BtfTypeInput[],
  local: readonly BtfTypeInput[],
  type: number,
  inText = false,
  kind = 0,
) => {
  const sec = inText ? '.text' : 'xdp';
  const bt = encodeBtf([...local, { kind: 'TYPEDEF', name: sec, type: 1 }, { kind: 'TYPEDEF', name: access, type: 1 }, proto(1)]);
  const at = nameAt(bt, access);
  const ext = encodeExtRecords(
    {
      funcInfo: [],
      lineInfo: [],
      coreRelos: [
        { section: nameAt(bt, sec), size: 4, words: Uint32Array.from(many(recs, (i) => [i * 8, type, at, kind]).flat()) },
      ],
    },
    true,
  ) as Uint8Array;
  const body = new Uint8Array(recs * 8);
  for (let i = 0; i < body.length; i += 8) {
    body[i] = 0xb7;
  }
  body[body.length - 8] = 0x95;
  if (!inText)
    return buildElf({
      sections: [
        { name: 'xdp', data: body, flags: CODE },
        { name: '.BTF', data: bt },
        { name: '.BTF.ext', data: ext },
      ],
      symbols: many(progs, (i) => fn(`p${i}`, 'xdp', i * (body.length / progs), body.length / progs)),
    });
  return buildElf({
    sections: [
      { name: '.text', data: body, flags: CODE },
      {
        name: 'xdp',
        data: new Uint8Array(progs * 16).map((_, i) => fromHex('85100000ffffffff9500000000000000')[i % 16] as number),
        flags: CODE,
      },
      {
        name: '.relxdp',
        type: SHT_REL,
        info: 'xdp',
        link: '.symtab',
        entsize: 16,
        data: relEntries(many(progs, (i) => ({ offset: i * 16, symbol: 1, type: 10 }))),
      },
      { name: '.BTF', data: bt },
      { name: '.BTF.ext', data: ext },
    ],
    symbols: [fn('sub', '.text', 0, body.length), ...many(progs, (i) => fn(`p${i}`, 'xdp', i * 16))],
  });
};
const wide: BtfTypeInput[] = [
  INT,
  struct('wide', 80000, ...many(20000, (i): Member => [`member_with_long_name_${i}`, 1, i * 4])),
];
const wideK: BtfTypeInput[] = [
  INT,
  struct('wide', 80000, ...many(20000, (i): Member => [`membre_with_long_name_${i}`, 1, i * 4])),
];
run('CO-RE 20000 missing, wide kernel', () => core(1, 20000, '0:77', wideK, wide, 2), wideK);
run('CO-RE 20000 found, wide kernel', () => core(1, 20000, '0:0', wide, wide, 2), wide);
run('CO-RE many programs missing', () => core(2000, 20000, '0:77', wideK, wide, 2), wideK);
run(
  'CO-RE missing in text of many programs',
  () => core(1000, 5000, '0:0', wideK.slice(0, 1), wide.slice(0, 1).concat([struct('s', 4, ['a', 1])]), 2, true),
  [INT, struct('s', 4, ['b', 1])],
);
const cands: BtfTypeInput[] = [INT, ...many(20000, (i) => struct('s', 4, ['b', 1]))];
run('CO-RE 20000 candidates', () => core(1, 5000, '0:0', cands, [INT, struct('s', 4, ['a', 1])], 2), cands);
run('CO-RE 20000 candidates text', () => core(500, 500, '0:0', cands, [INT, struct('s', 4, ['a', 1])], 2, true), cands);
run('CO-RE type missing among many names', () => core(1, 10000, '0:0', [], [INT, struct('tsak_struct', 4, ['a', 1])], 2), [
  INT,
  ...many(60000, (i) => struct(`task_struct_${i}`, 4, ['b', 1])),
]);
run(
  'enum missing',
  () =>
    core(
      1,
      10000,
      '0:0',
      [],
      [INT, { kind: 'ENUM', name: 'e', size: 4, signed: false, values: [{ name: 'WANTED', value: 1n }] }],
      2,
      false,
      10,
    ),
  [
    INT,
    { kind: 'ENUM', name: 'e', size: 4, signed: false, values: many(50000, (i) => ({ name: `WANTDE${i}`, value: BigInt(i) })) },
  ],
);
run(
  'long access',
  () => core(1, 2000, `0${':0'.repeat(60)}`, [], [INT, ...many(62, (i) => struct(`s${i}`, 4, ['a', i + 1]))], 63),
  [INT, ...many(62, (i) => struct(`s${i}`, 4, ['a', i + 1]))],
);
run(
  'huge access string',
  () => core(1, 2000, `0${':0'.repeat(200000)}`, [], [INT, ...many(62, (i) => struct(`s${i}`, 4, ['a', i + 1]))], 63),
  [INT],
);
// maps
const maps =
  (n: number, extra = 0) =>
  () => {
    const types: BtfTypeInput[] = [
      INT,
      array(1, 1),
      ptr(2),
      struct('', 8, ['type', 3, 0], ['max_entries', 3, 8]),
      ...many(n, (i): BtfTypeInput => ({ kind: 'VAR', name: `m${i}`, type: 4, linkage: 1 })),
      { kind: 'DATASEC', name: '.maps', size: 0, vars: many(n, (i) => ({ type: 5 + i, offset: i * 16, size: 16 })) },
      ...many(extra, (i) => struct(`s${i}`, 4, ['aaaa', 1])),
    ];
    return buildElf({
      sections: [
        { name: '.maps', data: new Uint8Array(n * 16) },
        { name: '.BTF', data: encodeBtf(types) },
      ],
      symbols: many(n, (i) => ({ name: `m${i}`, section: '.maps', type: STT_OBJECT, value: i * 16, size: 16 })),
    });
  };
run('many maps', maps(20000));
run('many maps, large BTF', maps(4000, 20000));
run('maps x relocations', () => {
  const n = 10000;
  const types: BtfTypeInput[] = [
    INT,
    array(1, 1),
    ptr(2),
    struct('', 8, ['type', 3, 0], ['max_entries', 3, 8]),
    ...many(n, (i): BtfTypeInput => ({ kind: 'VAR', name: `m${i}`, type: 4, linkage: 1 })),
    { kind: 'DATASEC', name: '.maps', size: 0, vars: many(n, (i) => ({ type: 5 + i, offset: i * 16, size: 16 })) },
  ];
  const code = new Uint8Array(n * 16);
  for (let i = 0; i < n; i++) code[i * 16] = 0x18;
  return buildElf({
    sections: [
      { name: '.maps', data: new Uint8Array(n * 16) },
      { name: '.BTF', data: encodeBtf(types) },
      { name: 'xdp', data: code, flags: CODE },
      {
        name: '.relxdp',
        type: SHT_REL,
        info: 'xdp',
        link: '.symtab',
        entsize: 16,
        data: relEntries(many(n, (i) => ({ offset: i * 16, symbol: n - i }))),
      },
    ],
    symbols: [
      ...many(n, (i) => ({ name: `m${i}`, section: '.maps', type: STT_OBJECT, value: i * 16, size: 16 })),
      fn('p', 'xdp', 0, code.length),
    ],
  });
});
run('slots', () => {
  const n = 20000;
  const types: BtfTypeInput[] = [
    INT,
    array(1, 12),
    ptr(2),
    array(1, 1),
    ptr(4),
    struct('', 8, ['type', 9, 0]),
    ptr(6),
    array(7, 0),
    ptr(10),
    array(1, 2),
    struct('', 16, ['type', 3, 0], ['max_entries', 5, 8], ['values', 8, 16]),
    struct('', 8, ['type', 9, 0], ['max_entries', 5, 8]),
    { kind: 'VAR', name: 'outer', type: 11, linkage: 1 },
    { kind: 'VAR', name: 'inner', type: 12, linkage: 1 },
    {
      kind: 'DATASEC',
      name: '.maps',
      size: 0,
      vars: [
        { type: 13, offset: 0, size: 16 + n * 8 },
        { type: 14, offset: 16 + n * 8, size: 16 },
      ],
    },
  ];
  return buildElf({
    sections: [
      { name: '.maps', data: new Uint8Array(n * 8 + 32) },
      {
        name: '.rel.maps',
        type: SHT_REL,
        info: '.maps',
        link: '.symtab',
        entsize: 16,
        data: relEntries(many(n, (i) => ({ offset: 16 + i * 8, symbol: 2 }))),
      },
      { name: '.BTF', data: encodeBtf(types) },
    ],
    symbols: [
      { name: 'outer', section: '.maps', type: STT_OBJECT, value: 0, size: 16 + n * 8 },
      { name: 'inner', section: '.maps', type: STT_OBJECT, value: 16 + n * 8, size: 16 },
    ],
  });
});
run('bss sections', () =>
  buildElf({ sections: many(2000, (i) => ({ name: `.bss.${i}`, type: SHT_NOBITS, size: 32000 })), symbols: [] }),
);
run('bss largest', () => buildElf({ sections: [{ name: '.bss', type: SHT_NOBITS, size: 64 << 20 }], symbols: [] }));
run('bss linked', () =>
  buildElf({
    sections: [{ name: '.bss', type: SHT_NOBITS, size: 2 ** 40, addralign: 8 }],
    symbols: [{ name: 'x', section: '.bss', type: STT_OBJECT, size: 4 }],
  }),
);
run('data overlapping', () => {
  const data = new Uint8Array(1 << 20).fill(7);
  return buildElf({
    sections: [
      { name: '.data', data, flags: 3 },
      ...many(3000, (i): SectionInput => ({ name: `.rodata.${i}`, offset: 64, size: data.length, flags: 2 })),
    ],
    symbols: [],
  });
});
run('data just below', () => {
  const data = new Uint8Array(1 << 20).fill(7);
  return buildElf({
    sections: [
      { name: '.data', data, flags: 3 },
      ...many(62, (i): SectionInput => ({ name: `.rodata.${i}`, offset: 64, size: data.length, flags: 2 })),
    ],
    symbols: [],
  });
});
run('debug overlapping', () => {
  const data = new Uint8Array(1 << 20).fill(7);
  return buildElf({
    sections: [
      { name: '.data', data, flags: 3 },
      ...many(3000, (i): SectionInput => ({ name: `.x${i}`, offset: 64, size: data.length, flags: 2 })),
    ],
    symbols: [],
  });
});
run('align huge', () =>
  buildElf({
    sections: [
      { name: '.data', data: new Uint8Array(8), flags: 3, addralign: 2 ** 30 },
      { name: '.bss', type: SHT_NOBITS, size: 8, flags: 3, addralign: 2 ** 31 },
    ],
    symbols: [{ name: 'x', section: '.data', type: STT_OBJECT, size: 4 }],
  }),
);
// line info
run('line info', () => {
  const n = 30000;
  const bt = encodeBtf([
    INT,
    proto(1),
    { kind: 'FUNC', name: 'p', type: 2, linkage: 1 },
    { kind: 'TYPEDEF', name: 'xdp', type: 1 },
    struct('s', 4, ['a', 1]),
    { kind: 'TYPEDEF', name: '0:0', type: 1 },
  ]);
  const s = nameAt(bt, 'xdp');
  const acc = nameAt(bt, '0:0');
  const ext = encodeExtRecords(
    {
      funcInfo: [{ section: s, size: 2, words: Uint32Array.from([0, 3]) }],
      lineInfo: [{ section: s, size: 4, words: Uint32Array.from(many(n, (i) => [i * 8, s, s, i << 10]).flat()) }],
      coreRelos: [{ section: s, size: 4, words: Uint32Array.from(many(n, (i) => [i * 8, 5, acc, 0]).flat()) }],
    },
    true,
  ) as Uint8Array;
  const body = new Uint8Array(n * 8);
  for (let i = 0; i < body.length; i += 8) body[i] = 0xb7;
  return buildElf({
    sections: [
      { name: 'xdp', data: body, flags: CODE },
      { name: '.BTF', data: bt },
      { name: '.BTF.ext', data: ext },
    ],
    symbols: [fn('p', 'xdp', 0, body.length)],
  });
}, [INT, struct('s', 4, ['b', 1])]);
run('func info many programs', () => {
  const n = 5000;
  const bt = encodeBtf([
    INT,
    proto(1),
    { kind: 'FUNC', name: 'p', type: 2, linkage: 1 },
    { kind: 'TYPEDEF', name: 'xdp', type: 1 },
  ]);
  const s = nameAt(bt, 'xdp');
  const ext = encodeExtRecords(
    {
      funcInfo: [{ section: s, size: 2, words: Uint32Array.from(many(n, (i) => [i * 16, 3]).flat()) }],
      lineInfo: [{ section: s, size: 4, words: Uint32Array.from(many(n * 2, (i) => [i * 8, s, s, i << 10]).flat()) }],
      coreRelos: [],
    },
    true,
  ) as Uint8Array;
  return buildElf({
    sections: [
      { name: 'xdp', data: new Uint8Array(n * 16).map((_, i) => EXIT[i % 16] as number), flags: CODE },
      { name: '.BTF', data: bt },
      { name: '.BTF.ext', data: ext },
    ],
    symbols: many(n, (i) => fn(`p${i}`, 'xdp', i * 16)),
  });
});
run('one symbol name, many functions', () => {
  const n = 8000;
  return buildElf({
    sections: [{ name: 'xdp', data: new Uint8Array(n * 16).map((_, i) => EXIT[i % 16] as number), flags: CODE }],
    symbols: many(n, (i) => fn('p', 'xdp', i * 16)),
  });
});
run('branches', () => {
  const n = 100000;
  const body = new Uint8Array(n * 8);
  for (let i = 0; i < n - 1; i++) {
    body[i * 8] = i % 2 ? 0x15 : 0x07;
    new DataView(body.buffer).setInt16(i * 8 + 2, i % 2 ? -(i % 3000) : 0, true);
    new DataView(body.buffer).setInt32(i * 8 + 4, i, true);
  }
  body[n * 8 - 8] = 0x95;
  return core1(body);
});
function core1(body: Uint8Array) {
  const bt = encodeBtf([
    INT,
    struct('s', 4, ['a', 1]),
    { kind: 'TYPEDEF', name: 'xdp', type: 1 },
    { kind: 'TYPEDEF', name: '0:0', type: 1 },
  ]);
  const ext = encodeExtRecords(
    {
      funcInfo: [],
      lineInfo: [],
      coreRelos: [{ section: nameAt(bt, 'xdp'), size: 4, words: Uint32Array.from([0, 2, nameAt(bt, '0:0'), 0]) }],
    },
    true,
  ) as Uint8Array;
  return buildElf({
    sections: [
      { name: 'xdp', data: body, flags: CODE },
      { name: '.BTF', data: bt },
      { name: '.BTF.ext', data: ext },
    ],
    symbols: [fn('p', 'xdp', 0, body.length)],
  });
}
run('externs referenced', () => {
  const n = 10000;
  const code = new Uint8Array(n * 16);
  for (let i = 0; i < n; i++) code[i * 16] = 0x18;
  const types: BtfTypeInput[] = [
    INT,
    ...many(n, (i): BtfTypeInput => ({ kind: 'VAR', name: `k${i}`, type: 0, linkage: 2 })),
    { kind: 'DATASEC', name: '.ksyms', size: 0, vars: many(n, (i) => ({ type: 2 + i, offset: 0, size: 8 })) },
  ];
  return buildElf({
    sections: [
      { name: 'xdp', data: code, flags: CODE },
      {
        name: '.relxdp',
        type: SHT_REL,
        info: 'xdp',
        link: '.symtab',
        entsize: 16,
        data: relEntries(many(n, (i) => ({ offset: i * 16, symbol: 2 + i }))),
      },
      { name: '.BTF', data: encodeBtf(types) },
    ],
    symbols: [fn('p', 'xdp', 0, code.length), ...many(n, (i) => ({ name: `k${i}`, binding: 2 }))],
  });
});
run('kconfig char arrays', () => {
  const n = 2000;
  const types: BtfTypeInput[] = [
    INT,
    int('char', 1, 1),
    array(2, 1000000),
    ...many(n, (i): BtfTypeInput => ({ kind: 'VAR', name: `CONFIG_${i}`, type: 3, linkage: 2 })),
    { kind: 'DATASEC', name: '.kconfig', size: 0, vars: many(n, (i) => ({ type: 4 + i, offset: 0, size: 8 })) },
  ];
  return buildElf({
    sections: [{ name: '.BTF', data: encodeBtf(types) }],
    symbols: many(n, (i) => ({ name: `CONFIG_${i}`, binding: 2 })),
  });
});
run('datasecs of one name', () => {
  const n = 3000;
  return buildElf({
    sections: [
      { name: '.data', data: new Uint8Array(8), flags: 3 },
      {
        name: '.BTF',
        data: encodeBtf([
          INT,
          { kind: 'VAR', name: 'v', type: 1, linkage: 1 },
          ...many(
            n,
            (): BtfTypeInput => ({
              kind: 'DATASEC',
              name: '.data',
              size: 0,
              vars: many(20, () => ({ type: 2, offset: 0, size: 4 })),
            }),
          ),
        ]),
      },
    ],
    symbols: [{ name: 'v', section: '.data', type: STT_OBJECT, size: 4 }],
  });
});
run('datasec of many vars', () => {
  const n = 60000;
  return buildElf({
    sections: [
      { name: '.data', data: new Uint8Array(8), flags: 3 },
      {
        name: '.BTF',
        data: encodeBtf([
          INT,
          ...many(n, (i): BtfTypeInput => ({ kind: 'VAR', name: `v${i}`, type: 1, linkage: 1 })),
          { kind: 'DATASEC', name: '.data', size: 0, vars: many(n, (i) => ({ type: 2 + i, offset: 0, size: 4 })) },
        ]),
      },
    ],
    symbols: many(20000, (i) => ({ name: `v${i}`, section: '.data', type: STT_OBJECT, size: 4 })),
  });
});
void utf8Bytes;
void STT_SECTION;
void STB_LOCAL;
