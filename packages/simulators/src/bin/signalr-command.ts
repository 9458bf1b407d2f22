import { parseArgs } from "node:util";
import {
  HubException,
  signalr,
  type Hub,
  type SignalROptions,
  type SignalRSimulator,
} from "../signalr/index.ts";
import type { Command } from "./command.ts";
import { readConfiguration } from "./configuration.ts";

const usage = `Usage: holdfast-simulators signalr [options]

An app server and an Azure SignalR Service on 127.0.0.1.

  --config <file>        JSON with the options of signalr(), or a module: options as default export,
                         and a function setup(simulator) to register methods and faults
  --hub <name>           a hub; may be given several times. Default, without --config: chat
  --port <number>        port of the app server. Default: any free one
  --service-port <number>
  --tls                  serve HTTPS too
  --help

Hubs that a setup() does not care for get the methods Echo(value), Broadcast(method, ...args), Join(group),
Leave(group), SendToGroup(group, method, ...args), SendToUser(userId, method, ...args), Counter(count, delayMs)
(a stream) and Throw(message).
`;

/** Methods to try a client with. */
function addStandardMethods(hub: Hub): void {
  hub
    .on("Echo", (_call, value: unknown) => value)
    .on("Broadcast", (call, method: string, ...args: unknown[]) => {
      call.clients.all.send(method, ...args);
    })
    .on("Join", (call, group: string) => {
      call.groups.add(call.connectionId, group);
    })
    .on("Leave", (call, group: string) => {
      call.groups.remove(call.connectionId, group);
    })
    .on("SendToGroup", (call, group: string, method: string, ...args: unknown[]) => {
      call.clients.group(group).send(method, ...args);
    })
    .on("SendToUser", (call, userId: string, method: string, ...args: unknown[]) => {
      call.clients.user(userId).send(method, ...args);
    })
    .on("Counter", async function* (call, count: number, delayMs?: number) {
      for (let index = 0; index < count && !call.signal.aborted; index += 1) {
        yield index;
        await new Promise((resolve) => setTimeout(resolve, delayMs ?? 0));
      }
    })
    .on("Throw", (_call, message: string) => {
      throw new HubException(message);
    });
}

const port = (value: string | undefined): number | undefined =>
  value === undefined ? undefined : Number(value);

/** `holdfast-simulators signalr`. */
export const signalRCommand: Command = {
  usage,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        hub: { type: "string", multiple: true },
        port: { type: "string" },
        "service-port": { type: "string" },
        tls: { type: "boolean" },
      },
    });
    const { options, setup } = await readConfiguration<SignalROptions, SignalRSimulator>(values.config);
    const named = values.hub ?? (values.config === undefined ? ["chat"] : []);
    const hubs = [...(options.hubs ?? []), ...named];
    const appPort = port(values.port) ?? options.port;
    const servicePort = port(values["service-port"]) ?? options.servicePort;
    const simulator = await signalr({
      ...options,
      hubs,
      ...(appPort === undefined ? {} : { port: appPort }),
      ...(servicePort === undefined ? {} : { servicePort }),
      ...(values.tls === undefined ? {} : { tls: values.tls }),
    });
    const names = hubs.map((hub) => (typeof hub === "string" ? hub : hub.name));
    for (const name of names) addStandardMethods(simulator.hub(name));
    await setup?.(simulator);
    return {
      lines: [
        ...names.map((name) => `hub ${name}: ${simulator.url(name)}`),
        `app server: ${[simulator.app.origin, simulator.app.secureOrigin].filter(Boolean).join(", ")}`,
        `service: ${simulator.service.connectionString}`,
      ],
      close: () => simulator.close(),
    };
  },
};
