// Results of node:test as lines of JSON, for the host to read.

export default async function* (source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, nesting, skip, details } = data;
    if (details?.type === 'suite' && type === 'test:pass') {
      yield `${JSON.stringify({ suite: name, nesting })}\n`;
      continue;
    }
    if (details?.type === 'suite') {
      yield `${JSON.stringify({ suite: name, nesting })}\n`;
      continue;
    }
    const cause = details?.error?.cause ?? details?.error;
    const error = type === 'test:fail' ? String(cause?.stack ?? cause) : undefined;
    yield `${JSON.stringify({ test: name, nesting, skip, error, ms: details?.duration_ms })}\n`;
  }
}
