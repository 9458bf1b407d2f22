import { createRequire } from "node:module";
import {
  redactOfficialLog,
  ServiceBusAdministrationClient,
  ServiceBusClient,
  type OfficialLog,
} from "@holdfast/service-bus";
import { refuseAdmin, refuseToken, serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";

// The official client is CommonJS, and its log that copy's, also in a program of ES modules.
const require = createRequire(import.meta.url);
const { AzureLogger, getLogLevel, setLogLevel } = createRequire(require.resolve("@azure/service-bus"))(
  "@azure/logger",
) as {
  AzureLogger: OfficialLog;
  getLogLevel(): string | undefined;
  setLogLevel(level: string | undefined): void;
};

it("SBC-001 keeps keys, signatures and tokens out of the official log at its lowest level, and puts the log back", async () => {
  await using bus = await serviceBus({ queues: ["orders"], tls: true });
  const { connectionString, ca } = bus.tls!;
  const key = /SharedAccessKey=([^;]+)/.exec(connectionString)![1]!;
  const lines: string[] = [];
  const [level, former] = [getLogLevel(), AzureLogger.log];
  const sink = (...args: unknown[]): void => void lines.push(args.join(" "));
  AzureLogger.log = sink;
  const restore = redactOfficialLog(AzureLogger);
  setLogLevel("verbose");
  const leak = `refused: SharedAccessKey=${key}; sig=c2lnbmF0dXJl&se=1`;
  bus.faults.next("cbs", refuseToken({ description: leak }), { times: 1 });
  bus.faults.next("admin", refuseAdmin({ status: 400, detail: leak }));
  const options = { tlsOptions: { ca } };
  await using client = new ServiceBusClient(connectionString);
  await client
    .createSender("orders")
    .sendMessages({ body: 1 })
    .catch(() => undefined);
  await new ServiceBusAdministrationClient(connectionString, options)
    .getQueue("orders")
    .catch(() => undefined);
  await new ServiceBusAdministrationClient(connectionString, options).getQueue("orders");
  setLogLevel(level);
  const said = lines.join("\n");
  expect(said).toContain("refused: ");
  expect(said).toContain("<redacted>");
  expect(said).not.toContain(key);
  expect(said).not.toMatch(/sig=(?!<redacted>)/);
  restore();
  expect(AzureLogger.log).toBe(sink);
  AzureLogger.log = former;
});
