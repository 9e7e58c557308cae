/** `1 request`, `7 requests`, `0 requests`: for things whose name takes an s. */
export const counted = (count: number, thing: string): string =>
  `${count} ${thing}${count === 1 ? "" : "s"}`;
