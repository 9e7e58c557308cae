/** One line of `failover check`. */
export interface Finding {
  readonly level: "ok" | "warning" | "failed";
  readonly subject: string;
  readonly found: string;
  /** What to do about it; empty where there is nothing to do. */
  readonly advice: string;
}

export function ok(subject: string, found: string): Finding {
  return { level: "ok", subject, found, advice: "" };
}

export function warning(subject: string, found: string, advice: string): Finding {
  return { level: "warning", subject, found, advice };
}

export function failed(subject: string, found: string, advice: string): Finding {
  return { level: "failed", subject, found, advice };
}
