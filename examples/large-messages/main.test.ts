import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

it("sends a document by reference and in chunks, gets it back whole, and leaves no file behind", async () => {
  const { SERVICEBUS_CONNECTION_STRING: _namespace, CLAIM_CHECK_FOLDER: _folder, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--conditions=source", main],
    { env },
  );
  expect(stdout).toContain("claim check: 1 file in the folder");
  expect(stdout).toContain("claim-check: 1000000 bytes, the same");
  expect(stdout).toContain("chunks: 1000000 bytes, the same");
  expect(stdout).toContain("afterwards: 0 files in the folder");
});
