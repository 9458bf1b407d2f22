import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { secrets as pageSecrets } from "../src/page-secrets.ts";
import { redact } from "../src/redact.ts";

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJob2xkZmFzdCJ9.c2VjcmV0LXNpZ25hdHVyZQ";

describe("what must not leave the process", () => {
  it.each([
    [
      "a Service Bus connection string",
      "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0MQ==;EntityPath=q",
      "c2VjcmV0MQ",
    ],
    ["a SignalR connection string", "Endpoint=https://x;AccessKey=c2VjcmV0MQ==;Version=1.0;", "c2VjcmV0MQ"],
    [
      "a storage connection string",
      "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=c2VjcmV0MQ==;",
      "c2VjcmV0MQ",
    ],
    ["a key in JSON", '{"primaryKey":"c2VjcmV0MQ==","keyName":"Root"}', "c2VjcmV0MQ"],
    ["a key in spaced JSON", '{"SharedAccessKey": "c2VjcmV0MQ=="}', "c2VjcmV0MQ"],
    ["a signature in a query", "https://x/?sr=y&sig=c2VjcmV0MQ%3D&se=1", "c2VjcmV0MQ"],
    ["a signature in quotes", 'token "sig=c2VjcmV0MQ%3D" was refused', "c2VjcmV0MQ"],
    ["a SAS token", "SharedAccessSignature sr=x&sig=c2VjcmV0MQ%3D&se=1&skn=Root", "c2VjcmV0MQ"],
    ["a SAS token in another order", "SharedAccessSignature sig=c2VjcmV0MQ%3D&se=1&sr=x", "c2VjcmV0MQ"],
    [
      "a connection string with a SAS token",
      "Endpoint=sb://x/;SharedAccessSignature=SharedAccessSignature sr=x&sig=c2VjcmV0MQ&se=1",
      "c2VjcmV0MQ",
    ],
    ["an authorization header", "authorization: Bearer c2VjcmV0MQ-c2VjcmV0MQ", "c2VjcmV0MQ"],
    ["a token without a digit", "authorization: Bearer opaqueSecretOfSomeIssuer", "opaqueSecret"],
    ["a JSON Web Token in a query", `wss://x/client/?hub=h&access_token=${jwt}`, "c2VjcmV0LXNpZ25hdHVyZQ"],
    ["a JSON Web Token in prose", `The token ${jwt} has expired`, "c2VjcmV0LXNpZ25hdHVyZQ"],
    ["a client secret", "grant_type=client_credentials&client_secret=c2VjcmV0MQ&scope=x", "c2VjcmV0MQ"],
    ["a proxy's password", "connect to http://user:c2VjcmV0MQ@proxy:8080 failed", "c2VjcmV0MQ"],
  ])("removes the secret from %s", (_what, text, secret) => {
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain("<redacted");
  });

  it("keeps what helps to find the fault", () => {
    expect(redact("Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=abc=;EntityPath=q")).toBe(
      "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=<redacted>;EntityPath=q",
    );
    expect(redact("SharedAccessSignature=abc%3D failed with 401")).toBe(
      "SharedAccessSignature=<redacted> failed with 401",
    );
  });
});

describe("what must not leave a page", () => {
  const redacted = (text: string): string =>
    pageSecrets.reduce((clean, secret) => clean.replace(secret, "$1<redacted>"), text);

  it.each([
    ["a JSON Web Token in a query", `wss://x/client/?hub=h&access_token=${jwt}&id=1`],
    ["a JSON Web Token in prose", `The token ${jwt} has expired`],
    ["a JSON Web Token in a header", `authorization: Bearer ${jwt}`],
    ["another token in a query", "https://x/chat?access_token=c2VjcmV0LXNpZ25hdHVyZQ&id=1"],
    ["a token in JSON", '{"accessToken":"c2VjcmV0LXNpZ25hdHVyZQ"}'],
    ["another token in a header", "authorization: Bearer c2VjcmV0LXNpZ25hdHVyZQ"],
  ])("removes %s", (_what, text) => {
    expect(redacted(text)).not.toContain("c2VjcmV0LXNpZ25hdHVyZQ");
    expect(redacted(text)).toContain("<redacted>");
  });

  it.each([
    "WebSocket closed with status code: 1006 (no reason given).",
    "Unauthorized: Status code '401'",
    "https://x/client/?hub=chat&id=1",
  ])("leaves %j alone", (text) => {
    expect(redacted(text)).toBe(text);
  });
});

describe("what may be read", () => {
  it.each([
    "The request was terminated because the entity is being throttled. Error code: 50009.",
    "Put token failed. status-code: 403, status-description: The maximum number of '1000' tokens per connection.",
    "The Bearer token has expired",
    'WWW-Authenticate: Bearer realm="x"',
    "Check the SharedAccessKeyName; the AccessKey: it is missing",
    "design=round; assign=1",
    "connect ECONNREFUSED 127.0.0.1:5671",
    "sb://orders.servicebus.windows.net/queue",
    "",
  ])("leaves %j alone", (text) => {
    expect(redact(text)).toBe(text);
  });

  it("leaves text without any of the words alone", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9 .,:'()\n-]{0,80}$/), (text) => {
        fc.pre(!/bearer|eyj/i.test(text));
        expect(redact(text)).toBe(text);
      }),
    );
  });
});

it("changes nothing when applied to its own result", () => {
  const parts = fc.constantFrom(
    ...[
      "SharedAccessKey=",
      "SharedAccessSignature=",
      "SharedAccessSignature ",
      "sr=",
      "&sig=",
      "sig=",
      "AccountKey=",
    ],
    ...[
      "Bearer ",
      jwt,
      "eyJ",
      ".",
      " ",
      ";",
      "&",
      '"',
      "'",
      "abc123",
      "://user:",
      "@",
      "password=",
      '"accessKey": "',
      "<redacted>",
    ],
  );
  const text = fc
    .array(fc.oneof({ weight: 4, arbitrary: parts }, fc.string()), { maxLength: 12 })
    .map((all) => all.join(""));
  fc.assert(
    fc.property(text, (given) => {
      const once = redact(given);
      expect(redact(once)).toBe(once);
    }),
    { numRuns: 2_000 },
  );
});
