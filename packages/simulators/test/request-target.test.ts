import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { expect, it } from "vitest";
import { iotHub } from "@holdfast/simulators/iot-hub";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { signalr } from "@holdfast/simulators/signalr";

const upgrade =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
const requests = ["//", "/%zz", "/\\\\"].flatMap((target) => [
  `POST ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`,
]);

/** The first line of the answer to each of the requests. */
function answers(port: number, isSecure: boolean): Promise<string[]> {
  return Promise.all(
    requests.map(async (request) => {
      const socket = isSecure
        ? connectTls({ port, host: "localhost", rejectUnauthorized: false })
        : connect({ port, host: "127.0.0.1" });
      socket.write(request);
      return (await text(socket)).split("\r\n")[0] ?? "";
    }),
  );
}

// An exception that nobody catches fails the run, as it would end the process of the command.
it("answer a request whose target cannot be read with 400, and go on", async () => {
  await using bus = await serviceBus({ webSocket: true });
  await using signals = await signalr({ hubs: ["chat"] });
  await using hub = await iotHub();
  const refused = requests.map(() => "HTTP/1.1 400 Bad Request");
  expect(await answers(bus.port, false)).toEqual(refused);
  expect(await answers(bus.webSocket?.port ?? 0, false)).toEqual(
    requests.map((request) =>
      request.startsWith("GET") ? "HTTP/1.1 400 Bad Request" : "HTTP/1.1 404 Not Found",
    ),
  );
  expect(await answers(Number(new URL(signals.app.origin).port), false)).toEqual(refused);
  expect(await answers(Number(new URL(signals.service.origin).port), false)).toEqual(refused);
  expect(await answers(hub.httpsPort, true)).toEqual(refused);
});
