import type { ConnectionsEvent } from "./events.ts";
import type { SocketEvents } from "./node-socket.ts";

// What a page is spared: it has no environment, a bundle's frames name no package, and prose is for whoever develops. The
// option or the value at fault is named here too; the rest is in the documentation.

export { signalrTable } from "./bare-table.ts";

/** A page has no environment that could say so. */
export const isBypassed = (): boolean => false;

/** As the browser has it. */
export const stackHere = (): string => String(new Error().stack);

/** What to say about too many connections. */
export const manyConnections = ({ live, builtAt }: ConnectionsEvent): string =>
  `${String(live)} SignalR connections are live, built at:\n${builtAt.join("\n\n")}`;

/** Names of options are checked in a page too; their values are left to the compiler, and to Node. */
export const checkValue = (_option: string, _value: unknown, _usual: unknown): void => undefined;

/** What an option may be. */
export const allowed = (_option: string): string => "as documented";

/** The error for a token that is too long. */
export const tokenTooLong = ({ length }: string, most: number): Error =>
  new Error(`The access token is ${String(length)} characters long; the service takes ${String(most)}.`);

/** Says it on the console. */
export const warnAloud = (text: string): void => {
  globalThis.console.warn(text);
};

/** Listens to a socket, which does not say why it was refused. */
export const hearSocket = (socket: WebSocket, { opened, closed }: SocketEvents): void => {
  socket.addEventListener("open", opened);
  socket.addEventListener("close", closed);
};

/** Ends a socket; nothing is left to wait for. */
export const endSocket = (socket: WebSocket): void => {
  socket.close();
};
