import { isIP } from "node:net";

import type { Order } from "../core/event.ts";
import { type Millis, millis } from "../core/time.ts";
import type { Status, WaitingStatus } from "./status.ts";
import type { WaitingSwap } from "./waiting-file.ts";

/**
 * What is spoken on the control socket: one JSON object a line, each with the version of the
 * protocol.
 *
 *   → {"failover":1,"ask":"status"}
 *   ← {"failover":1,"say":"status","status":{…}}
 *
 *   → {"failover":1,"ask":"follow"}              and from then on, whenever something changed:
 *   ← {"failover":1,"say":"status","status":{…}}
 *
 *   → {"failover":1,"ask":"order","order":{"kind":"release"}}
 *   ← {"failover":1,"say":"accepted"}
 *
 *   → {"failover":1,"ask":"wait","swap":{"id":"0123456789ab","node":"backup","at":1795318800000}}
 *   → {"failover":1,"ask":"call-off","id":"0123456789ab"}
 *   ← {"failover":1,"say":"accepted"}
 *
 *   → {"failover":1,"ask":"waiting"}
 *   ← {"failover":1,"say":"waiting","swaps":[…]}
 *
 *   ← {"failover":1,"say":"error","sentence":"…"}  to anything else
 *
 * A connection may ask several times; answers come in the order of the questions.
 */
const controlVersion = 1;

/** Of a preview: enough for a team, and a rule of the kernel holds them all. */
const testersMax = 64;

/** Longer lines end the connection: a request is small, and nobody's memory is for rent. */
export const requestBytesMax = 64 * 1024;

export type Request =
  | { readonly ask: "status" }
  | { readonly ask: "follow" }
  | { readonly ask: "order"; readonly order: Order }
  | { readonly ask: "wait"; readonly swap: WantedSwap }
  | { readonly ask: "waiting" }
  | { readonly ask: "call-off"; readonly id: string };

/** `at`: its hour, in milliseconds since 1970. */
export type WantedSwap = Pick<WaitingSwap, "id" | "node" | "at">;

export type Answer =
  | { readonly say: "status"; readonly status: Status }
  | { readonly say: "accepted" }
  | { readonly say: "waiting"; readonly swaps: readonly WaitingStatus[] }
  | { readonly say: "error"; readonly sentence: string };

export type ParsedRequest =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "malformed"; readonly sentence: string };

export function encodeLine(message: Request | Answer): string {
  const endless = (_key: string, value: unknown) =>
    value === Number.POSITIVE_INFINITY ? "wait" : value;
  return `${JSON.stringify({ failover: controlVersion, ...message }, endless)}\n`;
}

/** Reads what a stranger wrote; never throws. */
export function parseRequest(line: string): ParsedRequest {
  const message = parseObject(line);
  if (message === undefined) return malformed("it is no JSON object");
  if (message["failover"] !== controlVersion) {
    return malformed(`its version is not ${controlVersion}; use the failover of this agent`);
  }
  switch (message["ask"]) {
    case "status":
      return { kind: "request", request: { ask: "status" } };
    case "follow":
      return { kind: "request", request: { ask: "follow" } };
    case "order": {
      const order = parseOrder(message["order"]);
      return order === undefined
        ? malformed("its order is unknown or incomplete")
        : { kind: "request", request: { ask: "order", order } };
    }
    case "wait": {
      const swap = parseSwap(message["swap"]);
      return swap === undefined
        ? malformed("its swap is incomplete")
        : { kind: "request", request: { ask: "wait", swap } };
    }
    case "waiting":
      return { kind: "request", request: { ask: "waiting" } };
    case "call-off":
      return isId(message["id"])
        ? { kind: "request", request: { ask: "call-off", id: message["id"] } }
        : malformed("its id is none");
    default:
      return malformed("it asks none of status, follow, order, wait, waiting and call-off");
  }
}

/** Reads what the agent wrote; undefined when that is no answer of this version. */
export function parseAnswer(line: string): Answer | undefined {
  const message = parseObject(line);
  if (message?.["failover"] !== controlVersion) return undefined;
  const { say, status, sentence, swaps } = message;
  if (say === "accepted") return { say };
  if (say === "error" && typeof sentence === "string") return { say, sentence };
  // The socket belongs to root or to us, and so does what an agent says of itself on it.
  if (say === "waiting" && Array.isArray(swaps)) {
    return { say, swaps: swaps as readonly WaitingStatus[] };
  }
  if (say === "status" && isObject(status)) return { say, status: status as unknown as Status };
  return undefined;
}

function parseOrder(value: unknown): Order | undefined {
  if (!isObject(value)) return undefined;
  const { kind, id } = value;
  if (kind === "release" || kind === "freeze" || kind === "thaw" || kind === "recall")
    return { kind };
  if (!isId(id)) return undefined;
  if (kind === "promote") return parsePromote(value, id);
  return kind === "preview" ? parsePreview(value, id) : undefined;
}

function parsePromote(value: Readonly<Record<string, unknown>>, id: string): Order | undefined {
  const { node, cut, hold } = value;
  if (typeof node !== "string" || node.length > 32 || typeof cut !== "boolean") return undefined;
  const drainTime = value["drainTime"] === undefined ? undefined : parseSpan(value["drainTime"]);
  if (drainTime === undefined && value["drainTime"] !== undefined) return undefined;
  if (hold === undefined) return { kind: "promote", node, id, cut, hold, drainTime };
  if (!isObject(hold)) return undefined;
  const { share } = hold;
  const span = parseSpan(hold["span"]);
  if (typeof share !== "number" || !(share > 0 && share <= 1) || span === undefined)
    return undefined;
  return { kind: "promote", node, id, cut, hold: { share, span }, drainTime };
}

function parsePreview(value: Readonly<Record<string, unknown>>, id: string): Order | undefined {
  const { testers } = value;
  const span = parseSpan(value["span"]);
  const known =
    Array.isArray(testers) &&
    testers.length > 0 &&
    testers.length <= testersMax &&
    testers.every((tester): tester is string => typeof tester === "string" && isIP(tester) > 0);
  return known && span !== undefined ? { kind: "preview", id, testers, span } : undefined;
}

/** Milliseconds; `"wait"` is without end, for which JSON has no number. */
function parseSpan(value: unknown): Millis | undefined {
  if (value === "wait") return millis(Number.POSITIVE_INFINITY);
  return typeof value === "number" && Number.isFinite(value) && value >= 0
    ? millis(value)
    : undefined;
}

function parseSwap(value: unknown): WantedSwap | undefined {
  if (!isObject(value)) return undefined;
  const { id, node, at } = value;
  const named = isId(id) && typeof node === "string" && node.length <= 32;
  // Beyond this many milliseconds there is no calendar to print the hour by.
  const hour = Number.isSafeInteger(at) && Math.abs(at as number) <= 8.64e15;
  return named && hour ? { id, node, at: at as number } : undefined;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{12}$/.test(value);
}

function malformed(found: string): ParsedRequest {
  return { kind: "malformed", sentence: `Cannot understand the request: ${found}` };
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
