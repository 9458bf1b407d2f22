/** Says it where somebody may see it: Node's warnings, or the browser's console. */
export function warnAloud(text: string): void {
  const host = globalThis as {
    process?: { emitWarning?: (text: string, name: string) => void };
    console?: { warn(text: string): void };
  };
  if (typeof host.process?.emitWarning === "function") host.process.emitWarning(text, "HoldfastWarning");
  else host.console?.warn(text);
}
