import {
  HubConnectionBuilder,
  LogLevel,
  type HubConnection,
  type SignalREventListener,
} from "@holdfast/signalr";

/** A job that the hub hands out. */
export interface Job {
  readonly id: number;
}

/**
 * A worker that listens to a hub. It joins its group after every connection, and reports each job until the report is
 * answered: `Done` is declared idempotent, so it may arrive twice and never not at all.
 */
export function worker(
  url: string,
  work: (job: Job) => Promise<void>,
  onEvent: SignalREventListener = () => undefined,
): HubConnection {
  const connection = new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(url)
    .withResilience({
      ...{ whileDown: "queue", idempotent: ["Done"], waitTimeoutMs: Infinity, onEvent },
      rejoin: (hub) => hub.invoke("Join", "workers"),
    })
    .build();
  connection.on("Job", async (job: Job) => {
    await work(job);
    await connection.invoke("Done", job.id);
  });
  return connection;
}
