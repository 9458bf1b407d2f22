import { expect, it } from "vitest";
import * as official from "azure-iot-device";
import * as ours from "@holdfast/iot-device";

it("hands on the official message class", () => {
  expect(ours.Message).toBe(official.Message);
});
