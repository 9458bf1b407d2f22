import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { demonstrate as callMethods } from "./methods.ts";
import { demonstrate as uploadFiles } from "./uploads.ts";

it("answers each method, also one that fails or that nobody knows, and again after a reset", async () => {
  expect(await callMethods()).toEqual([200, 500, 501, 200]);
});

it("brings every file to the hub, and tells it of each, although the storage was unavailable", async () => {
  const files = ["methods.ts", "uploads.ts"].map((name) => fileURLToPath(new URL(name, import.meta.url)));
  expect((await uploadFiles(files)).sort()).toEqual(["camera/methods.ts", "camera/uploads.ts"]);
});
