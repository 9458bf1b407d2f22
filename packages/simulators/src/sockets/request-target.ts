import type { IncomingMessage } from "node:http";

/**
 * Whether the request's target (RFC 9112, 3.2) is a path that can be decoded. One that is not is answered here, before
 * anybody reads it: `//` and `/%zz` make the platform's functions throw, and that would end the simulator's process.
 */
export function hasTarget({ url = "/", socket }: IncomingMessage): boolean {
  try {
    decodeURIComponent(new URL(url, "http://localhost").pathname);
    return true;
  } catch {
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return false;
  }
}
