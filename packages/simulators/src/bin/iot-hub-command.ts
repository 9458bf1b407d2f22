import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as iot from "../iot-hub/index.ts";
import { sharedOptions, sharedUsage, type Command } from "./command.ts";
import { readConfiguration } from "./configuration.ts";
import type { Controls, Target } from "./controls.ts";
import { portNumber } from "./port.ts";

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
${sharedUsage}`;

const { acceptThenClose, blackHole, halfOpen, resetConnection } = iot;
const { delayAcknowledgement, dropConnection, forceConnectionClose, forceDetach, ignore } = iot;
const { duplicate, forgetSession, loseAcknowledgement, malformed, refuse, refuseConnection, throttled } = iot;

function controls(hub: iot.IotHubSimulator): Controls {
  return {
    journal: hub.journal,
    faults: hub.faults,
    faultNames: {
      ...{ acceptThenClose, blackHole, delayAcknowledgement, dropConnection, duplicate },
      ...{ forceConnectionClose, forceDetach, forgetSession, halfOpen, ignore, loseAcknowledgement },
      ...{ malformed, refuse, refuseConnection, resetConnection, throttled },
    },
    target: ([kind, deviceId, modules, moduleId]): Target | undefined => {
      if (kind === undefined) {
        const life = ["stop", "start", "restart", "refuseConnections", "dropConnections", "freeze"];
        return { subject: hub, shows: [], does: [...life, "forgetSessions", "register", "unregister"] };
      }
      if (kind !== "devices" || deviceId === undefined) return undefined;
      if (modules !== undefined && (modules !== "modules" || moduleId === undefined)) return undefined;
      return {
        subject: hub.device(deviceId, moduleId),
        shows: [
          ...["isConnected", "takesMethods", "takesDesired", "queueDepth"],
          ...["desired", "reported", "authentication"],
        ],
        does: [
          ...["send", "invoke", "updateDesired", "disable", "enable"],
          ...["drop", "expireToken", "forgetSession", "purgeQueue"],
        ],
      };
    },
  };
}

/** `holdfast-simulators iot-hub`. */
export const iotHubCommand: Command = {
  usage,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...sharedOptions,
        device: { type: "string", multiple: true },
        "mqtt-port": { type: "string" },
        "amqp-port": { type: "string" },
        "https-port": { type: "string" },
        "blob-port": { type: "string" },
        "ca-file": { type: "string" },
      },
    });
    const { options, setup } = await readConfiguration<iot.IotHubOptions, iot.IotHubSimulator>(values.config);
    const named = values.device ?? (values.config === undefined ? ["device1"] : []);
    const devices = [...(options.devices ?? []), ...named];
    const simulator = await iot.iotHub({
      // With the standard ports this is all that a client must know.
      hostName: "localhost",
      ...options,
      devices,
      ports: {
        mqtt: portNumber("mqtt-port", values["mqtt-port"]) ?? options.ports?.mqtt ?? 8883,
        amqp: portNumber("amqp-port", values["amqp-port"]) ?? options.ports?.amqp ?? 5671,
        https: portNumber("https-port", values["https-port"]) ?? options.ports?.https ?? 443,
        blob: portNumber("blob-port", values["blob-port"]) ?? options.ports?.blob ?? 0,
      },
    });
    await setup?.(simulator);
    if (values["ca-file"] !== undefined) await writeFile(values["ca-file"], simulator.ca);
    const { port: mqtt, amqpPort, httpsPort, blobPort } = simulator;
    const over = mqtt === 8883 && amqpPort === 5671 && httpsPort === 443 ? "web-socket" : "tcp";
    const connectionStrings = Object.fromEntries(
      devices.map((device) => {
        const { deviceId, moduleId } = typeof device === "string" ? { deviceId: device } : device;
        const name = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`;
        return [name, simulator.deviceConnectionString(deviceId, moduleId, over)];
      }),
    );
    const service = simulator.serviceConnectionString(undefined, over);
    return {
      addresses: {
        hostName: simulator.hostName,
        ports: { mqtt, amqp: amqpPort, https: httpsPort, blob: blobPort },
        devices: connectionStrings,
        service,
        eventHub: simulator.eventHubConnectionString(),
        caFile: values["ca-file"],
        ca: simulator.ca,
      },
      controls: controls(simulator),
      lines: [
        ...Object.entries(connectionStrings).map(([name, text]) => `device ${name}: ${text}`),
        `service: ${service}`,
        `events: ${simulator.eventHubConnectionString()}`,
        `ports: MQTT ${String(mqtt)}, AMQP ${String(amqpPort)}, HTTPS ${String(httpsPort)}, blobs ${String(blobPort)}`,
        values["ca-file"] === undefined
          ? "certificate: --ca-file <file> writes it"
          : `certificate: ${values["ca-file"]}`,
      ],
      close: () => simulator.close(),
    };
  },
};
