/** A twin document, or a part of it. */
export type Document = Readonly<Record<string, unknown>>;

/** What to do with what arrived. */
export type TwinStep =
  /** Hand this patch to the application. */
  | { readonly type: "deliver"; readonly patch: Document }
  /** Known already. */
  | { readonly type: "ignore" }
  /** A patch between the last one and this is missing: read the whole. */
  | { readonly type: "reread" };

/**
 * Follows the desired properties by their `$version`, so that the application hears of each change once, in order, and of
 * those that were made while the device was away. Pure; it holds the document to tell what a newer one changed.
 */
export class TwinFollower {
  #desired: Document | undefined;

  /** The version that the application knows; undefined before the first. */
  get version(): number | undefined {
    return versionOf(this.#desired);
  }

  /** The application has been given this whole document by `getTwin`. */
  read(desired: unknown): void {
    if (isDocument(desired)) this.#desired = structuredClone(desired);
  }

  /** A change was pushed. */
  pushed(patch: unknown): TwinStep {
    // Not even the application's handlers should see what is no document.
    if (!isDocument(patch)) return { type: "reread" };
    const known = this.version;
    const version = versionOf(patch);
    // Nothing to compare with: as the official client does.
    if (known === undefined || version === undefined) {
      if (this.#desired !== undefined) this.#desired = merged(this.#desired, patch);
      return { type: "deliver", patch };
    }
    if (version <= known) return { type: "ignore" };
    if (version > known + 1) return { type: "reread" };
    this.#desired = merged(this.#desired ?? {}, patch);
    return { type: "deliver", patch };
  }

  /** The whole was read again, after a connection was made. */
  reread(desired: unknown): TwinStep {
    if (!isDocument(desired)) return { type: "ignore" };
    const known = this.#desired;
    const knownVersion = versionOf(known);
    const version = versionOf(desired);
    if (knownVersion !== undefined && version !== undefined && version <= knownVersion)
      return { type: "ignore" };
    this.#desired = structuredClone(desired);
    return { type: "deliver", patch: known === undefined ? desired : difference(known, desired) };
  }
}

/** The patch that makes `after` of `before`; what is gone is null, as in the hub's own patches. */
export function difference(before: Document, after: Document): Document {
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    if (isDocument(value) && isDocument(old)) {
      const inner = difference(old, value);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (JSON.stringify(value) !== JSON.stringify(old)) patch[key] = value;
  }
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch[key] = null;
  return patch;
}

function merged(document: Document, patch: Document): Document {
  const result: Record<string, unknown> = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    // Assignment would call the setter of that name.
    if (key === "__proto__") continue;
    const old = result[key];
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = isDocument(value) ? merged(isDocument(old) ? old : {}, value) : value;
  }
  return result;
}

function versionOf(document: Document | undefined): number | undefined {
  const version = document?.["$version"];
  return typeof version === "number" ? version : undefined;
}

function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
