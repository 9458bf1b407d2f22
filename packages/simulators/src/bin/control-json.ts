/** What JSON has no form for gets one. */
function readable(this: unknown, key: string, value: unknown): unknown {
  // Buffers have a toJSON of their own, so the value itself is asked for.
  const given = (this as Record<string, unknown>)[key];
  if (ArrayBuffer.isView(given)) {
    return { base64: Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString("base64") };
  }
  if (typeof given === "bigint") return given.toString();
  if (given instanceof Map) return Object.fromEntries(given as Map<string, unknown>);
  if (given instanceof Set) return [...(given as Set<unknown>)];
  if (given instanceof Error) return { name: given.name, message: given.message };
  return typeof value === "object" && value !== null ? withGetters(value) : value;
}

/** Entries of the journal decode some of what they show only when somebody looks. */
function withGetters(value: object): object {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype || Array.isArray(value)) return value;
  const getters = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
    ([, descriptor]) => "get" in descriptor,
  );
  const source = value as Record<string, unknown>;
  return { ...value, ...Object.fromEntries(getters.map(([name]) => [name, source[name]])) };
}

/** JSON in which bytes are `{ "base64": "…" }`, bigints strings, and infinite numbers null. */
export function controlJson(value: unknown): string {
  // Of undefined there is no JSON, whatever the types say.
  return JSON.stringify(value ?? null, readable);
}
