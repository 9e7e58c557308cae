import { serviceAddress } from "./network.ts";
import type { SceneResult, Stage } from "./stage.ts";
import { now, pause, until } from "./wait.ts";

export interface Scene {
  readonly title: string;
  readonly play: (stage: Stage, title: string) => Promise<SceneResult>;
}

/** In this order: every scene begins where the one before ended. The primary serves at first. */
export const scenes: readonly Scene[] = [
  { title: "The primary loses its power", play: powerCut },
  { title: "The dead machine comes back", play: returnOfTheDead },
  { title: "The service goes home, as planned", play: swapBack },
  { title: "A swap whose proof fails", play: failedSwap },
  { title: "An agent crashes and is restarted", play: agentRestarted },
  { title: "An agent dies for good", play: agentDead },
];

async function powerCut(stage: Stage, title: string): Promise<SceneResult> {
  const { lab, narrator } = stage;
  narrator.done("the primary's plug is pulled: every process gone, every link down, no goodbye");
  narrator.expected("the backup hears nothing, asks around, and takes the address by itself");
  await pause(500);
  stage.begin();
  await lab.machines.primary.powerCut();
  await stage.served("backup", 15_000);
  await stage.settled();
  return stage.end(title, "backup", ["primary", "backup"]);
}

async function returnOfTheDead(stage: Stage, title: string): Promise<SceneResult> {
  const { lab, narrator } = stage;
  narrator.done("the primary gets its power back: it boots, its web server and its agent start");
  narrator.expected("it stands by; whoever serves goes on serving, and the client sees nothing");
  stage.begin();
  await lab.machines.primary.powerBack();
  await lab.webs.primary.start();
  await lab.agents.primary.start();
  await lab.agents.primary.untilRole("standby", 20_000);
  await pause(1500);
  return stage.end(title, "backup");
}

async function swapBack(stage: Stage, title: string): Promise<SceneResult> {
  const { narrator } = stage;
  narrator.expected("the primary proves that it can serve, takes over, and proves that it does");
  stage.begin();
  await stage.type("backup", ["promote", "primary"], 0);
  await stage.served("primary", 5000);
  await stage.settled();
  return stage.end(title, "primary", ["backup", "primary"], true);
}

async function failedSwap(stage: Stage, title: string): Promise<SceneResult> {
  const { lab, narrator } = stage;
  narrator.done(
    "the backup's web server is broken: it has pages for itself, and errors for others",
  );
  narrator.expected("the access_log shows the errors, and everything is put back as it was");
  await lab.webs.backup.change({ pages: "errors-for-others" });
  stage.begin();
  await stage.type("primary", ["promote", "backup"], 4);
  await stage.served("primary", 10_000);
  await stage.settled();
  const result = await stage.end(title, "primary");
  await lab.webs.backup.change({});
  return result;
}

async function agentRestarted(stage: Stage, title: string): Promise<SceneResult> {
  const { lab, narrator } = stage;
  narrator.done("the primary's agent is killed with SIGKILL, and started again as systemd would");
  narrator.expected("the address stays where it is, on its lease; the client sees nothing");
  stage.begin();
  await lab.agents.primary.kill("SIGKILL");
  await lab.agents.primary.start();
  await lab.agents.primary.untilRole("holding", 5000);
  // Longer than the lease: the agent that started holds the address, not the memory of the old one.
  await pause(3000);
  return stage.end(title, "primary");
}

async function agentDead(stage: Stage, title: string): Promise<SceneResult> {
  const { lab, narrator } = stage;
  narrator.done("the primary's agent is killed with SIGKILL, and nothing restarts it");
  narrator.expected("the primary's kernel lets go when the lease ends, then the backup takes over");
  const killed = stage.begin();
  await lab.agents.primary.kill("SIGKILL");
  const has = (): Promise<boolean> => lab.machines.primary.has(serviceAddress);
  await until("the primary's kernel let go", async () => !(await has()), { within: 10_000 });
  const after = now() - killed;
  narrator.happened(`the kernel removed the address ${(after / 1000).toFixed(1)} s after the kill`);
  stage.check(after <= leaseMillis + 1000 + pollingMillis, "the kernel let go too late");
  await stage.served("backup", 15_000);
  await stage.settled();
  return stage.end(title, "backup", ["primary", "backup"]);
}

/** The default of the configuration, which the practice leaves alone. */
const leaseMillis = 2000;
/** What looking at the kernel's addresses again and again may add. */
const pollingMillis = 150;
