interface Target {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
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
  const sources: readonly [Target | undefined, string, () => void][] = [
    [globalThis, "online", wake],
    [document, "visibilitychange", visible],
    [document, "resume", wake],
  ];
  const each = (change: keyof Target): void => {
    for (const [target, type, listener] of sources) target?.[change]?.(type, listener);
  };
  each("addEventListener");
  return () => {
    each("removeEventListener");
  };
}
