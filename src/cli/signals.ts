// The end of what runs until somebody ends it.

/**
 * Ctrl-C and SIGTERM end the tool in good order, and so does a stdout that takes no more: `main` says why. After the first signal
 * both have their default action again: whichever comes second kills, even if nothing here gets a turn any more.
 */
export function stopOnSignals(stop: AbortController): void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const onFirst = () => {
    for (const signal of signals) process.off(signal, onFirst);
    stop.abort();
  };
  for (const signal of signals) process.on(signal, onFirst);
  process.stdout.on('error', () => stop.abort());
}

/** Writes to stdout; settles when it is out, when that failed, or when `signal` aborts. */
export const print = (text: string, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      signal.removeEventListener('abort', settle);
      resolve();
    };
    signal.addEventListener('abort', settle);
    process.stdout.write(text, settle);
    if (signal.aborted) settle();
  });

/** Settles after a time, or when `signal` aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const timer = setTimeout(settle, ms);
    signal.addEventListener('abort', settle);
    if (signal.aborted) settle();
  });
