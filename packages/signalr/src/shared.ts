import { badOption, systemClock } from "@holdfast/core";
import { HubConnectionState } from "@microsoft/signalr";
import type { HubConnectionBuilder } from "./builder.ts";
import type { HubConnection, StartOptions } from "./hub-connection.ts";

/** What a connection is made from: a builder, or what returns a connection that was not started. */
export type ConnectionSource = HubConnectionBuilder | (() => HubConnection);

/** How a shared connection is kept. */
export interface SharingOptions extends StartOptions {
  /** How long it stays after its last user has gone, in milliseconds, for the next one. Default 5000; 0 or more. */
  readonly lingerMs?: number;
}

/** One user's hold on a connection that others may use too. */
export interface SharedConnection extends AsyncDisposable {
  readonly connection: HubConnection;
  /** Lets go of it; the last one to do so stops it, `lingerMs` later. Harmless when repeated. */
  release(): Promise<void>;
}

interface Entry {
  readonly connection: HubConnection;
  readonly started: Promise<void>;
  users: number;
  stopLingering: (() => void) | undefined;
}

// Two installed copies of this package, or its ESM and CommonJS builds side by side, share.
const key = Symbol.for("holdfast/1/signalr-shared");
const places = globalThis as unknown as Record<symbol, Map<string, Entry> | undefined>;
const entries = (places[key] ??= new Map<string, Entry>());

/**
 * The started connection of that key, one for the whole process: whoever comes first builds it, the others get it. For what
 * would otherwise make one for each request, such as a function's invocations (the guide's commonest leak, SR-42).
 *
 * @throws what `start()` throws, to everybody who waits for it; the next one begins anew.
 */
export async function sharedHubConnection(
  name: string,
  source: ConnectionSource,
  options: SharingOptions = {},
): Promise<SharedConnection> {
  const { lingerMs = 5_000, ...start } = options;
  if (!(lingerMs >= 0)) throw badOption("lingerMs", lingerMs, "a number of milliseconds, 0 or more");
  let entry = entries.get(name);
  if (entry === undefined || entry.connection.state === HubConnectionState.Disconnected) {
    const connection = buildFrom(source);
    entry = { connection, started: connection.start(start), users: 0, stopLingering: undefined };
    entries.set(name, entry);
  }
  const taken = entry;
  taken.users += 1;
  taken.stopLingering?.();
  let isReleased = false;
  const release = async (): Promise<void> => {
    if (isReleased) return;
    isReleased = true;
    taken.users -= 1;
    if (taken.users > 0) return;
    if (lingerMs === 0) await end(name, taken);
    else taken.stopLingering = systemClock.after(lingerMs, () => void end(name, taken));
  };
  try {
    await taken.started;
  } catch (error) {
    if (entries.get(name) === taken) entries.delete(name);
    throw error;
  }
  return { connection: taken.connection, release, [Symbol.asyncDispose]: release };
}

/** What `withHubConnection()` takes. */
export interface WithHubConnectionOptions extends SharingOptions {
  readonly connection: ConnectionSource;
  /** Shares the connection with everybody who gives the same key; left out: a connection of its own, stopped at the end. */
  readonly key?: string;
}

/**
 * Starts a connection, lends it to `work`, and stops it whatever becomes of the work (the guide's try and finally, SR-41).
 *
 * @throws what `start()` or `work` throws.
 */
export async function withHubConnection<T>(
  options: WithHubConnectionOptions,
  work: (connection: HubConnection) => Promise<T> | T,
): Promise<T> {
  const { connection: source, key: name, lingerMs: _, ...start } = options;
  if (name !== undefined) {
    await using shared = await sharedHubConnection(name, source, options);
    return await work(shared.connection);
  }
  await using connection = buildFrom(source);
  await connection.start(start);
  return await work(connection);
}

function buildFrom(source: ConnectionSource): HubConnection {
  return typeof source === "function" ? source() : source.build();
}

async function end(name: string, entry: Entry): Promise<void> {
  if (entry.users > 0) return;
  if (entries.get(name) === entry) entries.delete(name);
  await entry.connection.stop();
}
