import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

const page = (from: string, more = ""): string => `
  import { HubConnectionBuilder } from "${from}";
  const connection = new HubConnectionBuilder().withUrl("/chat")${more}.build();
  connection.start();
`;

/** What a page loads, minified: the bytes, compressed, and every module in it. */
async function bundle(contents: string): Promise<{ readonly bytes: number; readonly modules: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    ...{ bundle: true, minify: true, write: false, metafile: true, format: "esm", platform: "browser" },
    // Sources in place of builds, and the packages' own choice for browsers.
    conditions: ["browser-source", "source", "browser"],
    logLevel: "silent",
  });
  const [output] = Object.values(metafile.outputs);
  const modules = Object.entries(output!.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { bytes: gzipSync(outputFiles[0]!.contents).length, modules: modules.map(([path]) => path) };
}

it("adds no more than 12 kB to a page, and nothing of Node", async () => {
  const official = await bundle(page("@microsoft/signalr"));
  const ours = await bundle(page("@holdfast/signalr", ".withResilience({ whileDown: 'wait' })"));
  const added = ours.bytes - official.bytes;
  console.log(
    `browser bundle, gzip: official ${String(official.bytes)} B, ours ${String(ours.bytes)} B, added ${String(added)} B`,
  );
  expect(added).toBeLessThanOrEqual(12_000);
  expect(added).toBeGreaterThan(1_000);
  expect(
    ours.modules.filter((path) =>
      /\/(?:fault-texts|option-checks)|p-retry|node:|core\/src\/(?:run|call|gate|policy|budget|breaker|renewer|agenda|lane|credit-window|token-source|retry-hint|secrets)\.ts/.test(
        path,
      ),
    ),
  ).toEqual([]);
});
