import { describe, expect, it } from "vitest";
import { parseConnectionString } from "@holdfast/signalr/negotiate";

describe("parseConnectionString", () => {
  it.each([
    [
      "Endpoint=https://c.service.signalr.net;AccessKey=a+b/c==;Version=1.0;",
      "https://c.service.signalr.net",
      "a+b/c==",
    ],
    [
      "Endpoint=https://c.service.signalr.net;Version=1.0;AccessKey=a+b/c==",
      "https://c.service.signalr.net",
      "a+b/c==",
    ],
    ["ENDPOINT=https://c.service.signalr.net/; accesskey = k ", "https://c.service.signalr.net", "k"],
    ["Endpoint=http://localhost;Port=8888;AccessKey=k;Version=1.0;", "http://localhost:8888", "k"],
    [
      "Endpoint=https://c.service.signalr.net;AuthType=azure.msi;Version=1.0;",
      "https://c.service.signalr.net",
      undefined,
    ],
  ])("reads %s", (text, endpoint, accessKey) => {
    expect(parseConnectionString(text)).toEqual({ endpoint, clientEndpoint: endpoint, accessKey });
  });

  it("sends clients to ClientEndpoint when there is one", () => {
    const text =
      "Endpoint=https://c.service.signalr.net;AccessKey=k;ClientEndpoint=https://gateway.example/signalr/";
    expect(parseConnectionString(text)).toMatchObject({
      endpoint: "https://c.service.signalr.net",
      clientEndpoint: "https://gateway.example/signalr",
    });
  });

  it.each([
    ["AccessKey=topsecret", /a string with Endpoint=/],
    [
      "Endpoint=c.service.signalr.net;AccessKey=topsecret",
      /Endpoint must be an absolute http: or https: URL/,
    ],
    ["Endpoint=https://c;AccessKey=topsecret;Version=2.0", /of Version=1/],
    ["Endpoint=https://c;AccessKey=topsecret;Port=0", /Port is 1 to 65535/],
    ["Endpoint=https://c;Endpoint=https://d;AccessKey=topsecret", /names each property once/],
    ["Endpoint=https://c;AccessKey=topsecret;ClientEndpoint=d", /ClientEndpoint must be an absolute/],
  ])("refuses %s without repeating the key", (text, message) => {
    const refused = (): unknown => parseConnectionString(text);
    expect(refused).toThrow(message);
    expect(refused).not.toThrow(/topsecret/);
  });
});
