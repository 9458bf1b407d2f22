import type { FaultRow, Match } from "@holdfast/core";

/** What one sub code of the service, or one of its sentences, means. */
interface SubCode {
  /** Found in the service's text. */
  readonly text: RegExp;
  /** The row of {@link administrationFaults} whose kind it has, and whose id. */
  readonly of: string;
  readonly because: string;
  readonly remedy: string;
}

/** `SubCode=40901`, `Sub code=40901`, and as the gateway writes it: `40103: Invalid authorization token signature`. */
const code = (digits: string): string =>
  String.raw`(?:\bsub[- ]?code\s*=\s*${digits}\b|(?:^|[\s(])${digits}: )`;
const coded = (digits: string, words = ""): RegExp => new RegExp(`${code(digits)}[^]*${words}`, "i");

/**
 * The sub codes that the service documents, and what it says without one; the particular before the general.
 *
 * See https://learn.microsoft.com/azure/service-bus-messaging/service-bus-resource-manager-exceptions, 50001 to 50008:
 * https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-exceptions. 40100 and 40103 stand in no list;
 * they are what the gateway answers.
 */
const subCodes: readonly SubCode[] = [
  {
    text: coded("40000", "'?Basic'? tier"),
    of: "admin-bad-request",
    because: "the namespace's tier does not have what the request asks for",
    remedy: "leave the property out, or move the namespace to the Standard or Premium tier",
  },
  {
    text: coded("40000", "(?:can(?:'t|not) be|not allowed to be) changed"),
    of: "admin-bad-request",
    because: "the property is fixed when the entity is created",
    remedy: "create another entity and forward to it, or delete this one and create it anew",
  },
  {
    text: coded("40000", "MaxSizeInMegabytes"),
    of: "admin-bad-request",
    because: "the entity cannot have that size",
    remedy: "give 1024, 2048, 3072, 4096 or 5120 megabytes, or what the Premium tier allows",
  },
  {
    text: coded("40000", "lock time"),
    of: "admin-bad-request",
    because: "a lock lasts five minutes at most",
    remedy: "give at most PT5M as lockDuration; locks are renewed for as long as the work takes",
  },
  {
    text: coded("40000", "DelayedPersistence"),
    of: "admin-bad-request",
    because: "an entity that detects duplicates stores at once, and cannot be an express one",
    remedy: "ask for one of the two",
  },
  {
    text: coded("40000", "(?:entity segments can contain|character)"),
    of: "admin-bad-request",
    because: "the name holds a character that names may not have",
    remedy: "use letters, digits, periods, hyphens and underscores, with / between the parts of a path",
  },
  {
    text: coded("40[04]00", "forward[^]*does(?: not|n't) exist"),
    of: "admin-bad-request",
    because: "the entity that is to be forwarded to does not exist",
    remedy: "create it before the one that forwards",
  },
  {
    text: coded("40000"),
    of: "admin-bad-request",
    because: "the service does not accept a value of the request",
    remedy: "read the message; it names the property",
  },
  {
    text: coded("40400"),
    of: "admin-not-found",
    because: "there is nothing of that name in the namespace",
    remedy: "check the name, and whether it was deleted",
  },
  {
    text: coded("40100"),
    of: "admin-auth",
    because: "the identity does not have the right for this operation on this entity",
    remedy: "use a key with the Manage claim, or the role Azure Service Bus Data Owner",
  },
  {
    text: coded("40103"),
    of: "admin-auth",
    because: "the signature was not made with the key that the service has under that name",
    remedy: "check the key's name and the key; it may have been renewed",
  },
  {
    text: /\bMissingToken\b/,
    of: "admin-auth",
    because: "the request carried no token",
    remedy: "check that the credential returns one, and that no proxy takes the header away",
  },
  {
    text: /secondary namespace is read-?only/i,
    of: "admin-auth",
    because: "the namespace is the secondary one of a pair, which can only be read",
    remedy: "repeat it on the primary namespace, or by the alias of the pair",
  },
  {
    text: coded("40300"),
    of: "admin-quota",
    because: "the namespace holds as many of these as it may",
    remedy: "remove what is not needed, or move to a higher tier",
  },
  {
    text: coded("40301"),
    of: "admin-forbidden",
    because: "the service does not allow this operation on this entity",
    remedy: "read the message: a property may not be changed after creation, or the tier does not have it",
  },
  {
    text: coded("40900"),
    of: "admin-busy",
    because: "the entity's present state does not allow the operation: others change it at the same time",
    remedy: "repeated; let one process at a time change an entity",
  },
  {
    text: new RegExp(
      `${code("40901")}|conflicted with another request|another (?:update request|conflicting operation)`,
      "i",
    ),
    of: "admin-busy",
    because: "another operation on the entity is in progress",
    remedy: "repeated when that may be over",
  },
  {
    text: coded("50004"),
    of: "TH-10",
    because: "the namespace gets more requests than it takes at a time",
    remedy: "repeated no sooner than the service asks; give administration a pace of its own",
  },
  {
    text: new RegExp(`${code("5000[128]")}|error code\\s*:\\s*5000[128]\\b`, "i"),
    of: "TH-10",
    because: "the entity gets more requests than it takes at a time",
    remedy: "repeated no sooner than the service asks",
  },
  {
    text: coded("50009"),
    of: "TH-10",
    because: "the namespace spent its credits for this second; a request of administration costs ten",
    remedy: "repeated no sooner than the service asks; give administration a pace of its own",
  },
  {
    text: coded("50000"),
    of: "admin-server-error",
    because: "the service failed inside, or could not read the request",
    remedy: "repeated; if it lasts, check that no parameter is null or malformed, then ask support",
  },
];

/**
 * The rows, each that goes by an HTTP status after what the service's sub codes say of it: of the same kind and id, in more
 * precise words. Where the official client has a code of its own, that is the more precise, and the row stays alone.
 */
export function withSubCodes(rows: readonly FaultRow[]): FaultRow[] {
  return rows.flatMap((row) => {
    if (row.match.status === undefined) return [row];
    const mine = subCodes.filter(({ of }) => of === row.id);
    return [
      ...mine.map(({ text, because, remedy }) => narrowed(row, { ...row.match, text }, because, remedy)),
      row,
    ];
  });
}

/** What is said of a text that nothing else is known about, such as a line of a log. */
export function subCodeTexts(rows: readonly FaultRow[]): FaultRow[] {
  return subCodes.flatMap(({ text, of, because, remedy }) =>
    rows
      .filter(({ id }) => id === of)
      .slice(0, 1)
      .map((row) => narrowed(row, { text }, because, remedy)),
  );
}

function narrowed(row: FaultRow, match: Match, because: string, remedy: string): FaultRow {
  return { ...row, match, because, remedy };
}
