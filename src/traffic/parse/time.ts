/**
 * The time of a line, in the three ways in which web servers write it:
 *
 *     21/Nov/2026:04:43:00 +0000       Apache's %t, nginx's $time_local
 *     2026-11-21T04:43:00+00:00        $time_iso8601 and most JSON
 *     1795236180.123                   $msec, Caddy's ts, %{msec}t: since 1970, in UTC
 *
 * A day of people is written on the wall, not in UTC: what was written is kept, beside its offset.
 */
export type LineTime =
  | {
      readonly kind: "written";
      /** Whole minutes since 1970-01-01 00:00 on the clock on the wall of whoever wrote it. */
      readonly minute: number;
      /** Minutes east of UTC; undefined where it was not written. */
      readonly offset: number | undefined;
    }
  | { readonly kind: "epoch"; readonly seconds: number };

/** Undefined for what is none of these; never throws. */
export function readTime(text: string): LineTime | undefined {
  const clf = clfPattern.exec(text);
  if (clf !== null) {
    const month = months.indexOf(clf[2] as string) + 1;
    return written([Number(clf[3]), month, Number(clf[1])], clf.slice(4));
  }
  const iso = isoPattern.exec(text);
  if (iso !== null) return written([Number(iso[1]), Number(iso[2]), Number(iso[3])], iso.slice(4));
  return epochPattern.test(text) ? sinceEpoch(Number(text)) : undefined;
}

/**
 * Days from 1970-01-01 to a day of the Gregorian calendar: years begin in March, so that the leap
 * day is the last of its year, and 400 of them have 146,097 days.
 */
export function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leapDays = Math.floor(ofEra / 4) - Math.floor(ofEra / 100);
  return era * 146_097 + ofEra * 365 + leapDays + ofYear - 719_468;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const clock = String.raw`(\d\d):(\d\d)(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?`;
const clfPattern = new RegExp(
  String.raw`^ ?(\d{1,2})[/ -](${months.join("|")})[/ -](\d{4})[: T]${clock}$`,
);
const isoPattern = new RegExp(String.raw`^(\d{4})[-/](\d\d)[-/](\d\d)[T: ]${clock}$`);
const epochPattern = /^\d{9,19}(?:\.\d{1,20})?$/;

function written(
  [year, month, day]: readonly [number, number, number],
  [hours, minutes, zone]: readonly (string | undefined)[],
): LineTime | undefined {
  const [hour, minute] = [Number(hours), Number(minutes)];
  const exists = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60;
  if (!exists) return undefined;
  const wall = daysSince1970(year, month, day) * 1440 + hour * 60 + minute;
  return { kind: "written", minute: wall, offset: offsetOf(zone) };
}

function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined) return undefined;
  if (zone.length === 1 || zone === "UTC" || zone === "GMT") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith("-") ? -minutes : minutes;
}

/** Seconds, milliseconds, microseconds or nanoseconds: between 1973 and 5138 they differ in size. */
function sinceEpoch(count: number): LineTime {
  const perSecond = count < 1e11 ? 1 : count < 1e14 ? 1e3 : count < 1e17 ? 1e6 : 1e9;
  return { kind: "epoch", seconds: count / perSecond };
}
