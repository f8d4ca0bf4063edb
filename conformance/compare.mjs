// Two answers -> a verdict, and each field that differs.

import { constants } from 'node:os';
import { compareVerdicts } from './verdicts.mjs';

export const VERDICTS = ['same', 'both refuse', 'libbpf alone refuses', 'tsbpf alone refuses', 'different'];

const MAP_TYPE_ARRAY = 2;
const ENOTSUPP = 524; // the kernel's own, which <errno.h> does not have

/**
 * @param theirs The witness's answer.
 * @param ours   That of tsbpf.
 * @returns      `verdict`, and `differences`: `{ field, at, theirs, ours }`; empty unless the verdict is `different`. `core` counts
 *               the CO-RE relocations that were compared.
 */
export function compare(theirs, ours) {
  const theyRefuse = theirs.error !== 0;
  const weRefuse = ours.refused !== undefined;
  const refusals = {
    ...(theyRefuse && {
      theirs: theirs.crashed ? `crashed: ${theirs.crashed}` : `${errnoName(theirs.error)}: ${theirs.warning}`,
    }),
    ...(weRefuse && { ours: ours.refused }),
  };
  if (theyRefuse !== weRefuse)
    return { verdict: theyRefuse ? 'libbpf alone refuses' : 'tsbpf alone refuses', differences: [], refusals };
  const core = relocatedAlike(theirs, ours);
  const found = theyRefuse ? refusedAlike(theirs, ours.refused) : handedOverAlike(theirs, ours);
  const differences = [...found, ...(core?.differences ?? [])];
  const alike = theyRefuse ? 'both refuse' : 'same';
  return { verdict: differences.length > 0 ? 'different' : alike, differences, refusals, core: core?.counts };
}

/** Either may refuse an object before it comes to its relocations; then there is nothing to compare. */
function relocatedAlike(theirs, ours) {
  const lines = theirs.core ?? [];
  if (theirs.error !== 0 && (lines.length === 0 || !ours.core)) return undefined;
  return ours.core && compareVerdicts(lines, ours.core);
}

/** Where a system call is why both refuse, it failed alike. */
function refusedAlike(theirs, { errno, call }) {
  if (theirs.failedErrno === undefined || theirs.error !== theirs.failedErrno || errno === undefined) return [];
  const name = errnoName(theirs.failedErrno);
  return errno === name ? [] : [{ field: 'errno', at: call, theirs: name, ours: errno }];
}

const errnoName = (number) =>
  Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? (number === ENOTSUPP ? 'ENOTSUPP' : `${number}`);

function handedOverAlike(theirs, ours) {
  const mapsOf = [theirs, ours].map(({ maps }) => effective(maps));
  return [
    ...fields('types', [theirs.types, ours.types]),
    ...listed('map', mapsOf, ({ map_name }) => map_name),
    ...listed('contents', [contents(theirs), contents(ours)], ({ map, key }) => `${map} ${key}`),
    ...fields('arena', [theirs, ours].map(memory)),
    ...listed('path', [theirs, ours].map(pins), ({ what, path }) => `${what} ${path}`),
    ...listed('program', [theirs.programs, ours.programs], ({ name }) => name),
    ...order('programs', [theirs.programs, ours.programs]),
  ];
}

/** A map as it came to be: a try that the kernel refused does not count where another followed it. */
function effective(maps) {
  const lasting = maps.filter(({ refused, map_name }, i) => !refused || maps[i + 1]?.map_name !== map_name);
  return lasting.map(({ btf_fd, inner, ...map }) => ({
    ...map,
    // The kernel looks at the descriptor only where a type id goes with it.
    ...((map.btf_key_type_id || map.btf_value_type_id) && { btf_fd }),
    ...(inner !== undefined && {
      inner: maps[inner] ? JSON.stringify({ ...maps[inner], btf_fd: undefined }, sortedKeys(maps[inner])) : 'unknown',
    }),
  }));
}
const sortedKeys = (value) => Object.keys(value).sort();

/** What is in the maps when the load ends. An array starts as zeros, so writing zeros says nothing. */
function contents({ contents, maps }) {
  const type = new Map(maps.map(({ map_name, map_type }) => [map_name, map_type]));
  return contents
    .filter(({ map, value }) => value === undefined || type.get(map) !== MAP_TYPE_ARRAY || !/^0*$/.test(value))
    .map((content) => ({ ...content, key: content.frozen ? 'frozen' : content.key }));
}

/** An arena starts as zeros, too. */
function memory({ arena = '' }) {
  let end = arena.length;
  while (arena[end - 1] === '0') end--;
  return { memory: arena.slice(0, end) };
}

/** Looking for what is pinned already is a question, which may be asked in other ways. */
const pins = ({ paths }) => paths.filter(({ what }) => what === 'pin');

/** Two lists, matched by what their members are called. */
function listed(kind, [theirs, ours], keyOf) {
  const [a, b] = [theirs, ours].map((list) => byKey(list, keyOf));
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((key) =>
    a.has(key) && b.has(key)
      ? fields(kind, [a.get(key), b.get(key)], key)
      : [
          {
            field: `${kind}: ${a.has(key) ? 'missing' : 'too many'}`,
            at: key,
            theirs: short(a.get(key)),
            ours: short(b.get(key)),
          },
        ],
  );
}

function byKey(list, keyOf) {
  const found = new Map();
  for (const member of list) {
    let key = keyOf(member);
    while (found.has(key)) key += "'";
    found.set(key, member);
  }
  return found;
}

function fields(kind, [theirs, ours], at = '') {
  return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap((name) => {
    const [a, b] = [theirs[name], ours[name]].map((value) => (typeof value === 'object' ? JSON.stringify(value) : value));
    return a === b ? [] : [{ field: `${kind}: ${name}`, at, ...shortDifference(a, b) }];
  });
}

const order = (kind, [theirs, ours]) => {
  const [a, b] = [theirs, ours].map((list) => list.map(({ name }) => name).join(' '));
  return a !== b && a.split(' ').sort().join() === b.split(' ').sort().join()
    ? [{ field: `${kind}: order`, at: '', theirs: a, ours: b }]
    : [];
};

const SHOWN = 96;
const short = (value) => {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
};

/** Long texts from where they part, from the start of the instruction. */
function shortDifference(theirs, ours) {
  if (typeof theirs !== 'string' || typeof ours !== 'string' || theirs.length + ours.length <= SHOWN)
    return { theirs: short(theirs), ours: short(ours) };
  let at = 0;
  while (theirs[at] === ours[at]) at++;
  at -= at % 16;
  const from = (text) => `@${at / 2} of ${text.length / 2}: ${short(text.slice(at))}`;
  return { theirs: from(theirs), ours: from(ours) };
}
