import process from "node:process";
import Table from "cli-table3";
import { total, type Figures } from "./tally.ts";
import type { ServiceName, Variant } from "./work.ts";

/** One client's figures, whether it was cut off with calls still pending, and whether its process ended by itself. */
export type Outcome = Figures & { readonly pending: number; readonly gone: boolean };

/** Both clients in one scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly service: ServiceName;
  readonly outcomes: Readonly<Record<Variant, Outcome>>;
}

const names: Readonly<Record<ServiceName | "all", Readonly<Record<Variant, string>>>> = {
  "service-bus": { bare: "@azure/service-bus", wrapped: "@holdfast/service-bus" },
  "iot-hub": { bare: "azure-iot-device", wrapped: "@holdfast/iot-device" },
  signalr: { bare: "@microsoft/signalr", wrapped: "@holdfast/signalr" },
  all: { bare: "the official clients", wrapped: "Holdfast" },
};

/** The table for people. */
export function table(results: readonly ScenarioResult[], cutMs: number): string {
  const head = ["scenario", "client", "sent", "stored", "lost", "duplicated", "errors seen", "longest stall"];
  const style = process.stdout.isTTY ? { head: ["bold"] } : { head: [], border: [] };
  const lines = new Table({ head, wordWrap: true, colWidths: [32], style });
  const row = (name: string, figures: Figures, pending: number, gone = false): (string | number)[] => [
    name,
    figures.sent,
    figures.stored,
    figures.lost,
    figures.duplicated,
    figures.errors,
    gone
      ? "its process ended"
      : pending > 0
        ? `> ${seconds(cutMs)}, still waiting`
        : seconds(figures.longestStallMs),
  ];
  for (const { title, service, outcomes } of results) {
    lines.push([
      { rowSpan: 2, content: title },
      ...row(names[service].bare, outcomes.bare, outcomes.bare.pending, outcomes.bare.gone),
    ]);
    lines.push(
      row(names[service].wrapped, outcomes.wrapped, outcomes.wrapped.pending, outcomes.wrapped.gone),
    );
  }
  const all = (variant: Variant): Figures => total(results.map(({ outcomes }) => outcomes[variant]));
  const pending = (variant: Variant): number =>
    results.reduce((sum, { outcomes }) => sum + outcomes[variant].pending, 0);
  lines.push([{ rowSpan: 2, content: "all" }, ...row(names.all.bare, all("bare"), pending("bare"))]);
  lines.push(row(names.all.wrapped, all("wrapped"), pending("wrapped")));
  return `${lines.toString()}\nlost: sent, and not at the other end when it was over. A client is cut off when an order has waited for ${seconds(cutMs)}.`;
}

/** The same as one JSON object. */
export function json(results: readonly ScenarioResult[]): string {
  const scenarios = results.map(({ name, outcomes }) => ({
    name,
    bare: figuresOf(outcomes.bare),
    wrapped: figuresOf(outcomes.wrapped),
  }));
  const totals = {
    bare: total(scenarios.map((s) => s.bare)),
    wrapped: total(scenarios.map((s) => s.wrapped)),
  };
  return JSON.stringify({ scenarios, totals });
}

function figuresOf({ sent, stored, lost, duplicated, errors, longestStallMs }: Outcome): Figures {
  return { sent, stored, lost, duplicated, errors, longestStallMs };
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${String(Math.round(ms))} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
