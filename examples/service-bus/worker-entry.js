import { register } from "tsx/esm/api";

// Threads do not inherit `--import tsx`. Code that is built before it runs starts its worker directly.
register();
await import("./worker.ts");
