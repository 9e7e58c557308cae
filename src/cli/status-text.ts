import type { NetworkView, PublicRole } from "../core/beat.ts";
import { counted } from "../core/counted.ts";
import { oneLine } from "./logging.ts";
import { happened, span } from "./spans.ts";
import type {
  HandoverEnd,
  HandoverStatus,
  PathStatus,
  Status,
  TrafficCounts,
  WaitingStatus,
} from "./status.ts";
import type { Paint, Style } from "./terminal.ts";

/** The status as an administrator reads it, most important first; one line each. */
export function statusLines(status: Status, paint: Paint): string[] {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["holder", [`${status.holder ?? "nobody is known"}, for ${lasting(status.ages.holder)}`]],
    ["why", [`${oneLine(status.why)} (${lasting(status.ages.why)})`]],
    ["address", addressLines(status, paint)],
    ["service", [serviceLine(status, paint)]],
    ["network", [`${networkWords(status.network)}, since ${lasting(status.network.age)}`]],
    ["witness", [witnessLine(status, paint)]],
    ["peer", peerLines(status, paint)],
    ["paths", status.paths.flatMap((path) => pathLines(path, paint))],
    ["handover", [handoverLine(status.handover, status.swap.minRequests)]],
    ["last", [lastLine(status.lastHandover)]],
    ["waiting", status.waiting.map(waitingLine)],
    ["alerts", alertLines(status, paint)],
  ];
  return [headline(status, paint), "", ...rows.flatMap(([name, lines]) => section(name, lines))];
}

function headline(status: Status, paint: Paint): string {
  const { pair, node, role, epoch, blind, released, frozen, ages } = status;
  const words = [
    `${paint(roleStyle(role), role)} for ${lasting(ages.role)}`,
    `epoch ${epoch}${blind ? " (blind)" : ""}`,
    ...(released ? [paint("yellow", "released")] : []),
    ...(frozen ? [paint("yellow", "frozen")] : []),
  ];
  return `${paint("bold", `${pair} on ${node}`)}: ${words.join(", ")}`;
}

function addressLines({ addresses }: Status, paint: Paint): string[] {
  const width = Math.max(0, ...addresses.map(({ address }) => address.length));
  return addresses.map(({ address, interface: device, present, age }) => {
    const word = present ? paint("green", "here") : paint("dim", "not here");
    return `${address.padEnd(width)}  ${device}  ${word}, ${happened("observed", age)}`;
  });
}

function serviceLine({ service: { health, port, age } }: Status, paint: Paint): string {
  const word = health === "failed" ? paint("red", health) : health;
  return `${word}, port ${port} ${happened("seen listening", age)}`;
}

function networkWords({
  carrier,
  peer,
  witness,
}: Omit<NetworkView, "carrier"> & { readonly carrier: boolean | null }): string {
  const words = [
    carrier === null ? "interface not in use" : carrier ? "carrier" : "no carrier",
    peer ? "peer heard" : "peer not heard",
    witness ? "witness seen" : "witness not seen",
  ];
  return words.join(", ");
}

function witnessLine({ witness: { addresses, seenAge, broken } }: Status, paint: Paint): string {
  if (addresses.length === 0) return "none";
  const doubt = broken ? paint("yellow", ", no evidence") : "";
  return `${addresses.join(", ")} ${happened("seen", seenAge)}${doubt}`;
}

function peerLines({ peer, agent }: Status, paint: Paint): string[] {
  const heard = happened("heard", peer.heardAge);
  if (peer.heardAge === null || peer.role === null) {
    return [`${peer.node}: ${paint("yellow", heard)}`];
  }
  const words = [
    paint(roleStyle(peer.role), peer.role),
    `epoch ${peer.epoch}`,
    peer.able === true ? "able to take over" : paint("yellow", "not able to take over"),
    ...(peer.released === true ? [paint("yellow", "released")] : []),
    `service ${peer.service}`,
  ];
  const same = peer.configuration === agent.configuration;
  return [
    `${peer.node}: ${words.join(", ")}`,
    `${heard}, ${happened("heard us", peer.hearsUsAge)}`,
    ...(peer.network === null ? [] : [`there: ${networkWords(peer.network)}`]),
    ...(same ? [] : [paint("red", `other configuration: ${peer.configuration}`)]),
  ];
}

function pathLines(path: PathStatus, paint: Paint): string[] {
  const words = happened("heard", path.heardAge);
  const heard = path.heardAge === null ? paint("yellow", words) : words;
  const dropped = Object.entries(path.dropped).filter(([, count]) => count > 0);
  const drops = dropped.map(([reason, count]) => `${count} ${reason}`).join(", ");
  const gap =
    path.longestGap === null || path.deadTimeForGap === null
      ? []
      : [`  longest gap ${span(path.longestGap)}: deadTime ${span(path.deadTimeForGap)} would do`];
  const kind = path.service ? " (service network)" : "";
  return [
    `${path.name}${kind}: ${heard}, ${happened("heard us", path.hearsUsAge)}`,
    `  received ${path.received}, sent ${path.sent}${drops === "" ? "" : `, dropped ${drops}`}`,
    ...gap,
  ];
}

function handoverLine(handover: HandoverStatus | null, needed: number): string {
  if (handover === null) return "none";
  const { from, to, phase, phaseAge, served, reason } = handover;
  const counts = served === null ? "" : `, ${countWords(served, needed)}`;
  const why = reason === "" ? "" : `: ${oneLine(reason)}`;
  return `${from} → ${to}: ${phase} for ${span(phaseAge)}${shareWords(handover)}${counts}${why}`;
}

/** In drain mode: what is handed over, and where connections end. */
function shareWords({ mode, share, held, from, to, connections, stragglers }: HandoverStatus) {
  if (mode === "cut") return "";
  const at = (name: string, count: number | null) =>
    count === null ? "" : `, ${counted(count, "connection")} on ${name}`;
  const late = stragglers ? `, ${counted(stragglers, "straggler")}` : "";
  const stays = held ? ", held" : "";
  return `, ${percent(share)} of new connections${stays}${at(from, connections.from)}${at(to, connections.to)}${late}`;
}

/** `5 %`, `0.5 %`, `100 %`. */
export const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

function lastLine(last: HandoverEnd | null): string {
  if (last === null) return "no handover since the agent started";
  const counts = last.served === null ? "" : `, ${countWords(last.served)}`;
  const why = last.reason === "" ? "" : `: ${oneLine(last.reason)}`;
  return `${last.from} → ${last.to} ${last.outcome} ${span(last.age)} ago${counts}${why}`;
}

/** `backup at 2026-11-22T03:40+01:00, in 3 h 5 min (0123456789ab)`. */
export function waitingLine({ id, node, at, in: left, state, kept }: WaitingStatus): string {
  const when = state === "checking" ? "being checked now" : `in ${span(Math.max(0, left))}`;
  const forgetful = kept ? "" : ", not on the disk: a restart would forget it";
  return `${node} at ${at}, ${when} (${id})${forgetful}`;
}

/** `7 of 10 requests, 0 errors`; once there are enough, `12 requests, 0 errors`. */
export function countWords({ requests, errors }: TrafficCounts, needed = 0): string {
  const served =
    requests < needed
      ? `${requests} of ${counted(needed, "request")}`
      : counted(requests, "request");
  return `${served}, ${counted(errors, "error")}`;
}

function alertLines({ alerts }: Status, paint: Paint): string[] {
  if (alerts.length === 0) return ["none"];
  return alerts.map(({ sentence, age }) => `${paint("red", oneLine(sentence))} (for ${span(age)})`);
}

function section(name: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `  ${(index === 0 ? name : "").padEnd(9)} ${line}`);
}

function roleStyle(role: PublicRole): Style {
  if (role === "holding") return "green";
  return role === "standby" ? "cyan" : "yellow";
}

function lasting(age: number | null): string {
  return age === null ? "an unknown time" : span(age);
}
