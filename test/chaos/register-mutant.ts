import { register } from "node:module";

register("./mutant-hooks.ts", import.meta.url);
