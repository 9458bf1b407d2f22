import { documentOf, type Elements } from "./xml.ts";

const ATOM = "http://www.w3.org/2005/Atom";

/** The namespace of the descriptions. */
const SERVICE_BUS = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect";
const INSTANCE = "http://www.w3.org/2001/XMLSchema-instance";

/** One described thing: an entity, a rule, the namespace. */
export interface Description {
  /** Where it is found; clients read its name from the path. */
  readonly url: string;
  readonly title: string;
  /** `QueueDescription`, … */
  readonly type: string;
  readonly content: Elements;
  /** The namespace's name; undefined for what the service does not name it with. */
  readonly author: string | undefined;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number | undefined;
  readonly updatedAt: number;
}

/** A time as the service writes it. */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}

/** When an entity was last used; .NET's earliest time when it never was. */
export function accessedText(at: number | undefined): string {
  return at === undefined ? "0001-01-01T00:00:00Z" : timeText(at);
}

/** To the second, as Atom's own elements have it. */
function secondText(at: number): string {
  return timeText(at).replace(/\.\d+Z$/, "Z");
}

function entryElements({ url, title, type, content, author, publishedAt, updatedAt }: Description) {
  return {
    id: url,
    title: { "@type": "text", "#text": title },
    published: publishedAt === undefined ? undefined : secondText(publishedAt),
    updated: secondText(updatedAt),
    author: author === undefined ? undefined : { name: author },
    link: { "@rel": "self", "@href": url },
    content: {
      "@type": "application/xml",
      [type]: { "@xmlns": SERVICE_BUS, "@xmlns:i": INSTANCE, ...content },
    },
  };
}

/** An Atom entry: the answer about one thing. */
export function entryDocument(description: Description): string {
  return documentOf({ entry: { "@xmlns": ATOM, ...entryElements(description) } });
}

/** An Atom feed: the answer about many. */
export function feedDocument(
  title: string,
  links: { readonly self: string; readonly next?: string },
  updatedAt: number,
  descriptions: readonly Description[],
): string {
  return documentOf({
    feed: {
      "@xmlns": ATOM,
      title: { "@type": "text", "#text": title },
      id: links.self,
      updated: secondText(updatedAt),
      link: [
        { "@rel": "self", "@href": links.self },
        ...(links.next === undefined ? [] : [{ "@rel": "next", "@href": links.next }]),
      ],
      entry: descriptions.map((description) => ({ "@xmlns": ATOM, ...entryElements(description) })),
    },
  });
}
