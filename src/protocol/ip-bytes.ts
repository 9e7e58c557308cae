/** IPv4 and IPv6 addresses between text and network order. */

/** 4 or 16 bytes of an address that is one: in lower case, without a zone. */
export const ipBytes = (text: string): Uint8Array =>
  text.includes(":") ? ipv6Bytes(text) : Uint8Array.from(text.split("."), Number);

/** The canonical text of 4 or 16 bytes: RFC 5952 for IPv6. */
export const ipText = (bytes: Uint8Array): string =>
  bytes.length === 4 ? bytes.join(".") : ipv6Text(bytes);

const ipv6Bytes = (text: string): Uint8Array => {
  const [head = "", tail] = withoutDottedEnd(text).split("::");
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const gap = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return Uint8Array.from(
    [...front, ...gap, ...back].flatMap((group) => [group >> 8, group & 0xff]),
  );
};

const groups = (text: string): number[] =>
  text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));

/** `::ffff:192.0.2.1` in eight groups. */
const withoutDottedEnd = (text: string): string => {
  const cut = text.lastIndexOf(":") + 1;
  const end = text.slice(cut);
  if (!end.includes(".")) return text;
  const [a = 0, b = 0, c = 0, d = 0] = end.split(".").map(Number);
  return `${text.slice(0, cut)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
};

const ipv6Text = (bytes: Uint8Array): string => {
  const parts = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  const run = longestZeroRun(parts);
  if (run.length < 2) return parts.join(":");
  const head = parts.slice(0, run.start).join(":");
  const tail = parts.slice(run.start + run.length).join(":");
  return `${head}::${tail}`;
};

const longestZeroRun = (parts: readonly string[]): { start: number; length: number } => {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < parts.length; start += 1) {
    let end = start;
    while (parts[end] === "0") end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
};
