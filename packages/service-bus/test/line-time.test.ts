import { virtualClock } from "@holdfast/core/testing";
import { describe, expect, it } from "vitest";
import { LineTime } from "../src/line-time.ts";

describe("a line's time", () => {
  it("counts as short until an acknowledgement was seen, and as long when the first takes long", async () => {
    const clock = virtualClock();
    const line = new LineTime(clock);
    expect(line.isShort).toBe(true);
    line.begun(0);
    await clock.advance(20);
    expect(line.isShort).toBe(true);
    line.over();
    expect(line.isShort).toBe(false);
  });

  it("is that of the measured transfer, not of those that were under way before it", async () => {
    const clock = virtualClock();
    const line = new LineTime(clock);
    line.begun(2);
    await clock.advance(1);
    line.over();
    line.over();
    line.begun(1);
    await clock.advance(49);
    line.over();
    expect(line.isShort).toBe(false);
  });

  it("is the least: one slow acknowledgement does not make a short line long, nor many fast ones leave a long one long", async () => {
    const clock = virtualClock();
    const line = new LineTime(clock);
    const measured = async (ms: number): Promise<boolean> => {
      line.begun(0);
      await clock.advance(ms);
      line.over();
      return line.isShort;
    };
    expect(await measured(1)).toBe(true);
    expect(await measured(500)).toBe(true);
    expect(await measured(1)).toBe(true);
    // Twice as long after seven measures: from 1 ms past 3 ms in a dozen.
    let measures = 1;
    while (await measured(20)) measures += 1;
    expect(measures).toBeLessThanOrEqual(13);
    expect(await measured(2)).toBe(true);
  });
});
