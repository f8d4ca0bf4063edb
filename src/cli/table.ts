// What `tsbpf` can do: a row for each verb. Tests go through it too, so that none is without a schema of its JSON.

import type { Verb } from './frame.js';

/** Each verb is a file of its own, and only that of the verb that is asked for is loaded: a tool starts in a fraction of a second. */
export const VERBS: readonly Verb[] = [
  { name: 'run', description: 'run a bundled tool', load: async () => (await import('./run.js')).runCommand() },
  {
    name: 'inspect',
    description: 'show what an object is, and what a kernel would be given of it',
    load: async () => (await import('./inspect.js')).inspectCommand(),
  },
  {
    name: 'explain',
    description: 'show what a load would do, and why it would not work; nothing is done',
    load: async () => (await import('./explain.js')).explainCommand(),
  },
  {
    name: 'check',
    description: 'say whether objects fit kernels that are not at hand',
    load: async () => (await import('./check.js')).checkCommand(),
  },
  {
    name: 'btf',
    description: 'show the types of kernels and objects',
    load: async () => (await import('./btf.js')).btfCommand(),
  },
  {
    name: 'doctor',
    description: 'say why BPF works on this machine or not, and what mends it',
    load: async () => (await import('./doctor.js')).doctorCommand(),
  },
  {
    name: 'feature',
    description: 'list what this kernel knows of BPF',
    load: async () => (await import('./feature.js')).featureCommand(),
  },
  {
    name: 'prog',
    description: 'show, dump and run loaded programs: bpftool prog',
    load: async () => (await import('./prog.js')).progCommand(),
  },
  { name: 'map', description: 'show and change maps: bpftool map', load: async () => (await import('./map.js')).mapCommand() },
  {
    name: 'link',
    description: 'show and change what is attached: bpftool link',
    load: async () => (await import('./link.js')).linkCommand(),
  },
  { name: 'gen', description: 'make files out of objects', load: async () => (await import('./gen.js')).genCommand() },
];
