import dns from "node:dns";

type Done = (
  error: Error | null,
  found?: string | { address: string; family: number }[],
  family?: number,
) => void;

/**
 * Replaces `dns.lookup`: names under `.holdfast.test` do not resolve for `ms` milliseconds, then they are this machine.
 * Other names are looked up as before. Returns what puts the original back.
 */
export function failLookupsFor(ms: number): () => void {
  const original = dns.lookup;
  const until = performance.now() + ms;
  const lookup = (host: string, options: { all?: boolean } | Done, done: Done): unknown => {
    if (!host.endsWith(".holdfast.test")) return Reflect.apply(original, dns, [host, options, done]);
    const all = typeof options === "object" && options.all === true;
    const answer = all
      ? ([null, [{ address: "127.0.0.1", family: 4 }]] as const)
      : ([null, "127.0.0.1", 4] as const);
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
      code: "ENOTFOUND",
      errno: -3008,
      syscall: "getaddrinfo",
      hostname: host,
    });
    setImmediate(() => {
      if (performance.now() < until) done(error);
      else (done as (...given: unknown[]) => void)(...answer);
    });
    return undefined;
  };
  dns.lookup = lookup as unknown as typeof dns.lookup;
  return () => {
    dns.lookup = original;
  };
}
