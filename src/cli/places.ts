/** Where things are unless the command line says otherwise. */
export const defaultConfigurationFile = "/etc/failover/failover.yaml";

export const defaultKeyFile = "/etc/failover/key";

export function socketPath(pair: string): string {
  return `/run/failover/${pair}.sock`;
}

export function stateDirectory(pair: string): string {
  return `/var/lib/failover/${pair}`;
}
