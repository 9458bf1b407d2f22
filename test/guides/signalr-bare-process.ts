import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { HubConnectionBuilder, LogLevel, type HubConnection } from "@microsoft/signalr";
import type { BareSignalRJob, BareSignalRReport } from "./signalr-bare.ts";

// The official client with its default options, in a process of its own.
process.on("disconnect", () => process.exit());
process.on("message", (job: BareSignalRJob) => void work(job));

async function work(job: BareSignalRJob): Promise<void> {
  for (let made = 0; made < (job.connections ?? 1); made += 1) await connect(job);
}

async function connect({ url, transport, automaticReconnect, echoEveryMs }: BareSignalRJob): Promise<void> {
  const builder = new HubConnectionBuilder().configureLogging(LogLevel.None);
  if (transport === undefined) builder.withUrl(url);
  else builder.withUrl(url, transport);
  if (automaticReconnect === true) builder.withAutomaticReconnect();
  else if (automaticReconnect !== undefined) builder.withAutomaticReconnect([...automaticReconnect]);
  const connection = builder.build();
  const report = reporter(connection);
  connection.onreconnecting((error) => report("reconnecting", error));
  connection.onreconnected(() => report("reconnected"));
  connection.onclose((error) => report("closed", error));
  try {
    await connection.start();
    report("started");
  } catch (error) {
    report("start-failed", error);
    return;
  }
  if (echoEveryMs !== undefined) void echo(connection, echoEveryMs, report);
}

async function echo(connection: HubConnection, everyMs: number, report: Report): Promise<void> {
  for (;;) {
    await connection.invoke("Echo", 1).then(
      () => report("echoed"),
      (error: unknown) => report("echo-failed", error),
    );
    await sleep(everyMs);
  }
}

type Report = (what: BareSignalRReport["what"], error?: unknown) => void;

function reporter(connection: HubConnection): Report {
  return (what, error) => {
    const { message = "", statusCode = null } = (error ?? {}) as {
      message?: string;
      statusCode?: number | null;
    };
    const report: BareSignalRReport = {
      ...{ what, atMs: performance.now(), state: connection.state },
      ...(error === undefined ? {} : { error: { message, statusCode } }),
    };
    process.send?.(report);
  };
}
