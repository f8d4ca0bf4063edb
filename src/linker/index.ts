// Static linking: several BPF objects -> one. Sections joined, names resolved, types merged and deduplicated.

export * from './link.js';
