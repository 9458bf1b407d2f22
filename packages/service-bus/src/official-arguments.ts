import * as official from "@azure/service-bus";
import type { Access } from "./credentials.ts";
import type { ServiceBusClientOptions } from "./client.ts";
import type { FellBack } from "./either-socket.ts";
import { webSocketOptionsFor } from "./transport.ts";

/** The official constructor's arguments, with options of its own: it writes into what it is given. */
export function officialArguments(
  { host, credential }: Access,
  options: ServiceBusClientOptions,
  retryOptions: official.ServiceBusClientOptions["retryOptions"],
  fellBack?: FellBack,
): [string, never] {
  const { resilience: _ours, transport, retryOptions: _theirs, webSocketOptions, ...rest } = options;
  const webSocket = webSocketOptionsFor(
    // The emulator of the service knows no WebSockets, and no TLS.
    transport === "auto" && isEmulator(host) ? undefined : transport,
    webSocketOptions,
    hostOf(rest.customEndpointAddress ?? host),
    fellBack,
  );
  const fresh = {
    ...rest,
    ...(webSocket && { webSocketOptions: webSocket }),
    ...(retryOptions != null && { retryOptions: { ...retryOptions } }),
  };
  // Both forms are legal; the overloads of the official constructor cannot express a choice between them.
  return (credential === undefined ? [host, fresh] : [host, credential, fresh]) as unknown as [string, never];
}

/** What the service counts by: the namespace, with its port where several share a host. */
export function namespaceOf({ host, credential }: Access): string {
  const endpoint = credential === undefined ? official.parseServiceBusConnectionString(host).endpoint : host;
  return hostOf(endpoint);
}

function isEmulator(connectionString: string): boolean {
  return /(?:^|;)\s*UseDevelopmentEmulator\s*=\s*true\b/i.test(connectionString);
}

function hostOf(text: string): string {
  const endpoint = /(?:^|;)\s*Endpoint\s*=\s*([^;]*)/i.exec(text)?.[1] ?? text;
  return endpoint
    .replace(/^\w+:\/\//, "")
    .replace(/\/.*$/, "")
    .toLowerCase();
}
