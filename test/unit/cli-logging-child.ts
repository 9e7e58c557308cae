/** Writes to the log of a process of its own, whose standard error the test has chosen. */
import { createLog } from "../../src/cli/logging.ts";

const count = Number(process.argv[2]);
const log = await createLog({ level: "info", file: undefined }, () => {});
for (let number = 1; number <= count; number++) {
  log.info(`line ${number} ${"x".repeat(100)}`);
  if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
}
log.warning("careful\nnow");
log.error("wrong");
process.stdout.write(`${process.stderr.writableLength}\n`);
await log.settled();
process.exit(0);
