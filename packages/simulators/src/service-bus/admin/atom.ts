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
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  readonly updatedAt: number;
}

/** A time as the service writes it. */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}

function entryElements({ url, title, type, content, publishedAt, updatedAt }: Description, author: string) {
  return {
    id: url,
    title: { "@type": "text", "#text": title },
    published: timeText(publishedAt),
    updated: timeText(updatedAt),
    author: { name: author },
    link: { "@rel": "self", "@href": url },
    content: {
      "@type": "application/xml",
      [type]: { "@xmlns": SERVICE_BUS, "@xmlns:i": INSTANCE, ...content },
    },
  };
}

/** An Atom entry: the answer about one thing. */
export function entryDocument(description: Description, author: string): string {
  return documentOf({ entry: { "@xmlns": ATOM, ...entryElements(description, author) } });
}

/** An Atom feed: the answer about many. */
export function feedDocument(
  title: string,
  links: { readonly self: string; readonly next?: string },
  updatedAt: number,
  descriptions: readonly Description[],
  author: string,
): string {
  return documentOf({
    feed: {
      "@xmlns": ATOM,
      title: { "@type": "text", "#text": title },
      id: links.self,
      updated: timeText(updatedAt),
      link: [
        { "@rel": "self", "@href": links.self },
        ...(links.next === undefined ? [] : [{ "@rel": "next", "@href": links.next }]),
      ],
      entry: descriptions.map((description) => ({ "@xmlns": ATOM, ...entryElements(description, author) })),
    },
  });
}
