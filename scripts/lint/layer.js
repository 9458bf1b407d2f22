// A fence between layers: a file may import its own package's files and the modules its layer lists, nothing else.
// ESLint's no-restricted-imports sees neither import() nor `import("…")` types nor a relative path that climbs
// into the neighbour package; this rule does.
import { dirname, relative, resolve, sep } from "node:path";

export const layer = {
  meta: {
    type: "problem",
    schema: [
      {
        type: "object",
        properties: {
          folder: { type: "string" },
          modules: { type: "array", items: { type: "string" } },
          because: { type: "string" },
        },
        required: ["folder", "modules", "because"],
        additionalProperties: false,
      },
    ],
    messages: {
      module: '"{{name}}" may not be imported here: {{because}}.',
      outside: '"{{name}}" leaves {{folder}}: import the package by its name.',
    },
  },
  create(context) {
    const { folder, modules, because } = context.options[0];
    const root = resolve(context.cwd, folder);
    const allowed = modules.map((pattern) => new RegExp(`^(?:${pattern})$`));

    function check(source) {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const name = source.value;
      if (name.startsWith(".")) {
        const path = relative(root, resolve(dirname(context.filename), name));
        if (path.split(sep)[0] === "..") {
          context.report({ node: source, messageId: "outside", data: { name, folder } });
        }
      } else if (!allowed.some((pattern) => pattern.test(name))) {
        context.report({ node: source, messageId: "module", data: { name, because } });
      }
    }

    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source),
      TSExternalModuleReference: (node) => check(node.expression),
      'CallExpression[callee.name="require"]': (node) => check(node.arguments[0]),
    };
  },
};
