// The same answer from tsbpf, in the witness's words: what the kernel was given, through a Kernel that writes it down.

import { openSync, readFileSync } from 'node:fs';
import { BpfError, OpenObject } from 'tsbpf';
import { hex, region } from 'tsbpf/bytes';
import { parseElf } from 'tsbpf/elf';
import { reply } from 'tsbpf/load';
import { openObject } from 'tsbpf/object';
import { coreTarget, isFdRef, isWithFds, wanted } from 'tsbpf/plan';
import { readBtf, readFacts, realKernel } from 'tsbpf/syscall';
import { relocateUntil } from './relocated.mjs';

const ENOENT = 2;
const EAGAIN = 11;
const TRIES = 5;
const MAP_TYPE_PROG_ARRAY = 3;
const CALL = 0x85;
const KFUNC_CALL = 2;

const btfs = new Map();
/** Types of a file, parsed once. */
export function typesOf(file) {
  if (!btfs.has(file)) btfs.set(file, readBtf(file));
  return btfs.get(file);
}

export const parse = (path) => openObject(parseElf(region(readFileSync(path), { file: path })));

/**
 * @param question `object`, `btf` (a file, or nothing for the running kernel's types), `everything` (also the programs that their
 *                 section switches off), `only` (the name of the one program to load), `toKernel` (programs really go there).
 */
export function ask({ object: path, btf, everything, only, toKernel }) {
  const noted = { types: {}, maps: [], contents: [], paths: [], programs: [], other: [] };
  let relocated = () => undefined;
  try {
    const object = choose(parse(path), { everything, only });
    const types = btf ? typesOf(btf) : undefined;
    // Where a tracepoint's number is asked for, libbpf asks when it attaches.
    const found = readFacts({ ...wanted(object), tracepoints: [] }, types ? { btf: types } : {});
    const facts = { ...found, pins: new Map() }; // whatever somebody pinned on this machine
    relocated = () => relocateUntil(object, coreTarget(facts), facts.modules);
    const onPlan = ({ fixups }) => {
      relocated = () => ({ object, fixups, modules: facts.modules });
    };
    new OpenObject(object, types).load({ kernel: noting(noted, object, toKernel), facts, onPlan }).close();
    return { ...noted, opened: true, core: relocated() };
  } catch (error) {
    return { ...noted, refused: refusal(error), core: relocated() };
  }
}

const choose = (object, { everything, only }) =>
  only === undefined && !everything
    ? object
    : {
        ...object,
        // Subprograms go with whoever calls them.
        programs: object.programs.map((program) =>
          program.isSubprogram ? program : { ...program, autoload: only === undefined || program.name === only },
        ),
      };

const refusal = (error) =>
  error instanceof BpfError
    ? { name: error.name, what: error.what, where: error.where, remedy: error.remedy, errno: error.errno, call: error.call }
    : { name: 'crash', what: error.stack ?? String(error) };

/** The file system is left as it is. */
const PLAYED = new Set(['mkdir', 'rmdir', 'unlink', 'mount']);

/** Maps and BTF go on to the real kernel; whatever becomes of a program, the load goes on. */
function noting(noted, object, toKernel) {
  const nameOf = new Map(object.programs.map(({ name }) => [`prog ${name}`, name]));
  const mapIds = [];
  const mapTypes = new Map();
  const kernelNames = new Map(); // of maps, by the step that makes them
  const own = ({ fd }) => nameOf.get(fd) ?? kernelNames.get(fd) ?? fd;
  const notes = {
    BPF_BTF_LOAD: ({ attr }, { result }) => {
      noted.types = { btfRefused: result < 0 ? -result : 0, btf: hex(attr.btf) };
    },
    BPF_MAP_CREATE: ({ id, attr }, { result }) => {
      mapTypes.set(id, attr.map_type);
      mapIds.push(id);
      kernelNames.set(id, attr.map_name);
      noted.maps.push({ ...mapFields(attr, mapIds), ...(result < 0 && { refused: -result }) });
    },
    BPF_MAP_UPDATE_ELEM: ({ attr }) =>
      noted.contents.push({ map: own(attr.map_fd), key: hexOf(attr.key), ...contentOf(attr, own) }),
    BPF_MAP_FREEZE: ({ attr }) => noted.contents.push({ map: own(attr.map_fd), frozen: 1 }),
    BPF_OBJ_GET: ({ attr }) => noted.paths.push({ what: 'get', path: attr.pathname }),
    BPF_OBJ_PIN: ({ attr }) =>
      noted.paths.push({ what: 'pin', path: attr.pathname, ...(isFdRef(attr.bpf_fd) && { map: own(attr.bpf_fd) }) }),
  };
  return {
    ...realKernel,
    run(step, fds) {
      if (PLAYED.has(step.call)) return reply(0);
      if (step.call === 'mmap' && step.contents) noted.arena = hex(step.contents);
      if (step.call !== 'bpf') return realKernel.run(step, fds);
      if (step.cmd === 'BPF_PROG_LOAD') return loadProgram(step, fds);
      if (step.cmd === 'BPF_PROG_BIND_MAP') return reply(0);
      const answer = answered(step, mapTypes) ?? realKernel.run(step, fds);
      if (notes[step.cmd]) notes[step.cmd](step, answer);
      else noted.other.push(step.cmd);
      return answer;
    },
  };

  function loadProgram(step, fds) {
    const note = programFields(step.attr, nameOf.get(step.id) ?? step.id, own);
    noted.programs.push(note);
    if (toKernel) {
      let result = -EAGAIN;
      for (let tries = 0; result === -EAGAIN && tries < TRIES; tries++) ({ result } = realKernel.run(step, fds));
      note.outcome = result < 0 ? -result : 0;
      if (result >= 0) return reply(result);
    }
    return reply(openSync('/dev/null', 'r'));
  }
}

/** Calls that the real kernel is not to see: nothing is pinned, and what stands for a program is none. */
function answered({ cmd, attr }, mapTypes) {
  if (cmd === 'BPF_OBJ_GET') return reply(-ENOENT);
  if (cmd === 'BPF_OBJ_PIN') return reply(0);
  if (cmd === 'BPF_MAP_UPDATE_ELEM' && mapTypes.get(attr.map_fd?.fd) === MAP_TYPE_PROG_ARRAY) return reply(0);
  return undefined;
}

const NUMBERS = {
  map: [
    ...['map_type', 'key_size', 'value_size', 'max_entries', 'map_flags', 'numa_node', 'map_ifindex'],
    ...['btf_key_type_id', 'btf_value_type_id', 'btf_vmlinux_value_type_id', 'map_extra'],
  ],
  program: [
    ...['prog_type', 'kern_version', 'prog_flags', 'prog_ifindex', 'expected_attach_type', 'attach_btf_id', 'core_relo_cnt'],
  ],
};
const DESCRIPTORS = { map: ['btf_fd'], program: ['prog_btf_fd', 'fd_array'] };
const MODULES = { map: ['value_type_btf_obj_fd'], program: ['attach_btf_obj_fd'] };
const MODULE = 'btf of module ';
const moduleOf = ({ fd }) => fd.slice(MODULE.length);

/** What is 0 is left out, as the witness leaves it out; of a descriptor its being there is told, or the module. */
const fieldsOf = (attr, of) => ({
  ...Object.fromEntries(
    NUMBERS[of].flatMap((name) => (attr[name] ? [[name, Number(BigInt.asUintN(64, BigInt(attr[name])))]] : [])),
  ),
  ...Object.fromEntries(DESCRIPTORS[of].flatMap((name) => (attr[name] ? [[name, 1]] : []))),
  ...Object.fromEntries(MODULES[of].flatMap((name) => (attr[name] ? [[name, moduleOf(attr[name])]] : []))),
});

const mapFields = (attr, ids) => ({
  map_name: attr.map_name ?? '',
  ...fieldsOf(attr, 'map'),
  ...(attr.inner_map_fd && { inner: ids.lastIndexOf(attr.inner_map_fd.fd) }),
});

function programFields(attr, name, own) {
  const { bytes, fds } = isWithFds(attr.insns) ? attr.insns : { bytes: attr.insns, fds: [] };
  const refs = fds.map(({ at, ref }) =>
    ref.fd.startsWith(MODULE)
      ? { insn: (at - 12) / 8, module: moduleOf(ref) } // it goes into the second slot
      : { insn: (at - 4) / 8, map: own(ref) },
  );
  refs.push(...moduleCalls(bytes, attr.fd_array));
  return {
    name,
    license: attr.license ?? '',
    prog_name: attr.prog_name ?? '',
    ...fieldsOf(attr, 'program'),
    func_info: hexOf(attr.func_info),
    line_info: hexOf(attr.line_info),
    refs: refs.sort((a, b) => a.insn - b.insn),
    insns: hex(bytes),
  };
}

/** Calls of kernel functions that modules have: the offset is the place in the array. */
function moduleCalls(bytes, array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const calls = [];
  for (let insn = 0; array && insn < bytes.length / 8; insn++) {
    const place = view.getInt16(8 * insn + 2, true);
    if (bytes[8 * insn] !== CALL || bytes[8 * insn + 1] >> 4 !== KFUNC_CALL || place <= 0) continue;
    const fd = array.fds.find(({ at }) => at === 4 * place);
    calls.push({ insn, module: fd ? moduleOf(fd.ref) : '?' });
  }
  return calls;
}

const hexOf = (value) => (value instanceof Uint8Array ? hex(value) : value?.bytes ? hex(value.bytes) : '');
function contentOf({ value, flags }, own) {
  const [only] = isWithFds(value) ? value.fds : [];
  return {
    ...(only ? { names: own(only.ref) } : isFdRef(value) ? { names: own(value) } : { value: hexOf(value) }),
    ...(flags && { flags }),
  };
}
