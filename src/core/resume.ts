import { recall } from "./draining.ts";
import type { SwapMark } from "./effect.ts";
import { asConfigured, drainAs } from "./giving.ts";
import { type Phase, phase } from "./phase.ts";
import type { Policy } from "./policy.ts";
import type { State } from "./state.ts";
import { type Giving, noCounts, type Receiving } from "./swap.ts";
import type { Instant } from "./time.ts";

/**
 * The agent was restarted in the middle of a swap: what its kernel does for connections goes on. A holder
 * that had not given the address rolls back; everybody else goes on where the last agent was.
 */
export function resumed(
  { id, stage, to }: SwapMark,
  state: State,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const goesOn = `Swap ${id}: the agent was restarted, and goes on`;
  const receiving: Receiving = {
    kind: "receiving",
    id,
    since: now,
    to,
    phase: "serving",
    baseline: noCounts,
    counted: noCounts,
    step: -1,
    share: 1,
    provisional: false,
    tagged: false,
    reason: "",
  };
  const giving: Giving = {
    kind: "giving",
    id,
    since: now,
    to,
    way: { ...drainAs(asConfigured, policy), steps: [1] },
    phase: "draining",
    baseline: noCounts,
    taggedAt: undefined,
    reason: "",
  };
  const holds = state.role.kind === "hold";
  switch (stage) {
    case "diverted":
      return holds ? recall(giving, "the holder's agent was restarted", now) : undefined;
    case "recalling": {
      const reason = "the holder's agent was restarted during the rollback";
      return holds ? phase({ ...giving, phase: "recalling", reason }) : undefined;
    }
    case "draining":
      return holds ? undefined : phase(giving, goesOn);
    case "serving":
      return holds ? undefined : phase(receiving, goesOn);
    case "receding":
      return holds ? undefined : phase({ ...receiving, phase: "receding" });
    case "keeping":
      return holds ? phase({ ...receiving, phase: "keeping", step: 0 }, goesOn) : undefined;
    case "verifying":
      return holds
        ? {
            handover: { ...receiving, phase: "verifying" },
            effects: [{ kind: "count-traffic", id, step: -1, of: "all" }],
            why: `Swap ${id}: verifying goes on after a restart of the agent`,
          }
        : undefined;
  }
}
