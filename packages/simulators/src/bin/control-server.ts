import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FaultRule } from "../faults/fault-script.ts";
import { controlJson } from "./control-json.ts";
import type { Controls } from "./controls.ts";

const HOST = "127.0.0.1";
const MAX_BODY_BYTES = 1_048_576;

/** A rule of the fault script as `POST /faults` describes it. */
interface RuleRequest {
  readonly step?: unknown;
  readonly fault?: unknown;
  readonly with?: unknown;
  readonly when?: unknown;
  readonly times?: unknown;
  readonly entity?: unknown;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The control endpoint: faults, journal, state and actions of a simulator for test suites in any language. */
export class ControlServer {
  readonly #controls: Controls;
  readonly #addresses: Readonly<Record<string, unknown>>;
  readonly #server: Server;
  readonly #rules = new Map<number, FaultRule>();
  #lastRule = 0;

  constructor(controls: Controls, addresses: Readonly<Record<string, unknown>>) {
    this.#controls = controls;
    this.#addresses = addresses;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  /** @returns the endpoint's address */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, HOST, resolve);
    });
    return `http://${HOST}:${String((this.#server.address() as AddressInfo).port)}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let status = 200;
    let body: unknown;
    try {
      const url = new URL(request.url ?? "/", `http://${HOST}`);
      const path = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
      body = await this.#carryOut(request.method ?? "GET", path, url.searchParams, await received(request));
    } catch (error) {
      status = error instanceof Refusal ? error.status : 400;
      body = { error: error instanceof Error ? error.message : String(error) };
    }
    response.writeHead(status, { "content-type": "application/json" }).end(controlJson(body));
  }

  #carryOut(method: string, path: readonly string[], query: URLSearchParams, body: unknown): unknown {
    const [first, second] = path;
    if (first === undefined && method === "GET") return this.#addresses;
    if (first === "journal" && method === "DELETE" && second === undefined) {
      this.#controls.journal.clear();
      return {};
    }
    if (first === "journal" && method === "GET")
      return this.#journal(second, query.get("entity") ?? undefined);
    if (first === "faults") return this.#faults(method, second, body);
    if (method === "GET") return this.#show(path);
    if (method === "POST") return this.#act(path, body);
    throw new Refusal(405, `${method} /${path.join("/")} is nothing that can be done`);
  }

  #journal(part: string | undefined, entity: string | undefined): unknown {
    const { journal } = this.#controls;
    const parts = methodsOf(journal).filter((name) => name !== "clear");
    if (part === undefined) return { parts };
    if (!parts.includes(part)) throw new Refusal(404, `the journal's parts are ${parts.join(", ")}`);
    return (journal as unknown as Record<string, (entity?: string) => unknown>)[part]?.(entity);
  }

  #faults(method: string, id: string | undefined, body: unknown): unknown {
    if (method === "POST" && id === undefined) return this.#arrange(body as RuleRequest);
    if (method === "DELETE" && id === undefined) {
      this.#controls.faults.clear();
      this.#rules.clear();
      return {};
    }
    const rule = this.#rules.get(Number(id));
    if (rule === undefined) throw new Refusal(404, `there is no fault "${String(id)}"`);
    if (method === "DELETE") rule.remove();
    return { id: Number(id), fired: rule.fired };
  }

  #arrange({ step, fault, with: args = [], when = "next", times, entity }: RuleRequest): unknown {
    const { faults, faultNames } = this.#controls;
    const make =
      typeof fault === "string" && Object.hasOwn(faultNames, fault) ? faultNames[fault] : undefined;
    if (make === undefined) {
      throw new TypeError(
        `fault must be one of ${Object.keys(faultNames).join(", ")}, got ${controlJson(fault)}`,
      );
    }
    const made = make(...list(args));
    const scope = {
      ...(typeof entity === "string" ? { entity } : {}),
      ...(times === undefined ? {} : { times: Number(times) }),
    };
    const at = String(step);
    let rule: FaultRule;
    if (when === "next") rule = faults.next(at, made, scope);
    else if (when === "always") rule = faults.always(at, made, scope);
    else {
      const { every, probability } = when as { every?: number; probability?: number };
      if (every !== undefined) rule = faults.every(every, at, made, scope);
      else if (probability !== undefined) rule = faults.probability(probability, at, made, scope);
      else {
        throw new TypeError('when must be "next", "always", { "every": n } or { "probability": p }');
      }
    }
    this.#lastRule += 1;
    this.#rules.set(this.#lastRule, rule);
    return { id: this.#lastRule };
  }

  #show(path: readonly string[]): unknown {
    const target = this.#controls.target(path);
    if (target === undefined) throw new Refusal(404, `there is no /${path.join("/")}`);
    const subject = target.subject as Record<string, unknown>;
    return Object.fromEntries(target.shows.map((name) => [name, subject[name]]));
  }

  async #act(path: readonly string[], body: unknown): Promise<unknown> {
    const name = path.at(-1) ?? "";
    const target = this.#controls.target(path.slice(0, -1));
    if (target?.does.includes(name) !== true) {
      const known = target === undefined ? "" : `; there are ${target.does.join(", ")}`;
      throw new Refusal(404, `there is no /${path.join("/")}${known}`);
    }
    const subject = target.subject as Record<string, (...args: readonly unknown[]) => unknown>;
    return { result: (await subject[name]?.(...list(body ?? []))) ?? null };
  }
}

/** Arguments: an array of them, or a single one. */
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

const methodsOf = (value: object): string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(value)).filter((name) => name !== "constructor");

async function received(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Refusal(413, "the body is larger than a mebibyte");
    chunks.push(chunk);
  }
  // A page in a browser can send a POST without asking first, but not one of this type.
  const isJson = /^application\/json\b/.test(request.headers["content-type"] ?? "");
  if (request.method === "POST" && !isJson) throw new Refusal(415, "content-type must be application/json");
  return size === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown);
}
