import process from "node:process";
import { iotHub } from "@holdfast/simulators/iot-hub";

// The hub in a process of its own, so that the clients do not share its processor time.
const names = process.argv.slice(2);
const hub = await iotHub({ devices: names });
process.send?.({
  ca: hub.ca,
  connectionStrings: names.map((name) => hub.deviceConnectionString(name)),
});
process.on("message", (order: "forget" | { readonly downMs: number }) => {
  // Thousands of messages a second would fill the memory.
  if (order === "forget") hub.journal.clear();
  else {
    const from = performance.now();
    void hub.restart(order).then(() => process.send?.({ downSinceMs: performance.now() - from }));
  }
});
process.on("disconnect", () => process.exit());
