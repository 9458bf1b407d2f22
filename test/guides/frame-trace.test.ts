import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { queue } from "./scenarios.ts";

const program = `
  import { ServiceBusClient } from "@holdfast/service-bus";
  const [, connectionString, queue] = process.argv;
  const client = new ServiceBusClient(connectionString);
  await client.createSender(queue).sendMessages({ body: 1 });
  await client.close();
`;

it("SBC-002 the official client's trace of frames works as ever, by the environment variable DEBUG", async () => {
  await using bus = await serviceBus({ queues: [queue] });
  const args = ["--import", "tsx", "--conditions=source", "--input-type=module", "-e", program];
  const { stderr } = await promisify(execFile)(process.execPath, [...args, bus.connectionString, queue], {
    env: { ...process.env, DEBUG: "rhea*,-rhea:raw,-rhea:message" },
  });
  for (const performative of ["open", "begin", "attach", "transfer", "disposition", "close"])
    expect(stderr).toMatch(new RegExp(String.raw`rhea:frames.*\b${performative}#`));
});
