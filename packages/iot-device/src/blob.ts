import { request, type Agent } from "node:https";
import type { Readable } from "node:stream";

/** Where the hub lets a device put a file: what the official `getBlobSharedAccessSignature` answers with. */
export interface UploadTarget {
  readonly correlationId: string;
  readonly hostName: string;
  readonly containerName: string;
  readonly blobName: string;
  /** Begins with a question mark. */
  readonly sasToken: string;
}

/** As the official uploader: a block that failed is sent again from memory, and more would be memory for little. */
const blockBytes = 4 * 1024 * 1024;

const storageVersion = "2021-08-06";

/** Cuts a stream into blocks, each of which can be sent more than once. */
export async function* blocksOf(stream: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    const part = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    parts.push(part);
    size += part.length;
    while (size >= blockBytes) {
      const whole = Buffer.concat(parts);
      yield whole.subarray(0, blockBytes);
      parts = [whole.subarray(blockBytes)];
      size -= blockBytes;
    }
  }
  if (size > 0) yield Buffer.concat(parts);
}

/** The name of a block; all of a file's must be equally long (Put Block, `blockid`). */
export function blockId(index: number): string {
  return Buffer.from(String(index).padStart(6, "0")).toString("base64");
}

/** Sends one block (Put Block). */
export function putBlock(target: UploadTarget, id: string, block: Buffer, way: BlobWay): Promise<number> {
  return put(target, `&comp=block&blockid=${encodeURIComponent(id)}`, block, way);
}

/** Makes a file of the blocks (Put Block List). */
export function putBlockList(target: UploadTarget, ids: readonly string[], way: BlobWay): Promise<number> {
  const list = ids.map((id) => `<Latest>${id}</Latest>`).join("");
  const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`);
  return put(target, "&comp=blocklist", body, way);
}

/** How to get to the storage. */
export interface BlobWay {
  readonly agent: Agent | undefined;
  readonly signal: AbortSignal;
}

function put(target: UploadTarget, query: string, body: Buffer, way: BlobWay): Promise<number> {
  const { hostName, containerName, blobName, sasToken } = target;
  const path = blobName.split("/").map(encodeURIComponent).join("/");
  return new Promise((resolve, reject) => {
    const sent = request(
      `https://${hostName}/${containerName}/${path}${sasToken}${query}`,
      {
        method: "PUT",
        headers: { "content-length": body.length, "x-ms-version": storageVersion },
        signal: way.signal,
        ...(way.agent && { agent: way.agent }),
      },
      (response) => {
        const { statusCode = 0, headers } = response;
        response.resume();
        response.on("error", reject);
        response.on("end", () => {
          if (statusCode >= 200 && statusCode < 300) resolve(statusCode);
          else {
            const text = `The storage answered ${String(statusCode)} to the upload of ${blobName}.`;
            reject(Object.assign(new Error(text), { name: "BlobUploadError", statusCode, headers }));
          }
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
