import rhea from "rhea";

/** A value together with its AMQP type, as rhea's codec keeps it. */
export interface Typed {
  readonly type: { readonly typecode: number };
  readonly value: unknown;
  readonly descriptor?: { readonly value: unknown };
}

interface Reader {
  position: number;
  read(): Typed;
  remaining(): number;
}

interface Writer {
  write(value: Typed): void;
  toBuffer(): Buffer;
}

/** The part of rhea's type codec that is used here; its own typings leave most of it `any`. */
interface Codec {
  Reader: new (buffer: Buffer) => Reader;
  Writer: new () => Writer;
  Map32(pairs: readonly Typed[]): Typed;
  Uuid: { readonly typecode: number };
  Timestamp: { readonly typecode: number };
  Long: { readonly typecode: number };
  Null(): Typed;
  wrap(value: unknown): Typed;
  wrap_array(values: readonly unknown[], typecode: number): Typed;
  wrap_binary(value: Buffer): Typed;
  wrap_boolean(value: boolean): Typed;
  wrap_int(value: number): Typed;
  wrap_list(values: readonly (Typed | null)[]): Typed;
  wrap_long(value: number | Buffer): Typed;
  wrap_string(value: string): Typed;
  wrap_symbol(value: string): Typed;
  wrap_timestamp(value: number): Typed;
  wrap_ubyte(value: number): Typed;
  wrap_uint(value: number): Typed;
  wrap_ulong(value: number): Typed;
  wrap_uuid(value: Buffer): Typed;
  described(descriptor: Typed, value: Typed): Typed;
  unwrap(value: Typed): unknown;
}

/** AMQP 1.6: primitive types. */
export const codec = rhea.types as unknown as Codec;

/** An AMQP map as the flat list of its keys and values, types kept. */
export type TypedPairs = readonly Typed[];

/** The pairs as a plain object; keys as strings. */
export function pairsToObject(pairs: TypedPairs): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const key = pairs[index];
    const value = pairs[index + 1];
    if (key !== undefined && value !== undefined) result[String(key.value)] = codec.unwrap(value);
  }
  return result;
}

/** `base` with the entries of `overrides` added or replaced. */
export function mergePairs(base: TypedPairs, overrides: TypedPairs): TypedPairs {
  const replaced = new Set<string>();
  for (let index = 0; index < overrides.length; index += 2) replaced.add(String(overrides[index]?.value));
  const kept: Typed[] = [];
  for (let index = 0; index + 1 < base.length; index += 2) {
    const key = base[index];
    const value = base[index + 1];
    if (key !== undefined && value !== undefined && !replaced.has(String(key.value))) kept.push(key, value);
  }
  return [...kept, ...overrides];
}

/** The pairs of a typed map, none when it is not a map. */
export function pairsOf(map: Typed | undefined): TypedPairs {
  return Array.isArray(map?.value) ? (map.value as Typed[]) : [];
}

/** A value as a string when it is one that AMQP would print as text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (Buffer.isBuffer(value)) return value.toString("hex");
  return undefined;
}
