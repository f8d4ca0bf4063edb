// One run of a command in a machine of its own: qemu without KVM, the host's files under a layer that vanishes.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archive } from './initramfs.mjs';

const VIRTIOFSD = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd'];
export const virtiofsd = () => VIRTIOFSD.find(existsSync);

const MEMORY = '1G';
const COMMAND_LINE = [
  'console=ttyS0 panic=-1 nokaslr mitigations=off tsc=reliable random.trust_cpu=1 raid=noautodetect quiet',
  'lsm=bpf', // 5.10 calls BPF's hooks only if told so
].join(' ');

/**
 * @param kernel  As `bootable` gives it.
 * @param command Words of the command, which runs as root in `cwd`.
 * @param onOut   Called with each piece of its standard output; standard error is passed on.
 * @returns       Its exit code.
 * @throws when the machine does not get to its end, with the last of its console.
 */
export async function runInMachine(kernel, { command, cwd, onOut, seconds }) {
  const home = mkdtempSync(join(tmpdir(), 'tsbpf-vm-'));
  const path = (name) => join(home, name);
  const children = [];
  const servers = [];
  const start = (program, args, options) => {
    const child = spawn(program, args, options);
    children.push(child);
    return child;
  };
  try {
    writeFileSync(path('initramfs'), Buffer.concat([readFileSync(kernel.archive), archive([job(kernel, command, cwd)])]));
    let code = '';
    const ports = {
      out: onOut,
      err: (text) => process.stderr.write(text),
      rc: (text) => {
        code += text;
      },
    };
    for (const [name, onText] of Object.entries(ports)) servers.push(await listen(path(name), onText));
    start(virtiofsd(), [`--socket-path=${path('files')}`, '-o', 'source=/', '-o', 'cache=always', '-o', 'sandbox=chroot'], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await appears(path('files'));
    const qemu = start('qemu-system-x86_64', arguments_(kernel, path, Object.keys(ports)), {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaints = '';
    qemu.stderr.on('data', (text) => {
      complaints += text;
    });
    const timer = setTimeout(() => qemu.kill('SIGKILL'), seconds * 1000);
    await new Promise((resolve) => qemu.once('close', resolve));
    clearTimeout(timer);
    await Promise.all(servers.map((server) => server.ended));
    if (code.trim() !== '') return Number(code);
    const consoleText = existsSync(path('console')) ? readFileSync(path('console'), 'latin1') : '';
    throw new Error(`the machine did not come to its end within ${seconds} s\n${complaints}${consoleText.slice(-2000)}`);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    for (const server of servers) server.close();
    rmSync(home, { recursive: true, force: true });
  }
}

const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;
const job = ({ tree, version }, command, cwd) => ({
  name: 'job',
  mode: 0o100755,
  data: Buffer.from(
    `TREE=${quoted(tree)} VERSION=${quoted(version)}\nrun() { cd ${quoted(cwd)} && exec ${command.map(quoted).join(' ')}; }\n`,
  ),
});

const arguments_ = ({ vmlinux }, path, ports) => [
  ...['-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'max', '-smp', '2', '-m', MEMORY],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-kernel', vmlinux, '-initrd', path('initramfs'), '-append', COMMAND_LINE],
  ...['-chardev', `file,id=console,path=${path('console')}`, '-serial', 'chardev:console'],
  ...['-device', 'virtio-serial-pci', '-device', 'virtio-rng-pci'],
  ...ports.flatMap((name) => [
    ...['-chardev', `socket,id=${name},path=${path(name)}`],
    ...['-device', `virtserialport,chardev=${name},name=${name}`],
  ]),
  ...['-object', `memory-backend-memfd,id=mem,size=${MEMORY},share=on`, '-numa', 'node,memdev=mem'],
  ...['-chardev', `socket,id=files,path=${path('files')}`, '-device', 'vhost-user-fs-pci,chardev=files,tag=root'],
];

/** Whoever connects writes to `onText`; `ended` when there is no more. */
async function listen(path, onText) {
  const server = createServer();
  const ended = new Promise((resolve) => {
    server.on('connection', (socket) => socket.setEncoding('utf8').on('data', onText).on('close', resolve).on('error', resolve));
  });
  await new Promise((resolve) => server.listen(path, resolve));
  return { ended, close: () => server.close() };
}

async function appears(path) {
  for (let i = 0; i < 200 && !existsSync(path); i++) await new Promise((resolve) => setTimeout(resolve, 20));
}
