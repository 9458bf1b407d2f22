import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { iotHub, type IotHubOptions, type IotHubSimulator } from "../iot-hub/index.ts";
import type { Command } from "./command.ts";
import { readConfiguration } from "./configuration.ts";

const usage = `Usage: holdfast-simulators iot-hub [options]

An IoT hub on 127.0.0.1: MQTT and AMQP over TLS, HTTPS and WebSockets, for devices and for services.

  --config <file>        JSON with the options of iotHub(), or a module: options as default export,
                         and a function setup(simulator) to prepare it, with faults for example
  --device <id>          a device; may be given several times. Default, without --config: device1
  --mqtt-port <number>   default 8883
  --amqp-port <number>   default 5671
  --https-port <number>  HTTPS and WebSockets. Default 443, which may need rights; 0 is any free port
  --blob-port <number>   where file uploads go. Default: any free one
  --ca-file <file>       writes the certificate to trust there (for NODE_EXTRA_CA_CERTS, mosquitto's --cafile, ...)
  --help
`;

const port = (name: string, value: string | undefined): number | undefined => {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new TypeError(`--${name} must be a port number, got "${value}"`);
  return Number(value);
};

/** `holdfast-simulators iot-hub`. */
export const iotHubCommand: Command = {
  usage,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        device: { type: "string", multiple: true },
        "mqtt-port": { type: "string" },
        "amqp-port": { type: "string" },
        "https-port": { type: "string" },
        "blob-port": { type: "string" },
        "ca-file": { type: "string" },
      },
    });
    const { options, setup } = await readConfiguration<IotHubOptions, IotHubSimulator>(values.config);
    const named = values.device ?? (values.config === undefined ? ["device1"] : []);
    const devices = [...(options.devices ?? []), ...named];
    const simulator = await iotHub({
      // With the standard ports this is all that a client must know.
      hostName: "localhost",
      ...options,
      devices,
      ports: {
        mqtt: port("mqtt-port", values["mqtt-port"]) ?? options.ports?.mqtt ?? 8883,
        amqp: port("amqp-port", values["amqp-port"]) ?? options.ports?.amqp ?? 5671,
        https: port("https-port", values["https-port"]) ?? options.ports?.https ?? 443,
        blob: port("blob-port", values["blob-port"]) ?? options.ports?.blob ?? 0,
      },
    });
    await setup?.(simulator);
    if (values["ca-file"] !== undefined) await writeFile(values["ca-file"], simulator.ca);
    const { port: mqtt, amqpPort, httpsPort, blobPort } = simulator;
    const over = mqtt === 8883 && amqpPort === 5671 && httpsPort === 443 ? "web-socket" : "tcp";
    return {
      lines: [
        ...devices.map((device) => {
          const { deviceId, moduleId } = typeof device === "string" ? { deviceId: device } : device;
          const name = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`;
          return `device ${name}: ${simulator.deviceConnectionString(deviceId, moduleId, over)}`;
        }),
        `service: ${simulator.serviceConnectionString(undefined, over)}`,
        `ports: MQTT ${String(mqtt)}, AMQP ${String(amqpPort)}, HTTPS ${String(httpsPort)}, blobs ${String(blobPort)}`,
        values["ca-file"] === undefined
          ? "certificate: --ca-file <file> writes it"
          : `certificate: ${values["ca-file"]}`,
      ],
      close: () => simulator.close(),
    };
  },
};
