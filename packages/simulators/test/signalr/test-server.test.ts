import { describe, expect, it } from "vitest";
import { signalr, type RequestView, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { connected, officialClient, wires } from "./official-client.ts";

const cookie = ({ headers }: RequestView, name: string): string | undefined =>
  new RegExp(`(?:^|; )${name}=([^;]*)`).exec(String(headers["cookie"] ?? ""))?.[1];

const failure = (name: string, message: string): Error => Object.assign(new Error(message), { name });

const start = (): Promise<SignalRSimulator> =>
  signalr({ hubs: [{ name: "chat", hosting: "self", detailedErrors: true }] });

/** Resolves with what the stream ends in. */
const streamed = (connection: Awaited<ReturnType<typeof connected>>, method: string): Promise<unknown> =>
  new Promise((resolve) => {
    connection.stream(method).subscribe({
      next: () => undefined,
      complete: () => resolve("complete"),
      error: (error: Error) => resolve(error.message),
    });
  });

// What the functional tests of ASP.NET Core's own clients need of their server.
describe("a server made for another one's tests", () => {
  it.each(wires)(
    "shows a hub the request that brought the transport: $transport, $protocol",
    async (wire) => {
      await using simulator = await start();
      simulator.app.addHeaders(({ path }) =>
        path.endsWith("/negotiate") ? { "set-cookie": ["kept=1; path=/", "late=2; path=/; max-age=0"] } : {},
      );
      simulator.app.addHeaders(() => ({ "set-cookie": "also=3; path=/" }));
      simulator
        .hub("chat")
        .on("Cookies", (call) => ["kept", "late", "also"].map((name) => cookie(call.request, name) ?? null))
        .on("Wire", (call) => [call.transport, call.protocol, call.request.query.get("tag")]);
      const connection = await connected(`${simulator.url("chat")}?tag=x`, wire);
      expect(await connection.invoke("Cookies")).toEqual(["1", null, "3"]);
      expect(await connection.invoke("Wire")).toEqual([wire.transport, wire.protocol, "x"]);
      await connection.stop();
    },
  );

  it("keeps a client's affinity where it serves the hub itself, too", async () => {
    await using simulator = await signalr({
      hubs: [{ name: "chat", hosting: "self" }],
      cookies: { ARRAffinity: "one" },
    });
    simulator.hub("chat").on("Cookie", (call) => cookie(call.request, "ARRAffinity"));
    const connection = await connected(simulator.url("chat"));
    expect(await connection.invoke("Cookie")).toBe("one");
    await connection.stop();
  });

  it("says whether a method failed before its stream, in it, or gave none", async () => {
    await using simulator = await start();
    simulator
      .hub("chat")
      .on(
        "Before",
        () => {
          throw failure("InvalidOperationException", "no");
        },
        { streams: true },
      )
      // eslint-disable-next-line require-yield
      .on("Within", async function* () {
        throw failure("InvalidOperationException", "no");
      })
      .on("None", () => null, { streams: true });
    const connection = await connected(simulator.url("chat"));
    expect(await streamed(connection, "Before")).toBe(
      "An unexpected error occurred invoking 'Before' on the server. InvalidOperationException: no",
    );
    expect(await streamed(connection, "Within")).toBe(
      "An error occurred on the server while streaming results. InvalidOperationException: no",
    );
    expect(await streamed(connection, "None")).toBe(
      "An unexpected error occurred invoking 'None' on the server. InvalidOperationException: " +
        "The value returned by the streaming method 'None' is not a ChannelReader<> or IAsyncEnumerable<>.",
    );
    await connection.stop();
  });

  it("refuses versions of the negotiate protocol, whatever the parameter's case", async () => {
    await using simulator = await start();
    simulator.app.mapHub("/new", simulator.hub("chat"), { hosting: "self", minimumNegotiateVersion: 1 });
    const negotiate = async (path: string): Promise<unknown> => {
      const { origin } = simulator.app;
      return (await fetch(`${origin}/${path}`, { method: "POST" })).json();
    };
    const refused = (version: string): object => ({
      error: `The client requested version '${version}', but the server does not support this version.`,
    });
    expect(await negotiate("new/negotiate")).toEqual(refused("0"));
    expect(await negotiate("new/negotiate?negotiateVersion=0")).toEqual(refused("0"));
    expect(await negotiate("new/negotiate?NegotiateVersion=1")).toMatchObject({ negotiateVersion: 1 });
    expect(await negotiate("chat/negotiate?negotiateVersion=-1")).toEqual(refused("-1"));
    expect(await negotiate("chat/negotiate?negotiateVersion=x")).toEqual({
      error: "The client requested a non-integer protocol version.",
    });
    const old = officialClient(`${simulator.app.origin}/new?negotiateVersion=0`);
    await expect(old.start()).rejects.toThrow("The client requested version '0'");
  });

  it("answers routes with what was sent to them, in bytes, with several headers of a name", async () => {
    await using simulator = await signalr();
    simulator.app.route("POST", "/login", async (request) => ({
      body: new Uint8Array([...((await request.body()) ?? []), 255]),
      headers: { "set-cookie": ["a=1", "b=2"] },
    }));
    const answer = await fetch(`${simulator.app.origin}/login`, { method: "POST", body: "A" });
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([65, 255]);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  it("follows a redirect of the negotiation to another of its hubs", async () => {
    await using simulator = await start();
    let redirects = 0;
    simulator.app.route("*", "/redirect", () => ({
      body: JSON.stringify({ url: `${simulator.url("chat")}?redirects=${String((redirects += 1))}` }),
    }));
    simulator.hub("chat").on("Redirects", (call) => Number(call.request.query.get("redirects")));
    for (const expected of [1, 2]) {
      const connection = await connected(`${simulator.app.origin}/redirect`);
      expect(await connection.invoke("Redirects")).toBe(expected);
      await connection.stop();
    }
  });

  it("listens for HTTPS on the ports it is told", async () => {
    const first = await signalr({ tls: true });
    const ports = [first.app.secureOrigin, first.service.secureOrigin].map((origin) =>
      Number(new URL(origin ?? "").port),
    );
    await first.close();
    await using second = await signalr({ tls: true, tlsPort: ports[0]!, serviceTlsPort: ports[1]! });
    expect(second.app.secureOrigin).toBe(`https://localhost:${String(ports[0])}`);
    expect(second.service.secureOrigin).toBe(`https://localhost:${String(ports[1])}`);
  });
});
