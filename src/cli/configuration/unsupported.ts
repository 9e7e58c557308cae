import type { Configuration } from "./configuration.ts";

/**
 * Valid configuration that this version cannot carry out, one sentence each. An agent does not start
 * with it: an option that is read and not obeyed is worse than none.
 */
export function unsupported({ addresses, nodes }: Configuration): readonly string[] {
  const elsewhere = addresses.filter(
    ({ interface: device }) =>
      device !== undefined && nodes.some((node) => node.interface !== device),
  );
  return elsewhere.map(
    ({ address }) => `address: ${address}: this version puts it on the node's own interface`,
  );
}
