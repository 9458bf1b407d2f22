import type { Classify } from "@holdfast/core";
import type { Access } from "./credentials.ts";

// The largest part first; in milliseconds.
const units = [
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
] as const;

/**
 * Says of a refusal when the shared access signature expired that the client was made with. It is the service that refuses: this
 * machine's clock may be wrong, and the caller gets the official error. What has no end to be read is left as it is.
 *
 * @param access - what the client identifies itself with at present.
 */
export function withSignatureExpiry(classify: Classify, access: () => Access): Classify {
  return (error, wallNowMs) => {
    const fault = classify(error, wallNowMs);
    if (fault.kind !== "auth" || fault.service !== "service-bus") return fault;
    const endMs = endOf(access());
    if (endMs === undefined) return fault;
    const end = new Date(endMs).toISOString();
    if (endMs <= wallNowMs) {
      const because = `the shared access signature expired at ${end}, ${spanOf(wallNowMs - endMs)} ago by this machine's clock`;
      return { ...fault, because, remedy };
    }
    if (!/ExpiredToken|token is expired/i.test(textOf(error))) return fault;
    return {
      ...fault,
      because: `the service holds the shared access signature for expired, which by this machine's clock is good until ${end}`,
      remedy: "set this machine's clock, and that of the one that makes the signatures",
    };
  };
}

const remedy =
  "make a new one and give it to updateCredential(); a key or a TokenCredential in its place is renewed by itself";

/** When the signature ends, by the service's clock, in milliseconds of the epoch; undefined for what is none, or a strange one. */
function endOf({ host, credential }: Access): number | undefined {
  const signature =
    credential === undefined
      ? /(?:^|;)\s*SharedAccessSignature\s*=([^;]*)/.exec(host)?.[1]
      : "signature" in credential
        ? credential.signature
        : undefined;
  const seconds = /(?:[?&\s]|^)se=(\d{1,12})(?:&|\s*$)/.exec(signature ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

function spanOf(ms: number): string {
  const [unit, length] = units.find(([, each]) => ms >= 2 * each) ?? ["seconds", 1_000];
  return `${String(Math.floor(ms / length))} ${unit}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
