import { durationText } from "./duration.ts";
import { childOf, listOf, textOf, type Elements } from "./xml.ts";

/** What a description says that nothing depends on here: it is kept as the client said it, and shown. */
export type KeptProperties = Elements;

const flags = [
  "EnableBatchedOperations",
  "EnableExpress",
  "EnablePartitioning",
  "EnableSubscriptionPartitioning",
  "FilteringMessagesBeforePublishing",
  "IsAnonymousAccessible",
  "SupportOrdering",
] as const;

const HISTORY = "DuplicateDetectionHistoryTimeWindow";

/** One of the properties that are true or false and only kept. */
export type KeptFlag = (typeof flags)[number];

function authorizationRule(rule: Elements): Elements {
  const text = (name: string): string | undefined => textOf(rule, name);
  const rights = listOf(childOf(rule, "Rights"), "AccessRights");
  return {
    "@i:type": "SharedAccessAuthorizationRule",
    ClaimType: text("ClaimType") ?? "SharedAccessKey",
    ClaimValue: text("ClaimValue") ?? "None",
    Rights: { AccessRights: rights },
    CreatedTime: text("CreatedTime"),
    ModifiedTime: text("ModifiedTime"),
    KeyName: text("KeyName"),
    PrimaryKey: text("PrimaryKey"),
    SecondaryKey: text("SecondaryKey"),
  };
}

/** What is to be kept of a description. */
export function keptProperties(description: Elements): KeptProperties {
  const rules = listOf(childOf(description, "AuthorizationRules"), "AuthorizationRule");
  const said = flags.flatMap((flag) => {
    const text = textOf(description, flag)?.toLowerCase();
    return text === "true" || text === "false" ? [[flag, text] as const] : [];
  });
  return {
    ...Object.fromEntries(said),
    [HISTORY]: textOf(description, HISTORY),
    ...(rules.length === 0
      ? {}
      : { AuthorizationRules: { AuthorizationRule: rules.map(authorizationRule) } }),
  };
}

/** A property that is true or false, as a description says it. */
export function keptFlag(kept: KeptProperties, flag: KeptFlag, otherwise: boolean): string {
  return textOf(kept, flag) ?? String(otherwise);
}

/** How long message ids are, or would be, remembered: nothing comes of it without duplicate detection. */
export function duplicateHistory(kept: KeptProperties, windowMs: number): string {
  return windowMs > 0 ? durationText(windowMs) : (textOf(kept, HISTORY) ?? "PT10M");
}
