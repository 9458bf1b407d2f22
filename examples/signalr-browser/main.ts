// npm start -w examples/signalr-browser, then open the address: the servers go down for 8 s every 20 s.
import { setTimeout as sleep } from "node:timers/promises";
import { site } from "./site.ts";

await using one = await site({ port: 8_080 });
console.log(`${one.url} (Ctrl-C ends it)`);
for (;;) {
  await sleep(20_000);
  console.log("the servers go down for 8 s");
  await one.sim.restart({ downMs: 8_000 });
  console.log("they are back");
}
