/** Where messages come from: a queue by name, or a subscription of a topic. */
export type MessageSource = string | { readonly topic: string; readonly subscription: string };
