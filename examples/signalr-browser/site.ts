import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { signalr, type HubCall, type SignalRSimulator } from "@holdfast/simulators/signalr";

/** The page, its hub that ticks, and the servers behind it. */
export interface Site extends AsyncDisposable {
  readonly sim: SignalRSimulator;
  readonly url: string;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** @param everyMs - between two ticks; default 500 */
export async function site({ everyMs = 500, port = 0 } = {}): Promise<Site> {
  const { outputFiles } = await build({
    ...{ entryPoints: [here("page.ts")], bundle: true, minify: true, write: false, format: "esm" },
    ...{ platform: "browser", target: "es2022", conditions: ["browser-source", "source"] },
  });
  const [script] = outputFiles;
  const page = await readFile(here("page.html"), "utf8");
  const sim = await signalr({ hubs: ["ticker"], port, exposedHeaders: ["Retry-After"] });
  const hub = sim.hub("ticker").on("Join", ({ groups, connectionId }: HubCall, group: string) => {
    groups.add(connectionId, group);
  });
  const serve = (path: string, type: string, body: string): void => {
    sim.app.route("GET", path, () => ({ body, headers: { "content-type": `${type}; charset=utf-8` } }));
  };
  serve("/page.js", "text/javascript", script?.text ?? "");
  serve("/page", "text/html", page);
  let ticks = 0;
  const timer = setInterval(() => {
    hub.clients.group("page").send("Tick", (ticks += 1));
  }, everyMs);
  return {
    ...{ sim, url: `${sim.app.origin}/page` },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await sim.close();
    },
  };
}
