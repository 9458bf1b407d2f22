/** True while the environment says so. A browser has no environment. */
export function isBypassed(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.["HOLDFAST_BYPASS"] === "1";
}
