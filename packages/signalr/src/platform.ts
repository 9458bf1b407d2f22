// What is done or said otherwise in a page. `#platform` is this file, and `browser-platform.ts` in a browser's bundle.
export { isBypassed } from "./bypass.ts";
export { stackHere } from "./caller-stack.ts";
export { manyConnections } from "./live-connections-text.ts";
export { endSocket, hearSocket } from "./node-socket.ts";
export { checkValue } from "./option-checks.ts";
export { allowed } from "./option-texts.ts";
export { signalrTable } from "./table.ts";
export { tokenTooLong } from "./token-too-long.ts";
export { warnAloud } from "./warning.ts";
