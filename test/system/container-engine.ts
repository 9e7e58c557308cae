import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "../../src/practice/command.ts";
import { ensureTools } from "../../src/practice/tools.ts";
import { until } from "../../src/practice/wait.ts";

/** The engine that runs, or one that is started for this test and ended with it. */
export async function startEngine(): Promise<AsyncDisposable> {
  // The reaper would be pulled from a registry; what is started here is ended here.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  // No port is published, so the gateway of a bridge, which this engine lacks, is of no interest.
  process.env["TESTCONTAINERS_HOST_OVERRIDE"] = "localhost";
  await ensureTools(
    [
      { command: "docker", package: "docker.io" },
      { command: "dockerd", package: "docker.io" },
    ],
    console.log,
  );
  if ((await run(["docker", "version"])).ok) return { async [Symbol.asyncDispose]() {} };
  const place = mkdtempSync(join(tmpdir(), "failover-engine-"));
  const at = (name: string): string => join(place, name);
  const host = `unix://${at("docker.sock")}`;
  process.env["DOCKER_HOST"] = host;
  const places = ["--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid")];
  // It ends with this process, even when that is killed.
  const engine = spawn(
    "setpriv",
    ["--pdeathsig", "TERM", "dockerd", ...places, "--host", host, "--bridge", "none"],
    { stdio: "ignore" },
  );
  const ended = new Promise((resolve) => engine.once("exit", resolve));
  const answers = async (): Promise<boolean> => (await run(["docker", "version"])).ok;
  await until("the container engine answers", answers, { within: 30_000, every: 200 });
  return {
    async [Symbol.asyncDispose]() {
      engine.kill("SIGTERM");
      await ended;
      // What is built in the network of the host leaves this one mounted.
      await run(["umount", at("exec/netns/default")]);
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/**
 * Machines have processors of their own. All containers of an engine together have, without this, the share of
 * one process of the host, whatever weight an agent has among its neighbours.
 */
export function giveProcessors(): void {
  const shares = [
    ["/sys/fs/cgroup/cpu/docker/cpu.shares", "16384"],
    ["/sys/fs/cgroup/docker/cpu.weight", "1600"],
  ] as const;
  // An engine that systemd keeps accounts for has other groups.
  for (const [file, share] of shares) if (existsSync(file)) writeFileSync(file, share);
}
