// Our side of `npm run bench`, the twin of libbpf.c: each command measures one thing in a process of its own, so that neither
// the JIT's state nor the heap of one measurement shows in another, and prints one line of JSON.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { BpfError, open } from 'tsbpf';
import { dumpC, dumpRaw, nameIndex } from 'tsbpf/btf';
import { TextSink } from 'tsbpf/bytes';
import { relocate } from 'tsbpf/relocate';
import { addressOf, readBtf, readWholeBtf, syscall } from 'tsbpf/syscall';

const BPF_PROG_TEST_RUN = 10;
const BPF_RB_NO_WAKEUP = 1;
const PRODUCE_LIMIT = 1_000_000; // LOOP_LIMIT of bpf/bench.bpf.c
const LIVE_BATCH = 10_000; // as libbpf.c's
const PRODUCER_CPU = 1; // we run on CPU 0: whoever starts us sees to that

const elapsed = (start) => Number(process.hrtime.bigint() - start);

/** What `work` took each time, in nanoseconds; `after` is not timed. */
function times(repeat, work, after = () => {}) {
  const ns = [];
  for (let i = 0; i < repeat; i++) {
    const start = process.hrtime.bigint();
    const result = work();
    ns.push(elapsed(start));
    after(result);
  }
  return ns;
}

/** Open, load, attach: everything between a file name and running programs. */
function load(file, repeat) {
  const ns = times(
    repeat,
    () => {
      const loaded = open(file).load();
      loaded.attach();
      return loaded;
    },
    (loaded) => loaded.close(),
  );
  return { ns };
}

/** Parse, index, and find what libbpf.c finds. */
function btf(file, repeat) {
  const ns = times(repeat, () => {
    const types = readBtf(file);
    const found = nameIndex(types)
      .essential('task_struct')
      .find((id) => types.kind(id) === 'STRUCT');
    if (found === undefined) throw new Error(`${file} has no struct task_struct`);
  });
  return { ns };
}

/** Types of a file, read and printed to nowhere. */
function dump(format, file, repeat) {
  const write = { c: dumpC, raw: dumpRaw }[format];
  const nowhere = openSync('/dev/null', 'w');
  const ns = times(repeat, () => {
    const out = new TextSink({ write: (chunk) => writeSync(nowhere, chunk) });
    write(readWholeBtf(file), out);
    out.flush();
  });
  return { ns };
}

/** What CO-RE makes of an object, against the running kernel's types. */
function relocating(file, repeat) {
  const { object } = open(file);
  const kernel = readBtf('/sys/kernel/btf/vmlinux');
  return { ns: times(repeat, () => relocate(object, { kernel })) };
}

/** Of each object, how many CO-RE records a load applies; 0 for those that cannot be opened. */
function records(...files) {
  return files.map((file) => {
    try {
      const { object } = open(file);
      return object.littleEndian ? relocate(object, { kernel: readBtf('/sys/kernel/btf/vmlinux') }).fixups.length : 0;
    } catch (error) {
      if (error instanceof BpfError) return 0;
      throw error;
    }
  });
}

// ---- the ring ----

/** As libbpf.c's on_record: counts, and looks at the record, so that its bytes have to come. */
function rawConsumer() {
  const seen = { received: 0, sum: 0 };
  const onRecord = (bytes, at) => {
    seen.received++;
    seen.sum = (seen.sum + bytes[at]) | 0;
  };
  return { seen, onRecord };
}

/** Looks at a number and a text of each event, so that nobody can leave out decoding them. */
function typedConsumer() {
  const seen = { received: 0, sum: 0 };
  const onEvent = (event) => {
    seen.received++;
    seen.sum = (seen.sum + event.pid + event.filename.length) | 0;
  };
  return { seen, onEvent };
}

/** Submits records from this process, before anybody consumes them. */
function fill(loaded, size, records) {
  for (let left = records; left > 0; ) {
    const count = Math.min(left, PRODUCE_LIMIT);
    const submitted = produce(loaded.fd('program', 'produce'), count, size);
    if (submitted !== count) throw new Error(`the ring took ${submitted} records of ${count}`);
    left -= count;
  }
}

function produce(program, count, size) {
  const context = new Uint8Array(Uint32Array.of(count, size, BPF_RB_NO_WAKEUP, 0).buffer);
  const attr = new DataView(new ArrayBuffer(80)); // the part of union bpf_attr for BPF_PROG_TEST_RUN
  attr.setUint32(0, program, true); // prog_fd
  attr.setUint32(40, context.length, true); // ctx_size_in
  attr.setBigUint64(48, addressOf(context), true); // ctx_in
  const result = syscall('bpf', BPF_PROG_TEST_RUN, new Uint8Array(attr.buffer), attr.byteLength);
  if (result < 0) throw new Error(`cannot run the producer: errno ${-result}`);
  return attr.getUint32(4, true); // retval
}

function drain(how, file, size, records, repeat) {
  const loaded = open(file).load();
  const { rb } = loaded.maps;
  const raw = rawConsumer();
  const typed = typedConsumer();
  const consume = {
    raw: () => rb.consumeRecords(raw.onRecord),
    typed: () => rb.consume(typed.onEvent, 'event'),
  }[how];
  const ns = [];
  for (let i = 0; i < repeat; i++) {
    fill(loaded, size, records);
    ns.push(...times(1, consume));
  }
  const { received } = how === 'raw' ? raw.seen : typed.seen;
  if (received !== records * repeat) throw new Error(`received ${received} records of ${records * repeat}`);
  return { records, ns };
}

/** Consumes while another process produces as fast as it can; `harness` is libbpf.c, compiled. */
async function live(how, file, size, seconds, harness) {
  const loaded = open(file).load();
  const { rb } = loaded.maps;
  const raw = rawConsumer();
  const typed = typedConsumer();
  const { seen } = how === 'raw' ? raw : typed;
  const stop = new AbortController();
  const { signal } = stop;
  const consuming = {
    raw: () => rb.forEachRecord(raw.onRecord, { signal }),
    typed: () => rb.forEach(typed.onEvent, { type: 'event', signal }),
    iterator: async () => {
      for await (const event of rb.events('event', { signal })) typed.onEvent(event);
    },
  }[how]();

  const feeder = spawn(harness, ['feed', 'fd:3', `${size}`, `${LIVE_BATCH}`, `${seconds}`, `${PRODUCER_CPU}`], {
    stdio: ['ignore', 'pipe', 'inherit', loaded.fd('program', 'produce')],
  });
  let output = '';
  feeder.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(feeder, 'close');
  if (code !== 0) throw new Error(`the producer ended with ${code}`);
  if (how === 'raw') rb.consumeRecords(raw.onRecord);
  else rb.consume(typed.onEvent, 'event');
  stop.abort();
  await consuming;
  const { records, dropped } = JSON.parse(output);
  if (seen.received !== records || loaded.bss.dropped !== BigInt(dropped))
    throw new Error(
      `received ${seen.received} of ${records} records; the program dropped ${loaded.bss.dropped}, the producer knows of ${dropped}`,
    );
  return { received: seen.received, produced: records, dropped, seconds };
}

// ---- the table ----

const COMMANDS = {
  load: ([file, repeat]) => load(file, Number(repeat)),
  btf: ([file, repeat]) => btf(file, Number(repeat)),
  dump: ([format, file, repeat]) => dump(format, file, Number(repeat)),
  relocate: ([file, repeat]) => relocating(file, Number(repeat)),
  records: (files) => records(...files),
  drain: ([how, file, size, records, repeat]) => drain(how, file, Number(size), Number(records), Number(repeat)),
  live: ([how, file, size, seconds, harness]) => live(how, file, Number(size), Number(seconds), harness),
};

const [command, ...args] = process.argv.slice(2);
try {
  if (!Object.hasOwn(COMMANDS, command)) throw new Error(`commands: ${Object.keys(COMMANDS).join(', ')}`);
  console.log(JSON.stringify(await COMMANDS[command](args)));
} catch (error) {
  console.error(error instanceof BpfError ? `measure: ${error.message}` : error);
  process.exitCode = 1;
}
