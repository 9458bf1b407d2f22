import { Agent } from "node:https";
import type { FaultScript } from "../faults/fault-script.ts";
import type { DropKind } from "../faults/socket-faults.ts";
import { makeCertificate, type Certificate } from "../sockets/certificate.ts";
import type { Listener } from "../sockets/listener.ts";
import { started } from "../sockets/started.ts";
import { DeviceControl } from "./device-control.ts";
import { hubListener, overTcp } from "./endpoint.ts";
import type { IotHubFaults } from "./faults.ts";
import { HttpsEndpoint } from "./http/server.ts";
import { blobRoutes } from "./http/blobs.ts";
import { configurationRoutes } from "./http/configurations.ts";
import { deviceMessageRoutes } from "./http/device-messages.ts";
import { fileUploadRoutes } from "./http/file-uploads.ts";
import { jobRoutes } from "./http/jobs.ts";
import { queryRoutes } from "./http/queries.ts";
import { bulkRoutes } from "./http/registry-bulk.ts";
import { registryRoutes } from "./http/registry.ts";
import { twinRoutes } from "./http/twins.ts";
import { Hub } from "./hub.ts";
import { identityKey } from "./identity.ts";
import { IotHubJournal } from "./journal.ts";
import { webSocketUpgrade } from "./web-socket.ts";
import type { StoredBlob } from "./uploads.ts";
import { iotHubSettings, type IdentityOptions, type IotHubOptions } from "./options.ts";

/** A simulated IoT hub. Start one with {@link iotHub}. */
export class IotHubSimulator {
  /** What goes wrong, where and when. */
  readonly faults: FaultScript<IotHubFaults>;
  /** What the hub saw and did. */
  readonly journal: IotHubJournal;
  /** The certificate to trust, in PEM: for the device client's `setOptions({ ca })`. */
  readonly ca: string;
  readonly #hub: Hub;
  readonly #listeners: Record<"mqtt" | "amqp" | "https" | "blob", Listener>;
  #closed = false;
  #interruptOutage = (): void => undefined;

  /** @internal Use {@link iotHub}. */
  constructor(hub: Hub, certificate: Certificate) {
    const { ports } = hub.settings;
    this.#hub = hub;
    this.faults = hub.faults;
    this.journal = new IotHubJournal(hub.ledgers);
    this.ca = certificate.cert;
    const https = new HttpsEndpoint(
      hub,
      [
        ...[...deviceMessageRoutes, ...fileUploadRoutes, ...registryRoutes, ...bulkRoutes, ...twinRoutes],
        ...[...queryRoutes, ...jobRoutes, ...configurationRoutes],
      ],
      webSocketUpgrade(hub),
    );
    const blob = new HttpsEndpoint(hub, blobRoutes);
    const blobFaults = { meetsFaults: false };
    this.#listeners = {
      mqtt: hubListener(hub, ports.mqtt, certificate, overTcp(hub)),
      amqp: hubListener(hub, ports.amqp, certificate, overTcp(hub)),
      https: hubListener(hub, ports.https, certificate, (accepted) => {
        https.accept(accepted);
      }),
      blob: hubListener(
        hub,
        ports.blob,
        certificate,
        (accepted) => {
          blob.accept(accepted);
        },
        blobFaults,
      ),
    };
  }

  /** What the hub calls itself: the `HostName` of connection strings, the audience of tokens. */
  get hostName(): string {
    return this.#hub.settings.hostName;
  }

  /** The port of MQTT over TLS (AMQP is understood there too). It stays the same over {@link stop} and {@link start}. */
  get port(): number {
    return this.#listeners.mqtt.port;
  }

  /**
   * For the official device clients. `HostName` is the hub's own name, `GatewayHostName` says where it listens.
   * @param moduleId - for a module
   * @param over - `web-socket`: without `GatewayHostName`, as the official clients append a port of their own there;
   * {@link agent} leads them here. Default `tcp`, right for MQTT, AMQP and HTTPS.
   */
  deviceConnectionString(deviceId: string, moduleId?: string, over: "tcp" | "web-socket" = "tcp"): string {
    const { authentication } = this.#hub.identity(identityKey(deviceId, moduleId));
    const here = `localhost:${String(this.port)}`;
    const isX509 = authentication.type !== "sas";
    return [
      // With X.509 the official client takes no notice of a gateway.
      `HostName=${isX509 && over === "tcp" ? here : this.hostName}`,
      `DeviceId=${deviceId}`,
      ...(moduleId === undefined ? [] : [`ModuleId=${moduleId}`]),
      isX509 ? "x509=true" : `SharedAccessKey=${authentication.primaryKey}`,
      ...(isX509 || over === "web-socket" ? [] : [`GatewayHostName=${here}`]),
    ].join(";");
  }

  /** The port of AMQP over TLS (MQTT is understood there too). */
  get amqpPort(): number {
    return this.#listeners.amqp.port;
  }

  /** The port of HTTPS and of WebSockets. */
  get httpsPort(): number {
    return this.#listeners.https.port;
  }

  /** The port of the blob endpoint, where file uploads go; devices are told. */
  get blobPort(): number {
    return this.#listeners.blob.port;
  }

  /** The files that devices have uploaded whole; names are `device/blob`. */
  get blobs(): readonly StoredBlob[] {
    return this.#hub.uploads.blobs;
  }

  /**
   * An agent that leads HTTPS and WebSocket requests here, whatever host and port they name: the official clients
   * always ask for port 443. For the device client's options `http.agent`, `mqtt.webSocketAgent`, `amqp.webSocketAgent`.
   */
  agent(): Agent {
    return new Agent({
      host: "127.0.0.1",
      port: this.httpsPort,
      ca: this.ca,
      servername: "localhost",
    });
  }

  /**
   * For `azure-iothub`: AMQP goes to the port in the host name; its HTTPS needs {@link agent} or port 443.
   * @param policy - name of a shared access policy. Default `iothubowner`.
   * @param over - `web-socket`: without a port, see {@link deviceConnectionString}. Default `tcp`.
   */
  serviceConnectionString(policy = "iothubowner", over: "tcp" | "web-socket" = "tcp"): string {
    const found = this.#hub.settings.policies.find(({ name }) => name === policy);
    if (found === undefined) throw new RangeError(`serviceConnectionString: there is no policy "${policy}"`);
    const host = over === "tcp" ? `localhost:${String(this.port)}` : this.hostName;
    return `HostName=${host};SharedAccessKeyName=${policy};SharedAccessKey=${found.key}`;
  }

  /**
   * For Event Hubs clients, to read what devices send, over AMQP and TLS.
   * @param policy - default `iothubowner`; it needs the right ServiceConnect
   */
  eventHubConnectionString(policy = "iothubowner"): string {
    const { policies, eventHub } = this.#hub.settings;
    const found = policies.find(({ name }) => name === policy);
    if (found === undefined) throw new RangeError(`eventHubConnectionString: there is no policy "${policy}"`);
    const endpoint = `sb://localhost:${String(this.amqpPort)}/`;
    return `Endpoint=${endpoint};SharedAccessKeyName=${policy};SharedAccessKey=${found.key};EntityPath=${eventHub.name}`;
  }

  /** A device or module, to look into and to act upon. @throws an error with `error.code` 404001 when it is not registered */
  device(deviceId: string, moduleId?: string): DeviceControl {
    return new DeviceControl(this.#hub, identityKey(deviceId, moduleId));
  }

  /** Registers a device or module. @throws an error with `error.code` 409001 when there is one */
  register(identity: string | IdentityOptions): DeviceControl {
    const options = typeof identity === "string" ? { deviceId: identity } : identity;
    return new DeviceControl(this.#hub, this.#hub.register(options).key);
  }

  /** Takes a device and its modules, or one module, out of the registry and ends their connections. */
  unregister(deviceId: string, moduleId?: string): void {
    this.#hub.unregister(identityKey(deviceId, moduleId));
  }

  /** Stops listening and resets every live socket: connections are refused. Sessions, queues, twins and journal stay. */
  async stop(): Promise<void> {
    this.dropConnections({ how: "reset" });
    await Promise.all(Object.values(this.#listeners).map((listener) => listener.close()));
  }

  /** Listens again, on the same ports. Harmless when it does already. */
  async start(): Promise<void> {
    if (this.#closed) throw new Error("IotHubSimulator: it is closed and cannot start again");
    await Promise.all(Object.values(this.#listeners).map((listener) => listener.open()));
    this.#hub.uploads.blobHost = `localhost:${String(this.blobPort)}`;
  }

  /** Stops, waits and starts again with all its state: an outage. @param downMs - default 0 */
  async restart({ downMs = 0 }: { downMs?: number } = {}): Promise<void> {
    await this.stop();
    await new Promise<void>((resolve) => {
      const cancel = this.#hub.clock.after(downMs, resolve);
      this.#interruptOutage = () => {
        cancel();
        resolve();
      };
    });
    if (!this.#closed) await this.start();
  }

  /** Refuses further connections; the live ones stay. {@link start} ends it. */
  async refuseConnections(): Promise<void> {
    await Promise.all(Object.values(this.#listeners).map((listener) => listener.refuse()));
  }

  /** Drops every live connection without a word of its protocol. @param how - default `reset` */
  dropConnections({ how = "reset" }: { how?: DropKind } = {}): void {
    for (const connection of [...this.#hub.connections]) connection.drop(how, "dropped by the test");
  }

  /** Half-opens every live connection: nothing is read, written or closed on it any more. */
  freeze(): void {
    for (const connection of [...this.#hub.connections]) connection.goSilent();
  }

  /** Forgets every MQTT session, as after a failover without state. */
  forgetSessions(): void {
    this.#hub.sessions.clear();
  }

  /** Ends everything: sockets, listeners, timers. A process can exit by itself afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#interruptOutage();
    await this.stop();
    this.#hub.timers.cancelAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Starts a simulated IoT hub on real sockets of 127.0.0.1.
 * @throws TypeError or RangeError, naming the option, its value and what is allowed
 */
export async function iotHub(options: IotHubOptions = {}): Promise<IotHubSimulator> {
  const settings = iotHubSettings(options);
  const certificate = settings.certificate ?? (await makeCertificate());
  return started(new IotHubSimulator(new Hub(settings), certificate));
}
