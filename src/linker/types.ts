// Types of all inputs, one after the other, with those of shared names there once. Deduplication comes at the end.

import { type Btf, type BtfType, copier, eachId, resolved, sizeOf, type TypeId } from '../btf/index.js';
import { FormatError } from '../errors.js';
import { isShared } from './btf-index.js';
import type { Global, Input, InputSection, Output, OutputSection } from './model.js';

const TYPE = 2;

/**
 * Appends all types but data sections, which are made anew from their variables.
 * @throws {FormatError} for a variable that files put into different sections.
 * @see libbpf linker_append_btf, src/linker.c
 */
export function appendTypes(output: Output, input: Input): void {
  const { btf, typeMap } = input;
  if (!btf) return;
  const added: TypeId[] = [];
  const changed: { readonly global: Global; readonly type: TypeId }[] = [];
  const copy = copier(output.btf, btf);
  for (let id = 1; id < btf.length; id++) {
    if (btf.kind(id) === 'DATASEC') continue;
    const global = isShared(btf, id) ? output.globals.get(btf.name(id)) : undefined;
    if (!global && isShared(btf, id)) continue; // of a section that is left out, or used by nothing
    if (global?.isTypeStale) {
      changed.push({ global, type: btf.words[(btf.starts[id - 1] as number) + TYPE] as number });
      global.isTypeStale = false;
    }
    if (global?.type !== undefined) {
      typeMap[id] = global.type;
      continue;
    }
    const copied = copy(id);
    typeMap[id] = copied;
    added.push(copied);
    if (global) global.type = copied;
  }
  renumber(output, input, added);
  const { words } = output.btf;
  // A definition knows more than the declarations before it: the length of an array, the members of a struct.
  for (const { global, type } of changed)
    if (global.type !== undefined) words[output.btf.at(global.type) + TYPE] = typeMap[type] as number;
  const view = output.btf.view();
  for (const section of input.sections)
    if (!section.skipped && section.output) appendVariables(output, view, input, btf, section);
}

function renumber(output: Output, { typeMap, btf, file }: Input, added: readonly TypeId[]): void {
  const { words } = output.btf;
  for (const id of added) {
    eachId(words, output.btf.at(id), (place) => {
      const old = words[place] as number;
      const now = typeMap[old] as number;
      if (now === 0 && old !== 0)
        throw new FormatError(
          `A type refers to ${btf?.name(old) || `type ${old}`}, which is left out, because no symbol has its name`,
          {
            where: { file, section: '.BTF' },
          },
        );
      words[place] = now;
    });
  }
}

function appendVariables(
  output: Output,
  view: Btf,
  input: Input,
  btf: Btf,
  { datasec, output: target, offset }: InputSection,
): void {
  if (datasec === undefined || !target) return;
  target.hasBtf = true; // even without variables: constants that only the compiler knows may be there
  const type: BtfType = btf.type(datasec);
  if (type.kind !== 'DATASEC') return;
  for (const info of type.vars) {
    const id = input.typeMap[info.type] as number;
    if (id === 0) continue; // used by nothing
    const place = { type: id, offset: offset + info.offset, size: info.size };
    const global = isShared(btf, info.type) ? output.globals.get(btf.name(info.type)) : undefined;
    if (!global) {
      target.variables.push(place);
      continue;
    }
    if (global.section !== target) refuseOtherSection(global, target, input);
    list(global, target, place, view, global.from === input);
  }
}

/**
 * One entry for a variable that several files have. It is where its definition is: libbpf leaves it where the first file had it,
 * which is somewhere else if that one only declared it, or lost to a strong definition.
 */
function list(
  global: Global,
  target: OutputSection,
  place: OutputSection['variables'][number],
  view: Btf,
  isDefinition: boolean,
): void {
  const { variable, listedIn } = global;
  if (variable && listedIn === target) {
    if (isDefinition) variable.offset = place.offset;
    if (view.kind(place.type) === 'VAR') variable.size = sizeNow(view, place.type) ?? place.size;
    return;
  }
  if (variable && listedIn) listedIn.variables.splice(listedIn.variables.indexOf(variable), 1);
  target.variables.push(place);
  global.variable = place;
  global.listedIn = target;
}

const WITHOUT_SIZE = new Set<BtfType['kind']>(['VOID', 'FWD', 'FUNC', 'FUNC_PROTO']);
function sizeNow(view: Btf, variable: TypeId): number | undefined {
  const type = view.type(variable);
  if (type.kind !== 'VAR' || WITHOUT_SIZE.has(resolved(view, type.type).kind)) return undefined; // `extern const void x __ksym`
  return sizeOf(view, type.type);
}

function refuseOtherSection({ name, section, from }: Global, target: OutputSection, input: Input): never {
  throw new FormatError(
    `${name} is in section ${section?.name ?? 'none'} of ${from.file}, and in section ${target.name} of ${input.file}`,
    { where: { file: input.file, section: target.name }, remedy: 'Give both the same SEC(), and const or not const.' },
  );
}
