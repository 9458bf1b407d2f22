/// <reference lib="dom" />
import { HubConnectionBuilder, LogLevel, type SignalREvent } from "@holdfast/signalr";

const find = (id: string): HTMLElement => {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}.`);
  return element;
};
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

let attempts = 0;
let messages = 0;
let downSince: number | undefined;
let wait: { readonly from: number; readonly ms: number } | undefined;

const connection = new HubConnectionBuilder()
  .configureLogging(LogLevel.None)
  .withUrl("/ticker")
  .withResilience({ onEvent: show, rejoin: (hub) => hub.invoke("Join", "page") })
  .build();

connection.on("Tick", (number: number) => {
  messages += 1;
  write("messages", `tick ${String(number)}`);
});

function show(event: SignalREvent): void {
  const now = performance.now();
  switch (event.type) {
    case "disconnected":
      downSince ??= now;
      attempts = 0;
      wait = { from: now, ms: event.waitMs ?? 0 };
      write("events", `lost: ${event.fault?.id ?? "planned"}`, "down");
      break;
    case "retry": {
      attempts = event.attempt;
      wait = { from: now, ms: event.waitMs };
      const { id, code } = event.fault;
      write(
        "events",
        `attempt ${String(event.attempt)} failed: ${id}${code === undefined ? "" : ` (${code})`}`,
      );
      break;
    }
    case "recovered":
    case "reconnected":
      write(
        "events",
        `back after ${seconds(event.type === "recovered" ? event.elapsedMs : event.downMs)}`,
        "up",
      );
      downSince = undefined;
      wait = undefined;
      break;
    default:
      write("events", event.type);
  }
}

function write(list: "events" | "messages", text: string, kind = ""): void {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString("en-GB");
  item.className = kind;
  item.append(time, text);
  find(list).prepend(item);
}

function draw(): void {
  const now = performance.now();
  const leftMs = wait === undefined ? 0 : Math.max(0, wait.from + wait.ms - now);
  document.querySelector("main")?.setAttribute("data-state", connection.state);
  find("state").textContent = connection.state;
  find("attempts").textContent = String(attempts);
  find("count").textContent = String(messages);
  find("delay").textContent = leftMs > 0 ? seconds(leftMs) : "–";
  find("down").textContent = downSince === undefined ? "–" : seconds(now - downSince);
  find("wait-bar").style.width = wait === undefined ? "0" : `${String((leftMs / wait.ms) * 100)}%`;
  requestAnimationFrame(draw);
}

draw();
await connection.start();
write("events", "connected", "up");
