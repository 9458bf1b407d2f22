/** The frames of the caller's code. */
export function stackHere(): string {
  const lines = (new Error().stack ?? "").split("\n").filter((line) => /^\s*at |@/.test(line));
  const theirs = lines.filter(
    (line) => !line.includes("holdfast/packages/signalr/") && !line.includes("@holdfast/signalr"),
  );
  return (theirs.length > 0 ? theirs : lines).slice(0, 8).join("\n");
}
