import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { openPlace } from "./log-server.ts";

test("compiled, the thread is found beside the compiled watch", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const place = openPlace();
  writeFileSync(join(place, "access.log"), "");
  const config = {
    extends: join(root, "tsconfig.build.json"),
    include: [join(root, "src/traffic")],
  };
  const compilerOptions = {
    rootDir: join(root, "src"),
    outDir: place,
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(join(place, "tsconfig.json"), JSON.stringify({ ...config, compilerOptions }));
  writeFileSync(join(place, "package.json"), '{ "type": "module" }');
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", place]);
  const use = `
    import { watchTraffic } from "./traffic/watch.js";
    const watch = watchTraffic({ paths: ["access.log"], format: "auto", onCount() {}, onTrouble() {} });
    await watch.start();
    console.log((await watch.recent(1000)).requests);
    await watch[Symbol.asyncDispose]();
  `;
  writeFileSync(join(place, "use.js"), use);
  const said = execFileSync(process.execPath, ["use.js"], { cwd: place, encoding: "utf8" });
  expect(said).toBe("0\n");
});
