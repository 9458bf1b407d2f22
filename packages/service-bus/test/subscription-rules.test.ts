import { dropConnection, serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ServiceBusClient } from "@holdfast/service-bus";

it("adds, lists and removes rules, over a drop", async () => {
  const bus = await serviceBus({ topics: [{ name: "events", subscriptions: ["all"] }] });
  const client = new ServiceBusClient(bus.connectionString);
  try {
    const rules = client.createRuleManager("events", "all");
    await rules.createRule("red", { subject: "red" });
    const names = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { name } of rules.listRules()) found.push(name);
      return found.sort();
    };
    expect(await names()).toContain("red");
    bus.faults.next("management", dropConnection({ stored: false }));
    await rules.deleteRule("red");
    expect(await names()).not.toContain("red");
    const pages: number[] = [];
    for await (const page of rules.listRules().byPage({ maxPageSize: 1 })) pages.push(page.length);
    expect(pages.every((length) => length === 1)).toBe(true);
  } finally {
    await client.close();
    await bus.close();
  }
});
