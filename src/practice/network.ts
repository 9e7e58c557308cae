/** The addresses of the lab. Nothing in it has a route out, so they can collide with nothing. */
export const serviceAddress = "10.99.0.100";
export const serviceAddress6 = "fd99::100";

/** Where the echo servers of the lab listen, for measuring to the millisecond. */
export const echoPort = 7;

export const machineNames = ["primary", "backup"] as const;
export type MachineName = (typeof machineNames)[number];

export const stationNames = ["gateway", "client", "observer"] as const;
export type StationName = (typeof stationNames)[number];

export interface Place {
  readonly address: string;
  readonly address6: string;
  readonly mac: string;
  /** Only the two machines have a cable. */
  readonly cable?: string;
}

export const places: Readonly<Record<MachineName | StationName, Place>> = {
  primary: place(11, "10.98.0.1"),
  backup: place(12, "10.98.0.2"),
  gateway: place(1),
  client: place(50),
  observer: place(60),
};

export function other(name: MachineName): MachineName {
  return name === "primary" ? "backup" : "primary";
}

function place(number: number, cable?: string): Place {
  const decimal = String(number).padStart(2, "0");
  return {
    address: `10.99.0.${number}`,
    address6: `fd99::${number}`,
    mac: `02:00:00:00:00:${decimal}`,
    ...(cable === undefined ? {} : { cable }),
  };
}
