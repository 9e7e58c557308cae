import type { MacAddress } from "./beat.ts";
import { type Diversion, type DiversionWish, noDiversion } from "./diversion.ts";
import type { Wish } from "./effect.ts";
import type { State } from "./state.ts";
import type { Drain, Giving, Receiving } from "./swap.ts";

/** What this machine's kernel should have now. */
export function wish(state: State): Wish {
  const { role, handover } = state;
  const closing =
    handover.kind === "giving" && (handover.phase === "closing" || handover.phase === "release");
  return {
    address: holds(role) ? "present" : "absent",
    silent: silently(state) ? "present" : "absent",
    door: closing ? "closed" : "open",
    // Up well before the address comes: a carrier takes seconds.
    link: role.kind === "standby" && handover.kind === "none" ? "free" : "needed",
    diversion: diversion(state),
  };
}

const holds = (role: State["role"]): boolean => role.kind === "take" || role.kind === "hold";

/** Connections begin or end at the address while the other machine is the one that answers for it. */
function silently({ role, handover }: State): boolean {
  switch (handover.kind) {
    case "none":
      return false;
    case "wanting":
      return handover.serving && !holds(role);
    case "giving":
      return silentWhileGiving[handover.phase] === true && role.kind !== "take";
    case "receiving":
      return silentWhileReceiving[handover.phase] === true;
  }
}

/** Up before the address goes, so that it is never missing here. */
const silentWhileGiving: Partial<Record<Giving["phase"], true>> = {
  turning: true,
  moving: true,
  draining: true,
};

/** Down when the address has been taken: in `taking`, that is observed first. */
const silentWhileReceiving: Partial<Record<Receiving["phase"], true>> = {
  silencing: true,
  rehearsing: true,
  ready: true,
  serving: true,
  proved: true,
  placed: true,
  receding: true,
};

function diversion({ role, handover, peer }: State): DiversionWish {
  const heard = peer.kind === "heard" ? peer.beat.mac : undefined;
  switch (handover.kind) {
    case "none":
    case "wanting":
      return noDiversion;
    case "receiving":
      if (handover.phase === "resetting") return { kind: "reset" };
      return handsBack(handover) ? { kind: "kept", to: heard ?? handover.to } : noDiversion;
    case "giving":
      return handover.way.kind === "cut"
        ? noDiversion
        : given(role, handover, handover.way, heard ?? handover.to);
  }
}

function handsBack({ phase, step, provisional }: Receiving): boolean {
  switch (phase) {
    case "serving":
    case "proved":
    case "placed":
    case "keeping":
      return true;
    case "taking":
      return step > -1;
    case "verifying":
      return provisional;
    default:
      return false;
  }
}

function given(role: State["role"], giving: Giving, way: Drain, to: MacAddress): DiversionWish {
  const share = (of: number, testers: readonly string[]): Diversion => ({
    kind: "share",
    to,
    share: of,
    testers,
  });
  switch (giving.phase) {
    case "measuring":
    case "prepare":
    case "recalling":
      return role.kind === "hold" ? share(0, []) : noDiversion;
    case "diverting":
    case "listing":
    case "telling":
      return role.kind === "hold" ? share(way.steps[way.step] ?? 0, way.testers) : noDiversion;
    case "resetting":
      return role.kind === "hold" ? { kind: "reset" } : noDiversion;
    case "turning":
      return role.kind === "hold" ? { kind: "all-but-kept", to } : noDiversion;
    case "moving":
      // Taken back: what the target serves, if its kernel lives, still finds it.
      return role.kind === "take" ? share(0, []) : { kind: "all-but-kept", to };
    case "draining":
    case "lingering":
    case "watching":
      return holds(role) ? noDiversion : { kind: "all-but-kept", to };
    default:
      return noDiversion;
  }
}
