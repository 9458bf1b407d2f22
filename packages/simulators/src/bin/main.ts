#!/usr/bin/env node
import { commands, type Running } from "./command.ts";

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
  const running = await command.run(args);
  endOnSignal(running);
  process.stdout.write(`${running.lines.join("\n")}\nCtrl+C ends it.\n`);
}

function endOnSignal(running: Running): void {
  const end = (): void => {
    running.close().catch(fail);
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
}

function fail(error: unknown): void {
  process.stderr.write(`holdfast-simulators: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch(fail);
