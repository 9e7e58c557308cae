import { ensureTools, labTools, testTools } from "../src/practice/tools.ts";

/** What the system tests and measurements need beside Node: installed where root can, named where not. */
await ensureTools([...labTools, ...testTools], (sentence) => console.log(sentence));
