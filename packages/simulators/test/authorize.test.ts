import { createHmac } from "node:crypto";
import { ServiceBusClient } from "@azure/service-bus";
import { afterEach, describe, expect, it } from "vitest";
import { refuseToken, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { officialClient, plainWebSocket } from "./support/official-client.ts";

let bus: ServiceBusSimulator;

afterEach(async () => {
  await bus.close();
});

function sharedAccessSignature(resource: string, keyName: string, key: string, expiresAt: number): string {
  const encoded = encodeURIComponent(resource);
  const expiry = String(Math.floor(expiresAt / 1_000));
  const signature = createHmac("sha256", key).update(`${encoded}\n${expiry}`).digest("base64");
  return `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${keyName}`;
}

/** Sends one message with a static shared access signature in place of a key. */
async function sendWithSignature(signature: string): Promise<void> {
  const connectionString = `Endpoint=sb://${bus.host};SharedAccessSignature=${signature};UseDevelopmentEmulator=true`;
  const client = officialClient(bus, {}, connectionString);
  try {
    await client.createSender("orders").sendMessages({ body: 1 });
  } finally {
    await client.close();
  }
}

describe("authorization", () => {
  it("accepts a put-token with 202 and writes down its audience and key", async () => {
    bus = await serviceBus({ queues: ["orders"] });
    const client = officialClient(bus);
    await client.createSender("orders").sendMessages({ body: 1 });
    await client.close();
    expect(bus.journal.tokens()).toMatchObject([
      {
        audience: `sb://${bus.host}/orders`,
        type: "servicebus.windows.net:sastoken",
        status: 202,
        keyName: "RootManageSharedAccessKey",
      },
    ]);
  });

  it("names the claim that a key lacks", async () => {
    bus = await serviceBus({ queues: ["orders"], keys: [{ name: "reader", key: "k", claims: ["Listen"] }] });
    const client = officialClient(bus);
    await expect(client.createSender("orders").sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "UnauthorizedAccess",
      message: expect.stringContaining("'Send' claim(s) are required") as string,
    });
    expect(await client.createReceiver("orders").receiveMessages(1, { maxWaitTimeInMs: 50 })).toEqual([]);
    await client.close();
  });

  it("refuses a signature made with another key, one that has expired, and one for another entity", async () => {
    bus = await serviceBus({ queues: ["orders"], keys: [{ name: "k", key: "right", claims: ["Manage"] }] });
    const resource = `sb://${bus.host}/orders`;
    const inAnHour = Date.now() + 3_600_000;
    const attempt = (signature: string): Promise<void> => sendWithSignature(signature);
    await expect(attempt(sharedAccessSignature(resource, "k", "wrong", inAnHour))).rejects.toThrow(
      /InvalidSignature: The token has an invalid signature\. TrackingId:/,
    );
    await expect(attempt(sharedAccessSignature(resource, "k", "right", Date.now() - 60_000))).rejects.toThrow(
      /ExpiredToken: The token is expired\. Expiration time: '.*Z'\. TrackingId:/,
    );
    await expect(
      attempt(sharedAccessSignature(`sb://${bus.host}/invoices`, "k", "right", inAnHour)),
    ).rejects.toThrow(/InvalidAudience/);
    await attempt(sharedAccessSignature(resource, "k", "right", inAnHour));
    expect(bus.journal.tokens().map(({ status }) => status)).toEqual([401, 401, 401, 202]);
    expect(bus.journal.refusals("orders").map(({ step }) => step)).toEqual(["cbs", "cbs", "cbs"]);
  });

  it("says 404 to a token for an entity that does not exist", async () => {
    bus = await serviceBus({ queues: ["orders"] });
    const client = officialClient(bus);
    await expect(client.createSender("nowhere").sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "MessagingEntityNotFound",
      message: expect.stringMatching(
        /The messaging entity 'sb:\/\/.*\/nowhere' could not be found/,
      ) as string,
    });
    await client.close();
    expect(bus.journal.refusals("nowhere")).toMatchObject([{ step: "cbs", condition: "amqp:not-found" }]);
  });

  it("refuses the token of one entity too many on a connection, and not on the next one", async () => {
    bus = await serviceBus({ queues: ["a", "b", "c"], maxTokensPerConnection: 2 });
    const first = officialClient(bus);
    await first.createSender("a").sendMessages({ body: 1 });
    await first.createSender("b").sendMessages({ body: 1 });
    await first.createSender("b").sendMessages({ body: 2 });
    await expect(first.createSender("c").sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "QuotaExceeded",
      message: expect.stringContaining(
        "The maximum number of '2' tokens per connection has been reached.",
      ) as string,
    });
    const second = officialClient(bus);
    await second.createSender("c").sendMessages({ body: 1 });
    await Promise.all([first.close(), second.close()]);
  });

  it("detaches a link whose token has run out and was not renewed", async () => {
    bus = await serviceBus({ queues: ["orders"], keys: [{ name: "k", key: "s", claims: ["Send"] }] });
    const signature = sharedAccessSignature(`sb://${bus.host}/orders`, "k", "s", Date.now() + 2_000);
    const connectionString = `Endpoint=sb://${bus.host};SharedAccessSignature=${signature};UseDevelopmentEmulator=true`;
    const client = officialClient(bus, {}, connectionString);
    await client.createSender("orders").sendMessages({ body: 1 });
    await expect
      .poll(() => bus.journal.detaches("orders"))
      .toMatchObject([{ by: "service", condition: "amqp:unauthorized-access" }]);
    await client.close();
  });

  it("accepts the bearer token of a credential until it expires", async () => {
    bus = await serviceBus({ queues: ["orders"], webSocket: true });
    const send = async (expiresAt: number): Promise<void> => {
      const token = ["{}", JSON.stringify({ exp: Math.floor(expiresAt / 1_000) }), "signature"]
        .map((part) => Buffer.from(part).toString("base64url"))
        .join(".");
      const credential = { getToken: () => Promise.resolve({ token, expiresOnTimestamp: expiresAt }) };
      const client = new ServiceBusClient("contoso.servicebus.windows.net", credential, {
        retryOptions: { maxRetries: 0, timeoutInMs: 3_000 },
        ...plainWebSocket(bus),
      });
      try {
        await client.createSender("orders").sendMessages({ body: 1 });
      } finally {
        await client.close();
      }
    };
    await send(Date.now() + 3_600_000);
    await expect(send(Date.now() - 60_000)).rejects.toThrow(/ExpiredToken/);
    expect(bus.journal.tokens()).toMatchObject([
      { type: "jwt", audience: "sb://contoso.servicebus.windows.net/orders", status: 202 },
      { type: "jwt", status: 401 },
    ]);
  });

  it("refuses a token once when the script says so", async () => {
    bus = await serviceBus({ queues: ["orders"] });
    bus.faults.next("cbs", refuseToken());
    const client = officialClient(bus);
    const sender = client.createSender("orders");
    await expect(sender.sendMessages({ body: 1 })).rejects.toMatchObject({ code: "UnauthorizedAccess" });
    await sender.sendMessages({ body: 2 });
    await client.close();
    expect(bus.journal.tokens().map(({ status }) => status)).toEqual([401, 202]);
  });
});
