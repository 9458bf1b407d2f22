interface Locks {
  request(
    name: string,
    options: { mode: "shared"; signal: AbortSignal },
    held: () => Promise<void>,
  ): Promise<unknown>;
}

/**
 * Holds a shared Web Lock: browsers do not put a page to sleep that holds one, and sleep ends its connections. Does nothing
 * without a name, or where there are no Web Locks. Returns what releases it.
 */
export function holdWebLock(name: string): () => void {
  const { navigator } = globalThis as { navigator?: { locks?: Locks } };
  if (name === "" || navigator?.locks === undefined) return () => undefined;
  const abort = new AbortController();
  let release = (): void => undefined;
  const held = (): Promise<void> =>
    new Promise((resolve) => {
      release = resolve;
    });
  navigator.locks.request(name, { mode: "shared", signal: abort.signal }, held).catch(() => undefined);
  return () => {
    abort.abort();
    release();
  };
}
