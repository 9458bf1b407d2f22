import { expect, it } from "vitest";
import * as official from "@microsoft/signalr";
import * as ours from "@holdfast/signalr";

it("exports everything that the official package exports", () => {
  expect(Object.keys(ours)).toEqual(expect.arrayContaining(Object.keys(official)));
});
