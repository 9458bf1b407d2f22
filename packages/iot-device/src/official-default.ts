import { Client } from "./client.ts";
import { ModuleClient } from "./module-client.ts";
import { officialPackage } from "./official.ts";

/** What the official package's default export has, with our clients in it. */
export const officialDefault = { ...officialPackage, Client, ModuleClient };
