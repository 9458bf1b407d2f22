import { emit, type EventListener } from "@holdfast/core";
import type { ServiceBusClientOptions } from "./client.ts";
import { Connections, innerTimeouts } from "./connections.ts";
import type { Access } from "./credentials.ts";
import { countLive } from "./live-clients.ts";
import { namespaceOf } from "./official-arguments.ts";
import type { Resilience } from "./resilience.ts";

/** A client's hold on its connections, which others may hold too. */
export interface ConnectionsHold {
  readonly connections: Connections;
  /** Whether nobody else holds them. */
  readonly isLast: boolean;
  /** Lets them go; the last one closes them. */
  leave(): Promise<void>;
}

interface Shared {
  readonly connections: Connections;
  readonly terms: Terms;
  /** Everybody hears of what concerns the connections. */
  readonly holders: Set<{ readonly onEvent: EventListener | undefined }>;
}

/** What must be the same for two clients to share, beside what they identify themselves with. */
type Terms = ReadonlyMap<string, unknown>;

// Of this copy of the package: official clients of different copies do not mix.
const all = new Set<Shared>();

/** Connections of a client's own, or with `shareConnections` those of all clients on the same terms. */
export function holdConnections(
  access: Access,
  options: ServiceBusClientOptions,
  resilience: Resilience,
): ConnectionsHold {
  if (!resilience.shareConnections) {
    const connections = new Connections(access, options, resilience);
    const forget = countLive(namespaceOf(access), (live) => {
      const target = namespaceOf(access);
      emit(resilience.onEvent, { type: "many-clients", operation: "serviceBus.connect", target, live });
    });
    const leave = async (): Promise<void> => {
      forget();
      await connections.close();
    };
    return { connections, isLast: true, leave };
  }
  const terms = termsOf(options, resilience);
  const shared =
    [...all].find((other) => isSame(other.connections.access, access) && isEqual(other.terms, terms)) ??
    share(access, options, resilience, terms);
  const { connections, holders } = shared;
  const holder = { onEvent: resilience.onEvent };
  holders.add(holder);
  return {
    connections,
    get isLast() {
      return holders.size === 1;
    },
    async leave() {
      if (!holders.delete(holder) || holders.size > 0) return;
      all.delete(shared);
      await connections.close();
    },
  };
}

function share(
  access: Access,
  options: ServiceBusClientOptions,
  resilience: Resilience,
  terms: Terms,
): Shared {
  const holders: Shared["holders"] = new Set();
  const onEvent: EventListener = (event) => {
    for (const holder of holders) emit(holder.onEvent, event);
  };
  const connections = new Connections(access, options, { ...resilience, onEvent });
  const shared = { connections, terms, holders };
  all.add(shared);
  return shared;
}

function isSame(one: Access, other: Access): boolean {
  return one.host === other.host && one.credential === other.credential;
}

function termsOf(options: ServiceBusClientOptions, resilience: Resilience): Terms {
  const { resilience: _ours, retryOptions, ...rest } = options;
  const { tokensPerConnection, clock } = resilience;
  const terms = new Map<string, unknown>(
    Object.entries({ tokensPerConnection, clock, ...innerTimeouts(resilience, retryOptions) }),
  );
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value !== "object" || (value as unknown) === null) terms.set(name, value);
    // An object written in place is another one for each client; what is in it counts.
    else for (const [part, inside] of Object.entries(value)) terms.set(`${name}.${part}`, inside);
  }
  return terms;
}

function isEqual(one: Terms, other: Terms): boolean {
  return one.size === other.size && [...one].every(([name, value]) => Object.is(other.get(name), value));
}
