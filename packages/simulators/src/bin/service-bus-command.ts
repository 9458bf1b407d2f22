import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { serviceBus, type ServiceBusOptions, type ServiceBusSimulator } from "../service-bus/index.ts";
import type { Command } from "./command.ts";
import { readConfiguration } from "./configuration.ts";

const usage = `Usage: holdfast-simulators service-bus [options]

A Service Bus namespace on 127.0.0.1: AMQP, and the administration over HTTP on the same ports.

  --config <file>      JSON with the options of serviceBus(), or a module: options as default export,
                       and a function setup(simulator) to prepare it, with faults for example
  --queue <name>       a queue; may be given several times. Default, without --config: queue1
  --topic <name>       a topic with a subscription "all"; may be given several times
  --port <number>      AMQP without TLS. Default 5672; 0 is any free port
  --tls-port <number>  AMQP and HTTPS over TLS; without it there is no TLS. 0 is any free port
  --ca-file <file>     writes the certificate to trust there (for NODE_EXTRA_CA_CERTS)
  --help
`;

function port(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new TypeError(`--${name} must be a port number, got "${value}"`);
  return Number(value);
}

/** `holdfast-simulators service-bus`. */
export const serviceBusCommand: Command = {
  usage,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        queue: { type: "string", multiple: true },
        topic: { type: "string", multiple: true },
        port: { type: "string" },
        "tls-port": { type: "string" },
        "ca-file": { type: "string" },
      },
    });
    const { options, setup } = await readConfiguration<ServiceBusOptions, ServiceBusSimulator>(values.config);
    const queues = values.queue ?? (values.config === undefined ? ["queue1"] : []);
    const topics = (values.topic ?? []).map((name) => ({ name, subscriptions: ["all"] }));
    const tlsPort = port("tls-port", values["tls-port"]) ?? options.tlsPort;
    const bus = await serviceBus({
      ...options,
      queues: [...(options.queues ?? []), ...queues],
      topics: [...(options.topics ?? []), ...topics],
      port: port("port", values.port) ?? options.port ?? 5672,
      ...(tlsPort === undefined ? {} : { tls: true, tlsPort }),
    });
    await setup?.(bus);
    const { tls } = bus;
    if (values["ca-file"] !== undefined && tls !== undefined) await writeFile(values["ca-file"], tls.ca);
    return {
      lines: [
        `connection string: ${bus.connectionString}`,
        ...(tls === undefined
          ? []
          : [
              `over TLS: ${tls.connectionString}`,
              `certificate: ${values["ca-file"] ?? "--ca-file <file> writes it"}`,
            ]),
      ],
      close: () => bus.close(),
    };
  },
};
