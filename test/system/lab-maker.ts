/** Makes a lab, starts something in it that can be recognised from outside, says what, and waits to be killed. */
import { Lab } from "../../src/practice/lab.ts";

const lab = await Lab.create();
await lab.startWebs();
const marker = `31337.${process.pid}`;
await lab.machines.primary.spawn(["sleep", marker]);
process.stdout.write(`${marker}\n`);
