import { remarkLine } from "./remarks.ts";
import type { Settled, SettledNode, SettledPair } from "./settle.ts";
import type { Said } from "./sketch.ts";

/** The configuration file, with where each value comes from, and what has to be changed in it. */
export function yamlText(pair: SettledPair, key: string): string {
  const { settings, marks, remarks } = pair;
  const entries = [
    ["port", settings.port],
    ["interval", settings.interval],
    ["deadTime", settings.deadTime],
    ["bootTime", settings.bootTime],
    ["logFormat", settings.logFormat],
  ] as const;
  const lines = [
    comment(`Written by failover init${pair.source === "" ? "" : ` ${pair.source}`}.`),
    "# The same file belongs on both machines; failover(8) explains every key.",
    ...valueLines("pair: ", pair.pair, ""),
    ...listLines("address", pair.addresses, ""),
    ...(pair.domain === undefined ? [] : valueLines("domain: ", pair.domain, "")),
    `key: ${scalar(key)}`,
    "# The first takes a vacant address when both could; neither takes it back by itself.",
    ...(marks.nodes === undefined ? [] : [marked(marks.nodes)]),
    "nodes:",
    ...pair.nodes.flatMap(nodeLines),
    ...entries.flatMap(([name, said]) => (said ? valueLines(`${name}: `, said, "") : [])),
    ...(marks.witness === undefined ? [] : [marked(marks.witness), "witness: auto"]),
    ...(settings.witness === undefined ? [] : listLines("witness", settings.witness, "")),
    ...(settings.canary === undefined
      ? []
      : [`canary: ${settings.canary.value}${aside(settings.canary)}`]),
  ];
  if (remarks.length > 0) {
    lines.push("", "# Not carried over:");
    lines.push(...remarks.map((one) => comment(remarkLine(one))));
  }
  return `${lines.join("\n")}\n`;
}

function nodeLines({ name, interface: device, paths, accessLogs }: SettledNode): string[] {
  return [
    ...(name.mark === undefined ? [] : [`  ${marked(name.mark)}`]),
    `  ${scalar(name.value)}:${aside(name)}`,
    ...valueLines("interface: ", device, "    "),
    ...listLines("paths", paths, "    "),
    ...listLines("accessLog", accessLogs, "    "),
  ];
}

function listLines(name: string, items: readonly Settled[], indent: string): string[] {
  return [`${indent}${name}:`, ...items.flatMap((item) => valueLines("- ", item, `${indent}  `))];
}

function valueLines(lead: string, value: Settled, indent: string): string[] {
  const line = `${indent}${lead}${scalar(value.value)}${aside(value)}`;
  return value.mark === undefined ? [line] : [`${indent}${marked(value.mark)}`, line];
}

const marked = (mark: string): string => comment(`CHANGE THIS: ${mark}`);

const aside = ({ origin }: Said): string => (origin === "" ? "" : ` ${comment(origin)}`);

/** One line, whatever a foreign file had in it. */
const comment = (text: string): string => `# ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ")}`;

/** Plain where YAML reads it as the same text, otherwise quoted. */
function scalar(text: string): string {
  return /^[A-Za-z0-9/][\w./@-]*(?::[\w./@-]+)*$|^[0-9a-f]{1,4}(?::{1,2}[0-9a-f]{1,4})+$/i.test(
    text,
  )
    ? text
    : JSON.stringify(text);
}
