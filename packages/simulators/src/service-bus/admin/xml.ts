import Builder from "fast-xml-builder";
import { XMLParser } from "fast-xml-parser";
import { adminErrors } from "./admin-error.ts";

/** Elements in order: text, more elements, or a list of elements of one name. A name with `@` is an attribute. */
export interface Elements {
  readonly [name: string]: string | Elements | readonly Elements[] | undefined;
}

const builder = new Builder({ ignoreAttributes: false, attributeNamePrefix: "@", textNodeName: "#text" });

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
});

/** A document, its elements in the order given. Absent ones are left out. */
export function documentOf(elements: Elements): string {
  return builder.build(elements);
}

/** The elements of a document, namespace prefixes taken off. @throws AdminError 400 */
export function elementsOf(document: string): Elements {
  try {
    return parser.parse(document) as Elements;
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    throw adminErrors.badRequest(`The request body could not be read as XML: ${why}`);
  }
}

/** An element below another, if it has elements itself. */
export function childOf(elements: Elements | undefined, name: string): Elements | undefined {
  const child = elements?.[name];
  return typeof child === "object" && !Array.isArray(child) ? (child as Elements) : undefined;
}

/** The elements of one name below another: none, one or many. Of those that have only text, the text is there. */
export function listOf(elements: Elements | undefined, name: string): readonly Elements[] {
  const child = elements?.[name];
  if (child === undefined || child === "") return [];
  const all: readonly (string | Elements)[] = Array.isArray(child) ? child : [child as string | Elements];
  return all.map((one) => (typeof one === "string" ? { "#text": one } : one));
}

/** The text of an element, undefined when it is not there. */
export function textOf(elements: Elements | undefined, name: string): string | undefined {
  const child = elements?.[name];
  if (typeof child === "string") return child;
  const text = childOf(elements, name)?.["#text"];
  return typeof text === "string" ? text : undefined;
}
