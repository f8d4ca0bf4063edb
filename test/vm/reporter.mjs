// Results of node:test as lines of JSON, for the host to read.

export default async function* (source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, nesting, skip, details } = data;
    const told = details?.type === 'suite' ? { suite: name } : { test: name, skip, ms: details?.duration_ms };
    const cause = details?.error?.cause ?? details?.error;
    const failed = type === 'test:fail' && details?.type !== 'suite';
    yield `${JSON.stringify({ ...told, nesting, ...(failed && { error: own(String(cause?.stack ?? cause)) }) })}\n`;
  }
}

/** Without the places in Node itself. */
const own = (stack) =>
  stack
    .split('\n')
    .filter((line) => !/^\s+at .*node:internal/.test(line))
    .join('\n');
