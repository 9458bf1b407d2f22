import { adminErrors } from "./admin-error.ts";
import { DescriptionFields } from "./description-fields.ts";
import { keptFlag, type KeptProperties } from "./kept-properties.ts";
import type { Elements } from "./xml.ts";

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas: of subscriptions and rules.
const longestName = 50;

/** What the service takes for a new entity below Premium; its words are those of its page on sub codes. */
const megabytes = [1_024, 2_048, 3_072, 4_096, 5_120];

/** @throws AdminError 400 for the name of a subscription or a rule that is too long */
export function checkShortName(name: string): void {
  if (name.length <= longestName) return;
  throw adminErrors.badRequest(`The name '${name}' is longer than ${String(longestName)} characters.`);
}

/** @throws AdminError 400 for what a new queue or topic cannot be */
export function checkNew(description: Elements, sku: string): void {
  const fields = new DescriptionFields(description);
  const size = fields.integer("MaxSizeInMegabytes");
  if (sku !== "Premium" && size !== undefined && !megabytes.includes(size)) {
    throw adminErrors.badRequest(
      `The specified value ${String(size)} is invalid. The property 'MaxSizeInMegabytes', must be one of the following values: ${megabytes.join(";")}.`,
    );
  }
  if (fields.boolean("EnableExpress") === true && fields.boolean("RequiresDuplicateDetection") === true) {
    throw adminErrors.badRequest(
      "Both DelayedPersistence and RequiresDuplicateDetection property cannot be enabled together.",
    );
  }
}

/** @throws AdminError 400 for a queue or topic that is to have other partitions than it was made with */
export function checkPartitioning(
  kind: "Queue" | "Topic",
  description: Elements,
  kept: KeptProperties,
): void {
  const wanted = new DescriptionFields(description).boolean("EnablePartitioning");
  if (wanted === undefined || String(wanted) === keptFlag(kept, "EnablePartitioning", false)) return;
  throw adminErrors.badRequest(`Partitioning cannot be changed for ${kind}.`);
}
