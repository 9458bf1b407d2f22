import { spawn } from "node:child_process";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import {
  delayAcknowledgement,
  ignore,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";

/** The official client's own timers, sixty times as fast: its two minutes are two seconds. */
const faster = `data:text/javascript,${encodeURIComponent(
  "const slow = setTimeout; globalThis.setTimeout = (fire, ms, ...rest) => slow(fire, ms / 60, ...rest);",
)}`;

const emptyFrame = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);
const endPerformative = 0x17; // AMQP 2.7.8

/** Passes AMQP on, but for the service's ends of sessions; keeps the faster clock of the client content with empty frames. */
async function withoutSessionEnds(port: number): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const service = connect(port, "127.0.0.1");
    for (const socket of [client, service]) sockets.add(socket.on("error", () => socket.destroy()));
    client.pipe(service);
    let rest: Buffer = Buffer.alloc(0);
    let isOpen = false;
    const beat = setInterval(() => isOpen && client.write(emptyFrame), 100);
    service.on("close", () => {
      clearInterval(beat);
      client.destroy();
    });
    service.on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 8) {
        // A protocol header is eight bytes; a frame begins with its size, header included.
        const size = rest.toString("latin1", 0, 4) === "AMQP" ? 8 : rest.readUInt32BE(0);
        if (rest.length < size) return;
        const frame = rest.subarray(0, size);
        rest = rest.subarray(size);
        const at = frame[4]! * 4;
        isOpen ||= size > 8 && frame[5] === 0;
        if (size > 8 && frame[5] === 0 && frame[at + 2] === endPerformative) continue;
        client.write(frame);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

interface Misfortune {
  readonly arrange: (bus: ServiceBusSimulator) => void;
  /** What the program does with `receiver`. */
  readonly work: string;
  /** When the program is told to abort, by its input. */
  readonly aborts?: (bus: ServiceBusSimulator) => boolean;
}

/** The service answers neither an opening link nor a session's end. */
const silence: Misfortune = {
  arrange: (bus) => void bus.faults.always("attach", ignore()),
  work: 'receiver.receiveMessages(1).catch(({ name }) => console.log("rejected", name));',
};

/** A receiver is aborted while its link is being opened, and the link's end is not answered. */
const abortedOpening: Misfortune = {
  arrange(bus) {
    bus.faults.next("attach", delayAcknowledgement(500));
    bus.faults.always("detach", ignore());
  },
  work: `const abort = new AbortController();
    process.stdin.once("data", () => abort.abort());
    receiver.receiveMessages(1, { abortSignal: abort.signal }).catch(({ name }) => console.log("rejected", name));`,
  aborts: (bus) => bus.journal.faults().length > 0,
};

/** Runs a program with the official client. */
async function run(
  program: string,
  { arrange, work, aborts }: Misfortune = silence,
): Promise<{ code: number | null; out: string; err: string }> {
  const bus = await serviceBus({ queues: ["orders"] });
  arrange(bus);
  const silent = await withoutSessionEnds(bus.port);
  const source = `
    import { ServiceBusClient } from "@azure/service-bus";
    import { guardOfficialRejections } from "@holdfast/service-bus";
    ${program}
    const client = new ServiceBusClient(process.argv[1], { retryOptions: { maxRetries: 0 } });
    const receiver = client.createReceiver("orders");
    ${work}
    setTimeout(() => { console.log("still here"); process.exit(0); }, 60 * 6_000);
  `;
  const flags = ["--import", faster, "--import", "tsx", "--conditions=source", "--input-type=module"];
  const connectionString = bus.connectionString.replace(`:${bus.port}`, `:${silent.port}`);
  const child = spawn(process.execPath, [...flags, "-e", source, connectionString], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const watch = setInterval(() => {
    if (aborts?.(bus) !== true) return;
    clearInterval(watch);
    child.stdin.end("abort");
  }, 20);
  let out = "";
  let err = "";
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  try {
    const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    return { code, out, err };
  } finally {
    clearInterval(watch);
    child.kill("SIGKILL");
    silent.close();
    await bus.close();
  }
}

describe("a rejection that nobody can reach", () => {
  it("bare: ends the process", async () => {
    const { code, out, err } = await run("");
    expect(err).toContain("Unable to close the amqp session");
    expect([code, out.includes("still here")]).toEqual([1, false]);
  });

  it("ours: is told of, and the process goes on", async () => {
    const { code, out } = await run(
      "guardOfficialRejections(({ fault }) => console.log('guarded', fault.id));",
    );
    expect(out).toContain("guarded session-end");
    expect([code, out.includes("still here")]).toEqual([0, true]);
  });

  it("bare: ends the process when a receiver was aborted while its link was being opened, too", async () => {
    const { code, err } = await run("", abortedOpening);
    expect(err).toContain("Unable to close the receiver");
    expect(code).toBe(1);
  });

  it("ours: is told of that, and the process goes on", async () => {
    const { code, out } = await run(
      "guardOfficialRejections(({ fault }) => console.log('guarded', fault.id));",
      abortedOpening,
    );
    expect(out).toContain("guarded link-end");
    expect([code, out.includes("still here")]).toEqual([0, true]);
  });

  it("ours: lets every other rejection end the process, as without it", async () => {
    const { code, err } = await run(`
      guardOfficialRejections();
      setTimeout(() => { void Promise.reject(new Error("somebody else's")); }, 60 * 500);
    `);
    expect(err).toContain("somebody else's");
    expect(code).not.toBe(0);
  });

  it("ours: does so, too, where a second guard was installed", async () => {
    const { code, err } = await run(`
      guardOfficialRejections();
      guardOfficialRejections();
      setTimeout(() => { void Promise.reject(new Error("somebody else's")); }, 60 * 500);
    `);
    expect(err).toContain("somebody else's");
    expect(code).not.toBe(0);
  });
});
