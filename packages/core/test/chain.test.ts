import fc from "fast-check";
import { expect, it } from "vitest";
import { Chain, type ChainLink } from "@holdfast/core";

it("keeps the order of those who came, whoever leaves, and lets nobody leave twice", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 60 }), (steps) => {
      const chain = new Chain<number>();
      const links: ChainLink<number>[] = [];
      const model = new Set<number>();
      steps.forEach((leaver, value) => {
        if (leaver === undefined) {
          links.push(chain.add(value));
          model.add(value);
        } else if (links.length > 0) {
          const link = links[leaver % links.length];
          link?.leave();
          if (link !== undefined) model.delete(link.value);
        }
        expect(chain.values()).toEqual([...model]);
        expect(chain.size).toBe(model.size);
        expect(chain.first).toBe([...model][0]);
      });
    }),
  );
});
