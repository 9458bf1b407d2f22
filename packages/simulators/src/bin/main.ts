#!/usr/bin/env node
import { parseArgs } from "node:util";
import { commands, sharedOptions, type Running } from "./command.ts";
import { controlJson } from "./control-json.ts";
import { ControlServer } from "./control-server.ts";
import { portNumber } from "./port.ts";

const names = Object.keys(commands).join(", ");
const usage = `Usage: holdfast-simulators <simulator> [options]

Simulators: ${names}
holdfast-simulators <simulator> --help lists the options of one.
`;

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === "--help" || name === "-h") {
    process.stdout.write(usage);
    return;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) throw new TypeError(`unknown simulator "${name}"; the simulators are ${names}`);
  const command = await load();
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(command.usage);
    return;
  }
  // The command itself refuses what it does not know.
  const { values } = parseArgs({ args, options: sharedOptions, strict: false });
  const controlPort = portNumber("control-port", values["control-port"] as string | undefined);
  const running = await command.run(args);
  const addresses = { simulator: name, ...running.addresses };
  const control = controlPort === undefined ? undefined : new ControlServer(running.controls, addresses);
  const url = await control?.listen(controlPort ?? 0).catch(async (error: unknown) => {
    await running.close();
    throw error;
  });
  endOnSignal(running, control);
  if (values.json === true) process.stdout.write(`${controlJson({ ...addresses, control: url })}\n`);
  else {
    const lines = [...running.lines, ...(url === undefined ? [] : [`control: ${url}`]), "Ctrl+C ends it."];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
}

function endOnSignal(running: Running, control: ControlServer | undefined): void {
  const end = (): void => {
    Promise.all([running.close(), control?.close()]).catch(fail);
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
}

function fail(error: unknown): void {
  process.stderr.write(`holdfast-simulators: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  fail(error);
  // What was opened before it failed, in a configuration's setup() for example, must not keep the process.
  process.exit();
});
