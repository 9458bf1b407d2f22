/**
 * What an operation is for, which decides who goes first when not everybody can. A lock that is not renewed in time
 * is lost, a settlement that comes too late is a redelivery, a send can wait, administration more so.
 */
export type Lane = "renewal" | "settlement" | "send" | "administration";

/** First served first; `waiting-line.ts` keeps a share for those behind. */
export const lanes: readonly Lane[] = Object.freeze(["renewal", "settlement", "send", "administration"]);
