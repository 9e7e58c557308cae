import { counted } from "../core/counted.ts";
import { quarterMinutes } from "../traffic/profile/week.ts";
import { oneLine } from "./logging.ts";
import type { Paint, Style } from "./terminal.ts";
import type { TrafficReport } from "./traffic-command.ts";

/** The week as an administrator looks at it: a picture, where it comes from, and the quiet hour. */
export function trafficLines(report: TrafficReport, paint: Paint): string[] {
  const { files, old, node, offset } = report;
  const lines = report.from === null ? [] : [...weekLines(report, paint), ""];
  const skipped = old === 0 ? [] : [`${counted(old, "file")} not written for ten weeks: left out`];
  const clock =
    offset === null ? "as the logs are written" : `${offsetWords(offset)}, as the logs are written`;
  return [
    paint("bold", `${report.pair}: what ${node} serves in a week, ${clock}`),
    "",
    ...lines,
    ...files.flatMap((file) => fileLines(file, paint)),
    ...skipped,
    totalLine(report),
    quietLine(report, paint),
  ];
}

export const weekdays = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
] as const;

/** `Tuesday 03:40-03:50`. */
export function windowWords(start: number, length: number): string {
  const clock = (minute: number): string => {
    const [hours, minutes] = [Math.floor(minute / 60) % 24, minute % 60];
    return [hours, minutes].map((part) => String(part).padStart(2, "0")).join(":");
  };
  return `${weekdays[Math.floor(start / 1440) % 7]} ${clock(start)}-${clock(start + length)}`;
}

/** `about 12 requests`. */
export function aboutRequests(requests: number): string {
  const whole = Math.round(requests);
  return whole === 0 ? "hardly a request" : `about ${many(whole, "request")}`;
}

const blocks = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Seven rows of 24 hours, each as high as its requests beside the hour that has most. */
function weekLines({ expected }: TrafficReport, paint: Paint): string[] {
  const hours = Array.from({ length: 7 * 24 }, (_, hour) => hourly(expected, hour));
  const most = Math.max(0, ...hours.map((one) => one ?? 0));
  const head = Array.from({ length: 8 }, (_, index) => String(index * 3).padStart(2, "0"));
  const rows = weekdays.map((name, day) => {
    const cells = hours.slice(day * 24, day * 24 + 24);
    return `${name.padEnd(11)}${cells.map((one) => cell(one, most, paint)).join("")}`;
  });
  const scale = `█ is ${many(Math.round(most), "request")} in an hour, · is not known`;
  return [`${" ".repeat(11)}${head.join("    ")}`, ...rows, `${" ".repeat(11)}${scale}`];
}

/** Two columns wide, so that a day fits a terminal and still has a shape. */
function cell(requests: number | undefined, most: number, paint: Paint): string {
  if (requests === undefined) return paint("dim", " ·");
  if (requests === 0) return "  ";
  const level = Math.max(0, Math.ceil((requests / most) * blocks.length) - 1);
  const style: Style = level < 3 ? "green" : level < 6 ? "yellow" : "red";
  return paint(style, (blocks[level] ?? "█").repeat(2));
}

function hourly(week: readonly (number | null)[], hour: number): number | undefined {
  const perHour = 60 / quarterMinutes;
  const known = week
    .slice(hour * perHour, (hour + 1) * perHour)
    .filter((requests) => requests !== null);
  if (known.length === 0) return undefined;
  return (known.reduce((sum, requests) => sum + requests, 0) * perHour) / known.length;
}

function fileLines(
  { path, lines, unreadable, problem }: TrafficReport["files"][number],
  paint: Paint,
): string[] {
  if (problem !== undefined && lines === 0) return [paint("yellow", oneLine(problem))];
  const odd = unreadable === 0 ? "" : `, ${grouped(unreadable)} not readable`;
  return [
    `${path}: ${many(lines, "line")}${odd}`,
    ...(problem === undefined ? [] : [paint("yellow", oneLine(problem))]),
  ];
}

function totalLine({ lines, unreadable, from, to }: TrafficReport): string {
  const sum = `${many(lines, "line")}, ${grouped(unreadable)} not readable`;
  return from === null || to === null ? sum : `${sum}, from ${from} to ${to}`;
}

function quietLine({ quietest, window }: TrafficReport, paint: Paint): string {
  if (quietest === null) {
    return paint("red", `No window of ${window} min is known: the logs cover too little of a week`);
  }
  const words = windowWords(quietest.start, window);
  return paint("bold", `Quietest: ${words}, ${aboutRequests(quietest.requests)}`);
}

function offsetWords(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const clock = [hours, rest].map((part) => String(part).padStart(2, "0")).join(":");
  return `UTC${minutes < 0 ? "-" : "+"}${clock}`;
}

/** `1,234,567 lines`. */
function many(count: number, thing: string): string {
  return `${grouped(count)} ${thing}${count === 1 ? "" : "s"}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en");
}
