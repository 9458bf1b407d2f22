import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as bus from "../service-bus/index.ts";
import { sharedOptions, sharedUsage, type Command } from "./command.ts";
import { readConfiguration } from "./configuration.ts";
import type { Controls, Target } from "./controls.ts";
import { emulatorOptions, isEmulatorConfiguration } from "./emulator-configuration.ts";
import { portNumber } from "./port.ts";

const usage = `Usage: holdfast-simulators service-bus [options]

A Service Bus namespace on 127.0.0.1: AMQP, and the administration over HTTP on the same ports.

  --config <file>      JSON with the options of serviceBus(), or Config.json of Microsoft's Service Bus emulator,
                       or a module: options as default export, and a function setup(simulator) to prepare it,
                       with faults for example
  --queue <name>       a queue; may be given several times. Default, without --config: queue1
  --topic <name>       a topic with a subscription "all"; may be given several times
  --port <number>      AMQP without TLS. Default 5672; 0 is any free port
  --tls-port <number>  AMQP and HTTPS over TLS; without it there is no TLS. 0 is any free port
  --https-port <n>     a second port for TLS, for clients that know only 443; with --tls-port. 0 is any free port
  --ca-file <file>     writes the certificate to trust there (for NODE_EXTRA_CA_CERTS)
${sharedUsage}`;

const { acceptThenClose, blackHole, deafLink, delayAcknowledgement, dropConnection, forceConnectionClose } =
  bus;
const { forceDetach, halfOpen, ignore, loseAcknowledgement, refuseAdmin, refuseLink, refuseToken } = bus;
const { reject, resetConnection, serverBusy } = bus;

const queueShows = [
  ...["path", "status", "activeMessages", "lockedMessages", "deferredMessages", "scheduledMessages"],
  ...["deadLetterMessages", "transferDeadLetterMessages", "sizeBytes", "sessions", "heldSessions"],
];
const queueDoes = [
  ...["delete", "setStatus", "disable", "enable", "expireLocks", "stealLocks"],
  ...["deafenReceivers", "expireSessionLocks"],
];

function controls(namespace: bus.ServiceBusSimulator): Controls {
  return {
    journal: namespace.journal,
    faults: namespace.faults,
    faultNames: {
      ...{ acceptThenClose, blackHole, deafLink, delayAcknowledgement, dropConnection },
      ...{ forceConnectionClose, forceDetach, halfOpen, ignore, loseAcknowledgement },
      ...{ refuseAdmin, refuseLink, refuseToken, reject, resetConnection, serverBusy },
    },
    target: ([kind, ...path]): Target | undefined => {
      const name = path.join("/");
      switch (kind) {
        case undefined:
          return {
            subject: namespace,
            shows: [],
            does: [
              ...["stop", "start", "restart", "refuseConnections", "dropConnections"],
              ...["freeze", "detachLinks"],
            ],
          };
        // A subscription is a queue too: `queues/events/Subscriptions/all`.
        case "queues":
          return { subject: namespace.queue(name), shows: queueShows, does: queueDoes };
        case "topics":
          return {
            subject: namespace.topic(name),
            shows: ["path", "status", "scheduledMessages", "sizeBytes", "subscriptions"],
            does: ["setStatus", "delete"],
          };
        default:
          return undefined;
      }
    },
  };
}

/** `holdfast-simulators service-bus`. */
export const serviceBusCommand: Command = {
  usage,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...sharedOptions,
        queue: { type: "string", multiple: true },
        topic: { type: "string", multiple: true },
        port: { type: "string" },
        "tls-port": { type: "string" },
        "https-port": { type: "string" },
        "ca-file": { type: "string" },
      },
    });
    const { options: read, setup } = await readConfiguration<bus.ServiceBusOptions, bus.ServiceBusSimulator>(
      values.config,
    );
    const options = isEmulatorConfiguration(read) ? emulatorOptions(read) : read;
    const queues = values.queue ?? (values.config === undefined ? ["queue1"] : []);
    const topics = (values.topic ?? []).map((name) => ({ name, subscriptions: ["all"] }));
    const tlsPort = portNumber("tls-port", values["tls-port"]) ?? options.tlsPort;
    const httpsPort = portNumber("https-port", values["https-port"]) ?? options.httpsPort;
    const namespace = await bus.serviceBus({
      ...options,
      queues: [...(options.queues ?? []), ...queues],
      topics: [...(options.topics ?? []), ...topics],
      port: portNumber("port", values.port) ?? options.port ?? 5672,
      ...(tlsPort === undefined ? {} : { tls: true, tlsPort }),
      ...(httpsPort === undefined ? {} : { tls: true, httpsPort }),
    });
    await setup?.(namespace);
    const { tls } = namespace;
    if (values["ca-file"] !== undefined && tls !== undefined) await writeFile(values["ca-file"], tls.ca);
    return {
      addresses: {
        port: namespace.port,
        connectionString: namespace.connectionString,
        ...(tls === undefined ? {} : { tls: { connectionString: tls.connectionString, ca: tls.ca } }),
        caFile: values["ca-file"],
      },
      controls: controls(namespace),
      lines: [
        `connection string: ${namespace.connectionString}`,
        ...(tls === undefined
          ? []
          : [
              `over TLS: ${tls.connectionString}`,
              ...(tls.httpsPort === undefined
                ? []
                : [`administration and AMQP over WebSocket also at port ${String(tls.httpsPort)}`]),
              `certificate: ${values["ca-file"] ?? "--ca-file <file> writes it"}`,
            ]),
      ],
      close: () => namespace.close(),
    };
  },
};
