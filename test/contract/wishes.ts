import { noDiversion } from "../../src/core/diversion.ts";
import type { Wish } from "../../src/core/effect.ts";

/** What a host is asked for, most often. */
export const absent: Wish = {
  address: "absent",
  silent: "absent",
  door: "open",
  link: "needed",
  diversion: noDiversion,
};
export const held: Wish = { ...absent, address: "present" };
export const silent: Wish = { ...absent, silent: "present" };
