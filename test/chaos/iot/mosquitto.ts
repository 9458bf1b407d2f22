import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generate } from "selfsigned";

/** Debian installs it where only administrators look. */
const program = ["mosquitto", "/usr/sbin/mosquitto"].find((path) => {
  try {
    execFileSync(path, ["-h"], { stdio: "ignore" });
    return true;
  } catch (error) {
    // It prints its help and ends with 3.
    return typeof (error as { status?: number | null }).status === "number";
  }
});

/** Whether there is a mosquitto, a broker that shares no code with us. */
export const hasMosquitto = program !== undefined;

/** A mosquitto over TLS that can be killed and started again on its port. Its log says what it has received. */
export class Mosquitto implements AsyncDisposable {
  readonly port: number;
  /** The certificate to trust, in PEM. */
  readonly ca: string;
  readonly #folder: string;
  #log = "";
  #process: ChildProcess | undefined;

  private constructor(port: number, ca: string, folder: string) {
    this.port = port;
    this.ca = ca;
    this.#folder = folder;
  }

  static async start(): Promise<Mosquitto> {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-mosquitto-"));
    const port = await freePort();
    const made = await generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      algorithm: "sha256",
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
      ],
    });
    await writeFile(join(folder, "cert.pem"), made.cert);
    await writeFile(join(folder, "key.pem"), made.private);
    await writeFile(join(folder, "mosquitto.conf"), configuration(port, folder));
    const broker = new Mosquitto(port, made.cert, folder);
    await broker.run();
    return broker;
  }

  /** Starts it, and waits until it listens. */
  async run(): Promise<void> {
    const started = spawn(program ?? "mosquitto", ["-c", join(this.#folder, "mosquitto.conf")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    started.stderr.on("data", (chunk: Buffer) => (this.#log += chunk.toString()));
    this.#process = started;
    while (!(await listens(this.port))) await sleep(20);
  }

  /** The topics of all messages that have arrived, in their order, over all its lives. */
  get topics(): string[] {
    return [...this.#log.matchAll(/Received PUBLISH from .*?'(.*)', \.\.\. \(/g)].map(
      ([, topic = ""]) => topic,
    );
  }

  /** SIGKILL: no farewell, nothing written. */
  async kill(): Promise<void> {
    if (this.#process === undefined) return;
    // What it had logged has been read then, too.
    const ended = once(this.#process, "close");
    this.#process.kill("SIGKILL");
    this.#process = undefined;
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }
}

// Whoever started it may be root, and then it would become a user who cannot read the folder.
const configuration = (port: number, folder: string): string => `
listener ${String(port)} 127.0.0.1
certfile ${join(folder, "cert.pem")}
keyfile ${join(folder, "key.pem")}
allow_anonymous true
persistence false
log_dest stderr
log_type debug
user ${process.getuid?.() === 0 ? "root" : "mosquitto"}
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
