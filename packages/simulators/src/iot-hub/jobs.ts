import type { Hub } from "./hub.ts";
import { hubErrors } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";
import type { Identity } from "./identity.ts";
import { parseQuery } from "./query/query.ts";
import { isObject, merged, type JsonObject } from "./twin.ts";
import { describeTwin } from "./twin-description.ts";
import { updateDesired } from "./twin-operations.ts";

type JobStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

/** A scheduled job. */
interface Job {
  readonly description: JsonObject;
  readonly createdAt: string;
  readonly startTime: string;
  readonly devices: JsonObject[];
  status: JobStatus;
  endTime: string | undefined;
  cancel(): void;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Twin updates and method calls on many devices, at a time. https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-jobs */
export class Jobs {
  readonly #hub: Hub;
  readonly #jobs = new Map<string, Job>();

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** @throws HubFailure 400, 409 */
  schedule(id: string, description: JsonObject): JsonObject {
    if (this.#jobs.has(id)) throw new HubFailure(hubErrors.jobExists);
    const { type, startTime, queryCondition } = description;
    if (type !== "scheduleUpdateTwin" && type !== "scheduleDeviceMethod") {
      throw new HubFailure(
        hubErrors.argument,
        "The job's type must be scheduleUpdateTwin or scheduleDeviceMethod.",
      );
    }
    const targets = this.#targets(textOf(queryCondition));
    const now = this.#hub.clock.wallNow();
    const start = typeof startTime === "string" ? Date.parse(startTime) : now;
    const job: Job = {
      description: { ...description, jobId: id },
      createdAt: new Date(now).toISOString(),
      startTime: new Date(Number.isNaN(start) ? now : start).toISOString(),
      devices: [],
      status: "queued",
      endTime: undefined,
      cancel: this.#hub.timers.after(Math.max(0, start - now) || 0, () => {
        void this.#run(job, targets());
      }),
    };
    this.#jobs.set(id, job);
    return this.#describe(job);
  }

  /** @throws HubFailure 404 */
  get(id: string): JsonObject {
    return this.#describe(this.#job(id));
  }

  /** @throws HubFailure 404 */
  cancel(id: string): JsonObject {
    const job = this.#job(id);
    if (job.status === "queued" || job.status === "running") {
      job.cancel();
      this.#end(job, "cancelled");
    }
    return this.#describe(job);
  }

  list(): JsonObject[] {
    return [...this.#jobs.values()].map((job) => this.#describe(job));
  }

  /** What each job did to each device: `devices.jobs` of the query language. */
  deviceJobs(): JsonObject[] {
    return [...this.#jobs.values()].flatMap(({ devices }) => devices);
  }

  #job(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new HubFailure(hubErrors.jobNotFound);
    return job;
  }

  /** Checks the condition now, and finds out who meets it when the job begins. */
  #targets(condition: string): () => Identity[] {
    const hub = this.#hub;
    const text = condition.trim() === "*" || condition.trim() === "" ? "" : ` WHERE ${condition}`;
    let query: ReturnType<typeof parseQuery>;
    try {
      query = parseQuery(`SELECT deviceId FROM devices${text}`);
    } catch (error) {
      throw new HubFailure(hubErrors.argument, error instanceof Error ? error.message : undefined);
    }
    return () => {
      const devices = [...hub.identities.values()].filter(({ moduleId }) => moduleId === undefined);
      return query
        .run(devices.map((identity) => describeTwin(hub, identity)))
        .map(({ deviceId }) => hub.identity(textOf(deviceId)));
    };
  }

  async #run(job: Job, targets: readonly Identity[]): Promise<void> {
    job.status = "running";
    const outcomes = await Promise.all(targets.map((identity) => this.#carryOut(job, identity)));
    // Cancelled meanwhile: what has been done stays done.
    if ((job.status as JobStatus) === "running") {
      this.#end(job, outcomes.length > 0 && outcomes.every((isDone) => !isDone) ? "failed" : "completed");
    }
  }

  #end(job: Job, status: JobStatus): void {
    job.status = status;
    job.endTime = new Date(this.#hub.clock.wallNow()).toISOString();
  }

  async #carryOut(job: Job, identity: Identity): Promise<boolean> {
    const { jobId, type } = job.description;
    const entry: JsonObject = {
      deviceId: identity.deviceId,
      jobId,
      jobType: type,
      status: "running",
      createdDateTimeUtc: job.createdAt,
      startTimeUtc: new Date(this.#hub.clock.wallNow()).toISOString(),
    };
    job.devices.push(entry);
    let isDone = true;
    try {
      if (type === "scheduleUpdateTwin") this.#updateTwin(job, identity);
      else entry["outcome"] = { deviceMethodResponse: await this.#callMethod(job, identity) };
    } catch (error) {
      if (!(error instanceof HubFailure)) throw error;
      isDone = false;
      entry["error"] = {
        code: String(error.error.code ?? error.error.name),
        description: error.error.message,
      };
    }
    entry["status"] = isDone ? "completed" : "failed";
    entry["endTimeUtc"] = entry["lastUpdatedDateTimeUtc"] = new Date(this.#hub.clock.wallNow()).toISOString();
    return isDone;
  }

  #updateTwin({ description }: Job, identity: Identity): void {
    const patch = isObject(description["updateTwin"]) ? description["updateTwin"] : {};
    const { tags, properties } = patch;
    if (isObject(tags)) {
      identity.twin.tags = merged(identity.twin.tags, tags);
      identity.twin.touch();
    }
    const desired = isObject(properties) ? properties["desired"] : undefined;
    if (isObject(desired)) updateDesired(this.#hub, identity, desired);
  }

  #callMethod({ description }: Job, identity: Identity): Promise<unknown> {
    const call = isObject(description["cloudToDeviceMethod"]) ? description["cloudToDeviceMethod"] : {};
    const { methodName, payload, responseTimeoutInSeconds: seconds } = call;
    return this.#hub.methods.invoke(identity.key, {
      name: textOf(methodName),
      payload,
      ...(typeof seconds === "number" ? { responseTimeoutMs: seconds * 1_000 } : {}),
    });
  }

  #describe({ description, createdAt, startTime, devices, status, endTime }: Job): JsonObject {
    const count = (wanted: string): number => devices.filter((device) => device["status"] === wanted).length;
    return {
      ...description,
      createdTime: createdAt,
      startTime,
      ...(endTime === undefined ? {} : { endTime }),
      status,
      deviceJobStatistics: {
        deviceCount: devices.length,
        failedCount: count("failed"),
        succeededCount: count("completed"),
        runningCount: count("running"),
        pendingCount: 0,
      },
    };
  }
}
