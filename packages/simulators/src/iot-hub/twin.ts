import { randomBytes } from "node:crypto";
import { HubFailure } from "./hub-failure.ts";
import { hubErrors } from "./hub-error.ts";

/** A JSON object, as twins are made of. */
export type JsonObject = Record<string, unknown>;

/** The two halves of a twin's properties. */
export type TwinSection = "desired" | "reported";

// https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins#device-twin-size
const MAX_SECTION_BYTES = 32_768;

/** Whether a value is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 7396: members of `patch` replace those of `base`, objects are merged, null removes. Neither argument changes. */
export function merged(base: JsonObject, patch: JsonObject): JsonObject {
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    if (value === null) Reflect.deleteProperty(result, key);
    else if (isObject(value)) {
      const old = result[key];
      result[key] = merged(isObject(old) ? old : {}, value);
    } else result[key] = value;
  }
  return result;
}

function withMetadata(value: JsonObject, at: string): JsonObject {
  const metadata: JsonObject = { $lastUpdated: at };
  for (const [key, member] of Object.entries(value)) {
    metadata[key] = isObject(member) ? withMetadata(member, at) : { $lastUpdated: at };
  }
  return metadata;
}

/** A device's or module's twin: tags, desired and reported properties, each half with its own version. */
export class TwinDocument {
  tags: JsonObject = {};
  etag = newEtag();
  version = 1;
  readonly #sections = { desired: {} as JsonObject, reported: {} as JsonObject };
  readonly #versions = { desired: 1, reported: 1 };
  readonly #changedAt = { desired: new Date(0).toISOString(), reported: new Date(0).toISOString() };

  /** The properties with `$version`, as devices get them. */
  section(name: TwinSection): JsonObject {
    return { ...structuredClone(this.#sections[name]), $version: this.#versions[name] };
  }

  /** The properties with `$version` and `$metadata`, as the service API gives them. */
  described(name: TwinSection): JsonObject {
    const metadata = withMetadata(this.#sections[name], this.#changedAt[name]);
    return { ...structuredClone(this.#sections[name]), $metadata: metadata, $version: this.#versions[name] };
  }

  versionOf(name: TwinSection): number {
    return this.#versions[name];
  }

  /**
   * Merges a patch (or replaces the section) and counts its version up.
   * @throws HubFailure 400 when the section would become too large
   */
  update(name: TwinSection, patch: JsonObject, now: number, replace = false): number {
    const next = merged(replace ? {} : this.#sections[name], patch);
    if (Buffer.byteLength(JSON.stringify(next)) > MAX_SECTION_BYTES) {
      throw new HubFailure(
        hubErrors.argument,
        `The ${name} properties exceed ${String(MAX_SECTION_BYTES)} bytes.`,
      );
    }
    this.#sections[name] = next;
    this.#versions[name] += 1;
    this.#changedAt[name] = new Date(now).toISOString();
    this.touch();
    return this.#versions[name];
  }

  /** A change of anything gives the twin a new etag. */
  touch(): void {
    this.version += 1;
    this.etag = newEtag();
  }
}

function newEtag(): string {
  return randomBytes(9).toString("base64");
}
