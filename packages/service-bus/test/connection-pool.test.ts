import { ServiceBusClient } from "@azure/service-bus";
import { systemClock } from "@holdfast/core";
import { expect, it } from "vitest";
import { ConnectionPool, type Generation } from "../src/connection-pool.ts";

const connectionString =
  "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true";
const make = (): ServiceBusClient => new ServiceBusClient(connectionString);

/** As the official client tells: a closed one makes no senders. */
const isClosed = ({ client }: Generation): boolean => {
  try {
    client.createSender("orders");
    return false;
  } catch {
    return true;
  }
};

it("SBC-083 closes a connection that was given up at once when nothing is under way on it", async () => {
  const pool = new ConnectionPool(make, systemClock, 900);
  const stale = pool.lease("orders");
  expect(pool.recycle(stale)).toBe(true);
  expect(pool.recycle(stale)).toBe(false);
  await expect.poll(() => isClosed(stale)).toBe(true);
  expect(pool.lease("orders")).not.toBe(stale);
  await pool.close();
});

it("closes a connection that was given up when the last operation on it ends, not before", async () => {
  const pool = new ConnectionPool(make, systemClock, 900);
  const stale = pool.lease("orders");
  const [leaveOne, leaveOther] = [pool.enter(stale), pool.enter(stale)];
  pool.recycle(stale);
  leaveOne();
  expect(stale.state).toBe("retired");
  expect(isClosed(stale)).toBe(false);
  leaveOther();
  await expect.poll(() => isClosed(stale)).toBe(true);
  await pool.close();
});

it("SB-18 counts an entity's management node as an audience of its own", async () => {
  const pool = new ConnectionPool(make, systemClock, 2);
  const first = pool.lease("orders");
  pool.use(first, "orders/$management");
  expect(pool.lease("invoices")).not.toBe(first);
  await pool.close();
});
