import { setImmediate } from "node:timers/promises";

import type { MacAddress } from "../../core/beat.ts";
import { type Flow, noDiversion } from "../../core/diversion.ts";
import { keepElements, loadScript, type Purpose, pickScript, type Scene } from "./rules.ts";

/** What a table in the kernel serves, and for which MAC it was written. */
export interface Load extends Purpose {
  readonly ownMac: MacAddress;
}

/** One run of nft. */
export interface Step {
  readonly script: string;
  /** For the log, where a list of thousands helps nobody. */
  readonly shown?: string;
  readonly done: () => void;
}

/** The shortest way to what is wanted, from what is there. */
export const changeScript = (
  scene: Scene,
  loaded: Load | "nothing" | "unknown",
  aim: Load,
): string => {
  const { diversion } = aim;
  const before = typeof loaded === "object" ? loaded.diversion : noDiversion;
  const picks = diversion.kind === "share" && before.kind === "share";
  const onlyPicks =
    picks && typeof loaded === "object" && same({ ...loaded, diversion }, { ...aim });
  return onlyPicks && before.to === diversion.to
    ? pickScript(scene, diversion)
    : loadScript(scene, aim);
};

export const same = (one: Load, other: Load): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** A machine whose interface is gone has no MAC. */
export const isKnown = ({ diversion, ownMac }: Load): boolean =>
  diversion.kind === "none" || (ownMac !== "" && diversion.to !== "");

/** In slices, with the heart's own work between them. */
export const keepCommands = async (
  scene: Scene,
  flows: readonly Flow[],
): Promise<readonly string[]> => {
  const lines: string[] = [];
  for (const line of keepElements(scene, flows)) {
    lines.push(line);
    await setImmediate();
  }
  return lines;
};
