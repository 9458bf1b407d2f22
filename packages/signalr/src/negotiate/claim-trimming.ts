import { badOption } from "@holdfast/core";
import { isReserved, renamed, sizesOf, type Claims, type DroppedClaim } from "./claims.ts";
import { tokenLength } from "./json-web-token.ts";

/** Which of a user's claims go into the token. */
export interface TrimClaims {
  /** The names that clients' hubs need. Nothing else passes. */
  readonly allow: readonly string[];
  /**
   * When the allowed claims are still too many: drop the largest first until the token fits, sparing those in `required`.
   * Default false, because a hub that authorizes by a dropped claim decides otherwise than it should: then negotiating
   * is answered with 413.
   */
  readonly greedy?: boolean;
  /** Allowed claims that `greedy` never drops. Default none. */
  readonly required?: readonly string[];
}

/** What is left of a user's claims. */
export interface TrimmedClaims {
  /** Under the names that the token needs. */
  readonly claims: Claims;
  readonly dropped: readonly DroppedClaim[];
}

/** Checks the option. @throws HoldfastError `misconfigured` */
export function checkTrimClaims(options: TrimClaims): TrimClaims {
  const { allow, required = [] } = options;
  if (!isNames(allow)) throw badOption("trimClaims.allow", allow, "an array of claim names");
  if (!isNames(required)) throw badOption("trimClaims.required", required, "an array of claim names");
  const stranger = required.find((name) => !allow.includes(name));
  if (stranger !== undefined) throw badOption("trimClaims.required", stranger, "among trimClaims.allow");
  return options;
}

/**
 * Takes out what may not or need not go into the token.
 *
 * @param own - what the token holds in any case
 * @param maxChars - how long the token may be, for `greedy`
 */
export function trim(
  given: Claims,
  options: TrimClaims | undefined,
  own: Claims,
  maxChars: number,
): TrimmedClaims {
  const dropped: DroppedClaim[] = [];
  let kept: Claims = {};
  for (const size of sizesOf(given).reverse()) {
    const { name } = size;
    const because = isReserved(name)
      ? "reserved"
      : options !== undefined && !options.allow.includes(name)
        ? "not-allowed"
        : undefined;
    if (because === undefined) kept = { ...kept, [name]: given[name] };
    else dropped.push({ ...size, because });
  }
  const fits = (): boolean => tokenLength({ ...renamed(kept), ...own }) <= maxChars;
  if (options?.greedy === true && !fits()) {
    for (const size of sizesOf(kept)) {
      if (options.required?.includes(size.name) === true) continue;
      const { [size.name]: _largest, ...rest } = kept;
      kept = rest;
      dropped.push({ ...size, because: "too-large" });
      if (fits()) break;
    }
  }
  return { claims: renamed(kept), dropped };
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
