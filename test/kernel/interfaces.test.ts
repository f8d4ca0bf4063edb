// Network devices of the namespace that this thread is in, although /sys is that of another.

import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { interfaceIndex, interfaceName } from '../../src/syscall/index.js';
import { describeWithKernel } from '../support/kernel.js';
import { ownNetwork } from '../support/network.js';

describeWithKernel('network devices', () => {
  it('are those of the network namespace', () => {
    using _ = ownNetwork();
    execFileSync('ip', ['link', 'add', 'left7', 'index', '77', 'type', 'veth', 'peer', 'name', 'right7']);
    expect(interfaceIndex('left7')).toBe(77);
    expect(interfaceName(77)).toBe('left7');
    expect([interfaceIndex('lo'), interfaceName(1)]).toEqual([1, 'lo']);
    execFileSync('ip', ['link', 'del', 'left7']);
    expect([interfaceIndex('left7'), interfaceName(77)]).toEqual([undefined, undefined]);
  });

  it('have names of 15 bytes at most', () => {
    for (const name of ['', 'a'.repeat(15), 'a'.repeat(16), 'ö'.repeat(8), '/', '..'])
      expect(interfaceIndex(name)).toBeUndefined();
    expect(interfaceName(0)).toBeUndefined();
    expect(interfaceName(0x7fffffff)).toBeUndefined();
  });
});
