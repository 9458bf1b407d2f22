import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as signalR from "../signalr/index.ts";
import { sharedOptions, sharedUsage, type Command } from "./command.ts";
import { readConfiguration } from "./configuration.ts";
import type { Controls, Target } from "./controls.ts";
import { portNumber } from "./port.ts";

const usage = `Usage: holdfast-simulators signalr [options]

An app server and an Azure SignalR Service on 127.0.0.1.

  --config <file>        JSON with the options of signalr(), or a module: options as default export,
                         and a function setup(simulator) to register methods and faults
  --hub <name>           a hub; may be given several times. Default, without --config: chat
  --port <number>        port of the app server. Default: any free one
  --service-port <number>
  --tls                  serve HTTPS too
  --tls-port <number>, --service-tls-port <number>   with --tls. Default: any free one
  --ca-file <file>       writes the certificate to trust there, with --tls
${sharedUsage}
Hubs that a setup() does not care for get the methods Echo(value), Broadcast(method, ...args), Join(group),
Leave(group), SendToGroup(group, method, ...args), SendToUser(userId, method, ...args), Counter(count, delayMs)
(a stream) and Throw(message).
`;

/** Methods to try a client with. */
function addStandardMethods(hub: signalR.Hub): void {
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
      throw new signalR.HubException(message);
    });
}

const { acceptThenClose, answer, blackHole, closeConnection, cutMessage, delayAnswer } = signalR;
const { dropConnection, fallSilent, halfOpen, neverAnswer, refuseHandshake, resetConnection } = signalR;
const { throttled } = signalR;

const serverDoes = ["stop", "start", "restart", "refuseConnections", "dropConnections", "freeze"];

function controls(simulator: signalR.SignalRSimulator): Controls {
  const { app, service } = simulator;
  return {
    journal: simulator.journal,
    faults: simulator.faults,
    faultNames: {
      ...{ acceptThenClose, answer, blackHole, closeConnection, cutMessage, delayAnswer, dropConnection },
      ...{ fallSilent, halfOpen, neverAnswer, refuseHandshake, resetConnection, throttled },
    },
    target: ([kind, name]): Target | undefined => {
      switch (kind) {
        case undefined: {
          const does = ["stop", "start", "restart", "dropConnections", "closeConnections", "freeze"];
          return { subject: simulator, shows: [], does };
        }
        case "app":
          return { subject: app, shows: ["origin", "secureOrigin"], does: serverDoes };
        case "service":
          return {
            subject: service,
            shows: [
              "origin",
              "secureOrigin",
              "connectionString",
              "connectionCount",
              "isConnected",
              "messageCount",
            ],
            does: [...serverDoes, "connectServers", "disconnectServers", "clientAccess"],
          };
        case "hubs":
          return { subject: simulator.hub(name ?? ""), shows: ["name", "connectionIds"], does: ["close"] };
        default:
          return undefined;
      }
    },
  };
}

/** `holdfast-simulators signalr`. */
export const signalRCommand: Command = {
  usage,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...sharedOptions,
        hub: { type: "string", multiple: true },
        port: { type: "string" },
        "service-port": { type: "string" },
        tls: { type: "boolean" },
        "tls-port": { type: "string" },
        "service-tls-port": { type: "string" },
        "ca-file": { type: "string" },
      },
    });
    const { options, setup } = await readConfiguration<signalR.SignalROptions, signalR.SignalRSimulator>(
      values.config,
    );
    const named = values.hub ?? (values.config === undefined ? ["chat"] : []);
    const hubs = [...(options.hubs ?? []), ...named];
    const appPort = portNumber("port", values.port) ?? options.port;
    const servicePort = portNumber("service-port", values["service-port"]) ?? options.servicePort;
    const tlsPort = portNumber("tls-port", values["tls-port"]) ?? options.tlsPort;
    const serviceTlsPort =
      portNumber("service-tls-port", values["service-tls-port"]) ?? options.serviceTlsPort;
    const simulator = await signalR.signalr({
      ...options,
      hubs,
      ...(appPort === undefined ? {} : { port: appPort }),
      ...(servicePort === undefined ? {} : { servicePort }),
      ...(tlsPort === undefined ? {} : { tlsPort }),
      ...(serviceTlsPort === undefined ? {} : { serviceTlsPort }),
      ...(values.tls === undefined ? {} : { tls: values.tls }),
    });
    const names = hubs.map((hub) => (typeof hub === "string" ? hub : hub.name));
    for (const name of names) addStandardMethods(simulator.hub(name));
    await setup?.(simulator);
    const { app, ca, service } = simulator;
    if (values["ca-file"] !== undefined && ca !== undefined) await writeFile(values["ca-file"], ca);
    return {
      addresses: {
        hubs: Object.fromEntries(names.map((name) => [name, simulator.url(name)])),
        app: { origin: app.origin, secureOrigin: app.secureOrigin },
        service: {
          origin: service.origin,
          secureOrigin: service.secureOrigin,
          connectionString: service.connectionString,
        },
        caFile: values["ca-file"],
        ca,
      },
      controls: controls(simulator),
      lines: [
        ...names.map((name) => `hub ${name}: ${simulator.url(name)}`),
        `app server: ${[app.origin, app.secureOrigin].filter(Boolean).join(", ")}`,
        `service: ${service.connectionString}`,
      ],
      close: () => simulator.close(),
    };
  },
};
