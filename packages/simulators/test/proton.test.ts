import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serverBusy, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { plainCredentials } from "./support/raw-client.ts";

/** The Python that has Qpid Proton (Debian: python3-qpid-proton): an AMQP client that shares no code with ours. */
const python = ["python3", "/usr/bin/python3"].find((candidate) => {
  try {
    execFileSync(candidate, ["-c", "import proton"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
if (python === undefined) {
  console.info("proton.test.ts is not run: no Python with Qpid Proton (Debian package python3-qpid-proton)");
}

const login = `
import sys, json, hmac, hashlib, base64, time, urllib.parse
from proton import Message, symbol, int32
from proton.utils import BlockingConnection, SendException
port, name, key = sys.argv[1:4]
def plain(): return BlockingConnection("amqp://127.0.0.1:" + port, user=name, password=key, allowed_mechs="PLAIN", timeout=5)
`;

let bus: ServiceBusSimulator;

async function run(script: string): Promise<unknown> {
  const { username, password } = plainCredentials(bus);
  const { stdout } = await promisify(execFile)(
    python ?? "",
    ["-c", login + script, String(bus.port), username, password],
    { timeout: 60_000 },
  );
  return JSON.parse(stdout) as unknown;
}

beforeEach(async () => {
  bus = await serviceBus({ queues: ["orders"] });
});
afterEach(async () => {
  await bus.close();
});

describe("Qpid Proton, a client that knows nothing of us,", () => {
  it.runIf(python)("sends with SASL PLAIN, receives and accepts", async () => {
    const seen = await run(`
c = plain()
c.create_sender("orders").send(Message(body="from python", id="p1", properties={"n": 5}))
r = c.create_receiver("orders")
m = r.receive(timeout=5)
r.accept()
print(json.dumps([m.body, m.id, m.properties["n"], m.delivery_count, m.annotations[symbol("x-opt-sequence-number")]]))
c.close()`);
    expect(seen).toEqual(["from python", "p1", 5, 0, 1]);
    expect(bus.journal.stored("orders")).toMatchObject([{ messageId: "p1", body: "from python" }]);
    expect(bus.journal.settled("orders")).toMatchObject([{ messageId: "p1", disposition: "completed" }]);
  });

  it.runIf(python)("logs in with ANONYMOUS and a put-token request", async () => {
    const seen = await run(`
c = BlockingConnection("amqp://127.0.0.1:" + port, allowed_mechs="ANONYMOUS", timeout=5)
audience = "sb://127.0.0.1:" + port + "/orders"
resource = urllib.parse.quote_plus(audience)
expiry = str(int(time.time()) + 600)
signature = base64.b64encode(hmac.new(key.encode(), (resource + "\\n" + expiry).encode(), hashlib.sha256).digest())
token = "SharedAccessSignature sr=%s&sig=%s&se=%s&skn=%s" % (resource, urllib.parse.quote_plus(signature), expiry, name)
replies = c.create_receiver("$cbs", credit=1)
c.create_sender("$cbs").send(Message(id="t1", reply_to=replies.link.name, body=token, properties={
    "operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": audience}))
answer = replies.receive(timeout=5)
c.create_sender("orders").send(Message(body="hello", id="p2"))
print(json.dumps([answer.correlation_id, answer.properties["status-code"]]))
c.close()`);
    expect(seen).toEqual(["t1", 202]);
    expect(bus.journal.tokens()).toMatchObject([{ status: 202 }]);
    expect(bus.journal.stored("orders")).toMatchObject([{ messageId: "p2" }]);
  });

  it.runIf(python)("is told of a throttle by a rejected disposition", async () => {
    bus.faults.next("send", serverBusy());
    const seen = await run(`
c = plain()
s = c.create_sender("orders")
try:
    s.send(Message(body="x"))
    print(json.dumps("accepted"))
except SendException as e:
    print(json.dumps(str(e.state)))
c.close()`);
    expect(seen).toBe("REJECTED");
  });

  it.runIf(python)("is told by a detach of an entity that does not exist", async () => {
    const seen = await run(`
c = plain()
try:
    c.create_sender("nowhere")
    print(json.dumps("attached"))
except Exception as e:
    print(json.dumps(type(e).__name__ + " " + str(e)))
c.close()`);
    expect(seen).toMatch(/amqp:not-found|could not be found/);
  });
});
