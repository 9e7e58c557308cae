/**
 * Whether a name may differ, by patterns as a shell has them: `*` is anything within a part of a path, `**`
 * across parts, `?` one character. A pattern without a slash is also held against the last part of a path, so
 * that `*.swp` means such files everywhere.
 */
export function ignoring(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map(expressionFor);
  return (name) => {
    const last = name.slice(name.lastIndexOf("/") + 1);
    return expressions.some((one, index) => {
      const wholeOnly = patterns[index]?.includes("/") === true;
      return one.test(name) || (!wholeOnly && one.test(last));
    });
  };
}

function expressionFor(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*|\*|\?)/).map((part) => {
    switch (part) {
      case "**":
        return ".*";
      case "*":
        return "[^/]*";
      case "?":
        return "[^/]";
      default:
        return part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    }
  });
  return new RegExp(`^${parts.join("")}$`, "su");
}
