/** What `ip -j` and its kind print: a list of objects. */

type Entry = Readonly<Record<string, unknown>>;

/** None where it is anything else: some versions print nothing at all for an empty list. */
export function entriesIn(json: string): readonly Entry[] {
  try {
    const found: unknown = JSON.parse(json);
    return Array.isArray(found) ? found.filter(isEntry) : [];
  } catch {
    return [];
  }
}

export function textIn(value: unknown, key: string): string | undefined {
  const found = isEntry(value) ? value[key] : undefined;
  return typeof found === "string" ? found : undefined;
}

const isEntry = (value: unknown): value is Entry => typeof value === "object" && value !== null;
