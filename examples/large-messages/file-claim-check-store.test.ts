import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FileClaimCheckStore } from "./file-claim-check-store.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "claim-checks-"));
});
afterEach(() => rm(folder, { recursive: true }));

const meta = { messageId: "a", sha256: "0".repeat(64), contentType: undefined, expiresAt: undefined };

it("gives back what was put, from another process too, and keeps the same message once", async () => {
  const content = Buffer.from([0, 1, 255]);
  const reference = await new FileClaimCheckStore(folder).put(content, meta);
  expect(await new FileClaimCheckStore(folder).put(content, meta)).toBe(reference);
  expect(await readdir(folder)).toEqual([reference]);
  const store = new FileClaimCheckStore(folder);
  expect(await store.get(reference)).toEqual(content);
  await store.delete(reference);
  await store.delete(reference);
  await expect(store.get(reference)).rejects.toMatchObject({ code: "ENOENT" });
});

it("reads nothing outside of its folder", async () => {
  const store = new FileClaimCheckStore(folder);
  for (const reference of ["../secret", "/etc/hostname", "", "a/b"]) {
    await expect(store.get(reference)).rejects.toThrow("no reference");
  }
});
