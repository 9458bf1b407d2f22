/** What a request for administration is about. */
export type Address =
  | { readonly kind: "root" | "namespace" | "queues" | "topics" }
  | { readonly kind: "entity"; readonly name: string }
  | { readonly kind: "subscriptions"; readonly topic: string }
  | { readonly kind: "subscription"; readonly topic: string; readonly name: string }
  | { readonly kind: "rules"; readonly topic: string; readonly subscription: string }
  | { readonly kind: "rule"; readonly topic: string; readonly subscription: string; readonly name: string };

const below = /^(.+?)\/subscriptions(?:\/([^/]+)(?:\/(rules)(?:\/([^/]+))?)?)?$/i;

/** Reads the path of a request: `queue`, `topic/Subscriptions/name/Rules/rule`, `$Resources/queues`, … */
export function addressOf(path: string): Address {
  const trimmed = path.replace(/^\/+|\/+$/g, "");
  switch (trimmed.toLowerCase()) {
    case "":
      return { kind: "root" };
    case "$namespaceinfo":
      return { kind: "namespace" };
    case "$resources/queues":
      return { kind: "queues" };
    case "$resources/topics":
      return { kind: "topics" };
  }
  const match = below.exec(trimmed);
  if (match === null) return { kind: "entity", name: trimmed };
  const [, topic = "", subscription, rules, rule] = match as (string | undefined)[];
  if (subscription === undefined) return { kind: "subscriptions", topic };
  if (rules === undefined) return { kind: "subscription", topic, name: subscription };
  if (rule === undefined) return { kind: "rules", topic, subscription };
  return { kind: "rule", topic, subscription, name: rule };
}
