import { Timers, type SimulatorClock } from "../clock.ts";
import { FaultScript } from "../faults/fault-script.ts";
import type { DropKind } from "../faults/socket-faults.ts";
import { seededRandom } from "../random.ts";
import { CommandQueue } from "./command-queue.ts";
import { DirectMethods } from "./direct-method.ts";
import { EventLog } from "./event-log.ts";
import { assertPossible, type IotHubFaults, type IotHubStep } from "./faults.ts";
import { Feedback } from "./feedback.ts";
import { hubErrors, type HubError } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";
import { authenticationOf, Identity, identityKey } from "./identity.ts";
import { Jobs } from "./jobs.ts";
import { HubLedgers } from "./journal.ts";
import type { DiagnosticEntry, HubProtocol } from "./journal-entries.ts";
import type { MqttSession } from "./mqtt/session.ts";
import type { IdentityOptions, IotHubSettings } from "./options.ts";
import { Presence } from "./presence.ts";
import { HubThrottle } from "./throttle.ts";
import type { JsonObject } from "./twin.ts";
import { Uploads } from "./uploads.ts";

/** A connection of any protocol, as far as an outage concerns it. */
export interface LiveConnection {
  drop(how: DropKind, because: string): void;
  goSilent(): void;
}

/** One simulated hub: its identities, who is connected, its script and its ledgers. All verbs meet here. */
export class Hub {
  readonly settings: IotHubSettings;
  readonly clock: SimulatorClock;
  readonly timers: Timers;
  readonly faults: FaultScript<IotHubFaults>;
  readonly ledgers = new HubLedgers();
  readonly presence = new Presence();
  readonly methods: DirectMethods;
  readonly throttle: HubThrottle;
  readonly feedback: Feedback;
  readonly uploads: Uploads;
  readonly jobs: Jobs;
  readonly events: EventLog;
  /** Automatic device configurations, by id, as services wrote them. */
  readonly configurations = new Map<string, JsonObject>();
  readonly connections = new Set<LiveConnection>();
  readonly identities = new Map<string, Identity>();
  /** MQTT sessions that outlive their connection, by identity. */
  readonly sessions = new Map<string, MqttSession>();
  #nextConnection = 1;
  #nextTelemetry = 1;
  #nextCommand = 1;

  constructor(settings: IotHubSettings) {
    this.settings = settings;
    this.clock = settings.clock;
    this.timers = new Timers(settings.clock);
    this.faults = new FaultScript<IotHubFaults>(seededRandom(settings.seed), assertPossible);
    this.methods = new DirectMethods(this);
    this.throttle = new HubThrottle(settings.throttle, settings.clock);
    this.feedback = new Feedback(settings.clock);
    this.uploads = new Uploads(this);
    this.jobs = new Jobs(this);
    this.events = new EventLog(settings.eventHub.partitions, settings.clock.wallNow());
    for (const options of settings.devices) this.register(options);
  }

  /** Registers a device, or a module and its device if that is new. Replaces nothing. */
  register(options: IdentityOptions): Identity {
    const { deviceId, moduleId } = options;
    if (moduleId !== undefined && !this.identities.has(deviceId)) this.register({ deviceId });
    const key = identityKey(deviceId, moduleId);
    if (this.identities.has(key)) throw new HubFailure(hubErrors.deviceExists);
    const identity = new Identity(
      deviceId,
      moduleId,
      authenticationOf(key, options),
      (owner) => new CommandQueue(this, owner),
    );
    identity.status = options.status ?? "enabled";
    this.identities.set(key, identity);
    return identity;
  }

  /** Takes a device and its modules, or a module, out of the registry, and ends their connections. */
  unregister(key: string): void {
    for (const other of [...this.identities.keys()]) {
      if (other !== key && !other.startsWith(`${key}/`)) continue;
      this.identities.get(other)?.queue?.purge();
      this.identities.delete(other);
      this.sessions.delete(other);
      this.presence.of(other)?.close(hubErrors.deviceNotFound);
    }
  }

  /** @throws HubFailure 404001 or 404010 */
  identity(key: string): Identity {
    const identity = this.identities.get(key);
    if (identity === undefined) {
      throw key.includes("/")
        ? new HubFailure(hubErrors.moduleNotFound)
        : new HubFailure(hubErrors.deviceNotFound, `Device ${key} not registered`);
    }
    return identity;
  }

  nextConnectionId(): number {
    return this.#nextConnection++;
  }

  nextTelemetryNumber(): number {
    return this.#nextTelemetry++;
  }

  nextCommandNumber(): number {
    return this.#nextCommand++;
  }

  /** Asks the script about one event, and writes down when it strikes. */
  fault<Step extends IotHubStep>(step: Step, device?: string): IotHubFaults[Step] | undefined {
    const fault = this.faults.take(step, device);
    if (fault !== undefined) {
      this.ledgers.faults.add({ at: this.clock.now(), step, device, kind: fault.kind });
    }
    return fault;
  }

  /** Writes a row of the diagnostic logs. @param error - absent for information */
  writeLog(
    category: DiagnosticEntry["category"],
    operationName: string,
    device: string,
    error?: Pick<HubError, "code" | "name">,
  ): void {
    this.ledgers.log.add({
      at: this.clock.now(),
      category,
      level: error === undefined ? "Information" : "Error",
      operationName,
      resultType: error === undefined ? "" : String(error.code ?? error.name),
      resultDescription: error?.name ?? "",
      device,
    });
  }

  /** Writes down a refusal. */
  refused(
    step: IotHubStep,
    error: HubError,
    about: { device?: string; connection?: number; protocol: HubProtocol; messageId?: string },
  ): void {
    this.ledgers.refusals.add({
      at: this.clock.now(),
      step,
      device: about.device,
      connection: about.connection,
      protocol: about.protocol,
      code: error.code,
      name: error.name,
      status: error.status,
      ...(about.messageId === undefined ? {} : { messageId: about.messageId }),
    });
  }
}
