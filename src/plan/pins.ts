// Maps that live under a name in the BPF file system, and so outlive the process: taken from there, or put there.

import { UnsupportedError, UsageError, type Where } from '../errors.js';
import { type BpfMapDef, type BpfObject, PIN_ROOT } from '../object/index.js';
import { BPF_F_RDONLY_PROG } from '../uapi/bpf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import type { KernelFacts } from './facts.js';
import type { BpfStep, Step } from './step.js';
import { stepIds } from './step-ids.js';

/** What the kernel says of a map that is pinned. */
export interface PinnedMap {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly extra: bigint;
}

/** A directory that maps are to be pinned in, or the first one above that is there. */
export type PinFolder = 'bpffs' | 'absent' | 'other file system';

/** Never to mount over another folder: that hides what is in it. */
export const PIN_REMEDY = `Pin in a folder under ${PIN_ROOT}; if nothing is mounted there: mount -t bpf bpf ${PIN_ROOT}`;

export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** What of a load gets a name as its last steps, besides maps that the object itself pins. The path is absolute. */
export interface Pin {
  readonly kind: 'program' | 'map' | 'link';
  /** Of the map; of the program that is loaded or attached. */
  readonly name: string;
  readonly path: string;
}

export interface PinOptions {
  readonly pins?: readonly Pin[];
  /** Whether the BPF file system may be mounted where it is missing; true by default. */
  readonly mount?: boolean;
}

/** The paths that an object's maps want. */
export const pinPaths = (object: BpfObject): string[] =>
  object.maps.flatMap(({ pinPath, autocreate }) => (pinPath !== undefined && autocreate ? [pinPath] : []));

/**
 * Directories that are missing are made, and the BPF file system is mounted where everyone expects it. Should the load fail later,
 * the directories are taken away again.
 * @throws {UnsupportedError} for another directory that is not of a BPF file system.
 */
export function planPinRoot(
  object: BpfObject,
  { pinFolders }: Pick<KernelFacts, 'pinFolders'>,
  { pins = [], mount = true }: PinOptions = {},
): Step[] {
  const steps = new Map<string, Step>();
  for (const path of [...pinPaths(object), ...pins.map(({ path }) => path)]) {
    const missing: string[] = [];
    let folder = folderOf(path);
    for (; pinFolders.get(folder) === 'absent' && folder !== '/'; folder = folderOf(folder)) missing.unshift(folder);
    if ((pinFolders.get(folder) ?? 'bpffs') !== 'bpffs') steps.set(folder, mountAt(object, folder, mount));
    for (const each of missing) steps.set(each, makeDirectory(each));
  }
  return [...steps.values()];
}

const makeDirectory = (path: string): Step => ({
  id: `directory ${path}`,
  why: 'something will be pinned in it',
  call: 'mkdir',
  path,
  mode: 0o700,
  doneIf: 'EEXIST', // somebody else made it meanwhile
  undo: { call: 'rmdir', path },
});

function mountAt(object: BpfObject, folder: string, mount: boolean): Step {
  if (folder !== PIN_ROOT)
    throw new UnsupportedError(`Maps and programs can be pinned in a BPF file system only, and ${folder} is none`, {
      where: object.where,
      remedy: PIN_REMEDY,
    });
  if (!mount)
    throw new UnsupportedError(`No BPF file system is mounted at ${PIN_ROOT}, and this load may not mount it`, {
      where: object.where,
      remedy: `mount -t bpf bpf ${PIN_ROOT}`,
    });
  return { id: 'bpffs', why: 'pinned maps live in it, and it is not mounted', call: 'mount', type: 'bpf', target: PIN_ROOT };
}

/**
 * The step that takes a map from where it is pinned; undefined when nothing is there.
 * @throws {UsageError} naming every difference between that map and the one wanted.
 * @see libbpf bpf_object__reuse_map and map_is_reuse_compat, src/libbpf.c
 */
export function planReuse(object: BpfObject, map: BpfMapDef, { pins }: KernelFacts): BpfStep | undefined {
  const { pinPath } = map;
  const pinned = pinPath === undefined ? undefined : pins.get(pinPath);
  if (pinPath === undefined || !pinned) return undefined;
  const where = { ...object.where, map: map.name };
  const differences = FIELDS.flatMap(({ label, of }) => {
    const [there, wanted] = [of(pinned), of(map)];
    return there === wanted ? [] : [`${label} is ${there}, the object wants ${wanted}`];
  });
  if (differences.length > 0)
    throw new UsageError(`Another map is pinned at ${pinPath}: ${differences.join('; ')}`, {
      where,
      remedy: `If nothing needs it any more, remove it: rm ${pinPath}. Else pin this one elsewhere.`,
    });
  return {
    id: stepIds.map(map.name),
    why: `map ${map.name}, which is pinned at ${pinPath} already`,
    where,
    makes: 'fd',
    call: 'bpf',
    cmd: 'BPF_OBJ_GET',
    attr: { pathname: pinPath },
  };
}

const DEVMAPS: ReadonlySet<number> = new Set([BPF_MAP_TYPE.BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE.BPF_MAP_TYPE_DEVMAP_HASH]);

const FIELDS: readonly { readonly label: string; readonly of: (map: PinnedMap) => number | bigint }[] = [
  { label: 'its type', of: ({ type }) => type },
  { label: 'key_size', of: ({ keySize }) => keySize },
  { label: 'value_size', of: ({ valueSize }) => valueSize },
  { label: 'max_entries', of: ({ maxEntries }) => maxEntries },
  // The kernel sets this flag on device maps by itself.
  { label: 'map_flags', of: ({ type, flags }) => (DEVMAPS.has(type) ? flags & ~BPF_F_RDONLY_PROG : flags) },
  { label: 'map_extra', of: ({ extra }) => extra },
];

/** Puts a new map under its name. Should the load fail later, the name is taken away again. */
export function planPin(map: BpfMapDef, where: Where): Step[] {
  const { pinPath: path } = map;
  if (path === undefined) return [];
  return [
    {
      id: `pin ${map.name}`,
      why: 'so that it outlives this process, and others find it',
      where,
      call: 'bpf',
      cmd: 'BPF_OBJ_PIN',
      attr: { pathname: path, bpf_fd: { fd: stepIds.map(map.name) } },
      undo: { call: 'unlink', path },
    },
  ];
}

const IDS: Readonly<Record<Pin['kind'], (name: string) => string>> = {
  program: stepIds.program,
  map: stepIds.map,
  link: stepIds.link,
};

/**
 * Names for what a load has made, each taken away again should a later one fail.
 * @throws {UsageError} for a name that the kernel does not take.
 */
export const planPins = (object: BpfObject, pins: readonly Pin[]): Step[] =>
  pins.map(({ kind, name, path }): Step => {
    const where = { ...object.where, [kind === 'map' ? 'map' : 'program']: name };
    if (/\.[^/]*$|\/$/.test(path))
      throw new UsageError(`The kernel takes no dot in the name of what is pinned, and no empty name: ${path}`, {
        where,
        remedy: 'Choose another name.',
      });
    return {
      id: `pin ${kind} ${name}`,
      why: `so that it outlives this process, as ${path}`,
      where,
      call: 'bpf',
      cmd: 'BPF_OBJ_PIN',
      attr: { pathname: path, bpf_fd: { fd: IDS[kind](name) } },
      undo: { call: 'unlink', path },
    };
  });
