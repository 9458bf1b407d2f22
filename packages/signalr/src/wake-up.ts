interface Target {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/**
 * Calls `wake` when waiting may be over: the network is back, the page is visible again, a frozen page goes on. Does nothing
 * where there are no such events. Returns what ends it.
 */
export function onWakeUp(wake: () => void): () => void {
  const { document } = globalThis as { document?: Target & { visibilityState?: string } };
  const visible = (): void => {
    if (document?.visibilityState !== "hidden") wake();
  };
  const sources: readonly [unknown, string, () => void][] = [
    [globalThis, "online", wake],
    [document, "visibilitychange", visible],
    [document, "resume", wake],
  ];
  const stops = sources.map(([target, type, listener]) => listen(target, type, listener));
  return () => {
    for (const stop of stops) stop();
  };
}

function listen(target: unknown, type: string, listener: () => void): () => void {
  if (typeof (target as Partial<Target> | undefined)?.addEventListener !== "function") return () => undefined;
  (target as Target).addEventListener(type, listener);
  return () => {
    (target as Target).removeEventListener(type, listener);
  };
}
