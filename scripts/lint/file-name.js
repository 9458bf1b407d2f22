// A file is the noun a reader would search for, in kebab-case; a name that could hold anything will.
import { relative, sep } from "node:path";

const VAGUE = new Set(["util", "utils", "helper", "helpers", "common", "manager", "managers"]);
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;

export const fileName = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: {
      vague: '"{{name}}" says nothing about its content: name it after its one concept.',
      several: '"{{name}}" is two concepts: split it.',
      kebab: '"{{name}}" is not in kebab-case.',
    },
  },
  create(context) {
    return {
      Program(node) {
        for (const name of relative(context.cwd, context.filename).split(sep)) {
          const words = name.split(/[-.]/);
          if (words.some((word) => VAGUE.has(word))) {
            context.report({ node, messageId: "vague", data: { name } });
          }
          if (words.includes("and")) context.report({ node, messageId: "several", data: { name } });
          if (!KEBAB_CASE.test(name)) context.report({ node, messageId: "kebab", data: { name } });
        }
      },
    };
  },
};
