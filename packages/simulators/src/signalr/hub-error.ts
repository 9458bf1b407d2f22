/** What a hub method throws to tell its caller something: its message always reaches the client. */
export class HubException extends Error {
  override readonly name = "HubException";
}

/** ASP.NET Core's rule for what a client is told: details of a `HubException` always, of others only when allowed. */
export function errorText(sentence: string, error: unknown, detailed: boolean): string {
  if (!(error instanceof HubException) && !detailed) return sentence;
  const told = error instanceof Error ? error : new Error(String(error));
  return `${sentence} ${told.name}: ${told.message}`;
}

/** An error under a .NET name, for details that look like ASP.NET Core's. */
export function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
