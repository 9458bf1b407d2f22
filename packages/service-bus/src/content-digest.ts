/** SHA-256 in lower-case hexadecimal, computed off the main thread. */
export async function sha256(content: Uint8Array | string): Promise<string> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  // What is shared between threads cannot be hashed in place.
  const own =
    bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
  return Buffer.from(await crypto.subtle.digest("SHA-256", own)).toString("hex");
}
