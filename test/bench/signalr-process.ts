import process from "node:process";
import { signalr } from "@holdfast/simulators/signalr";

// The servers in a process of their own, so that the clients do not share their processor time.
const sim = await signalr({ hubs: ["bench"], journalMessages: false });
sim
  .hub("bench")
  .on("Echo", (_, value: unknown) => value)
  .on("Flood", ({ clients }, count: number) => {
    for (let index = 0; index < count; index += 1) clients.caller.send("News", index, "x".repeat(40));
    return count;
  });
process.send?.(sim.url("bench"));
process.on("message", () => {
  sim.journal.clear();
});
process.on("disconnect", () => process.exit());
