import { machineNames, type Place, places, stationNames } from "./network.ts";

/**
 * The lab's network as one shell script, run at the anchor: two bridges in the namespace `switch`,
 * one for the service network and one that is the cable between the machines. The cable is a bridge
 * too, so that every cut is a rule in one place and pulling a plug is one link down.
 */
export function wiringScript(): string {
  return [
    "set -e",
    namespace("switch"),
    ...[...machineNames, ...stationNames].map(namespace),
    ...inNamespace("switch", [bridge("service"), bridge("cable")]),
    ...stationNames.flatMap((name) => [
      ...inNamespace("switch", [port(name, "service", name, "eth0", places[name].mac)]),
      ...inNamespace(name, ownLinks(places[name])),
    ]),
    ...machineNames.flatMap((name) => [
      ...inNamespace("switch", [
        port(name, "service", name, "eth0", places[name].mac),
        port(cablePort(name), "cable", name, "eth1", cableMac(places[name])),
      ]),
      ...inNamespace(name, ownLinks(places[name])),
    ]),
    setting("gateway", "net/ipv4/ip_forward", 1),
    setting("gateway", "net/ipv6/conf/all/forwarding", 1),
  ].join("\n");
}

/**
 * A machine that lost its power lost everything its kernel knew. Its interfaces move into a new
 * namespace, which leaves behind addresses, routes, neighbours, nftables and open connections.
 */
export function freshNamespaceScript(name: string, place: Place): string {
  return [
    "set -e",
    namespace("spare"),
    `ip -n ${name} link set eth0 netns spare`,
    `ip -n ${name} link set eth1 netns spare`,
    `ip netns delete ${name}`,
    namespace(name),
    `ip -n spare link set eth0 netns ${name}`,
    `ip -n spare link set eth1 netns ${name}`,
    "ip netns delete spare",
    ...inNamespace(name, ownLinks(place)),
  ].join("\n");
}

export function cablePort(machine: string): string {
  return `${machine}-cable`;
}

/** Without DAD an IPv6 address is usable at once, as on a link that has been up for long. */
function namespace(name: string): string {
  return [
    `ip netns add ${name}`,
    setting(name, "net/ipv6/conf/all/accept_dad", 0),
    setting(name, "net/ipv6/conf/default/accept_dad", 0),
    setting(name, "net/ipv6/conf/default/accept_ra", 0),
  ].join("\n");
}

function setting(namespaceName: string, path: string, value: number): string {
  return `nsenter --net=/run/netns/${namespaceName} sh -c 'echo ${value} > /proc/sys/${path}'`;
}

function inNamespace(name: string, lines: readonly string[]): string[] {
  return [`ip -n ${name} -batch - <<'EOF'`, ...lines, "EOF"];
}

function bridge(name: string): string {
  return [
    `link add ${name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${name} up`,
  ].join("\n");
}

function port(
  name: string,
  onto: string,
  peer: string,
  peerInterface: string,
  mac: string,
): string {
  return [
    `link add ${name} type veth peer name ${peerInterface} netns ${peer} address ${mac}`,
    `link set ${name} master ${onto} up`,
  ].join("\n");
}

function ownLinks(place: Place): string[] {
  const gateway = places.gateway;
  const isGateway = place.address === gateway.address;
  return [
    "link set lo up",
    `address add ${place.address}/24 dev eth0`,
    `address add ${place.address6}/64 dev eth0 nodad`,
    "link set eth0 up",
    ...(isGateway
      ? []
      : [`route add default via ${gateway.address}`, `route add ::/0 via ${gateway.address6}`]),
    ...(place.cable === undefined
      ? []
      : [`address add ${place.cable}/30 dev eth1`, "link set eth1 up"]),
  ];
}

/** The cable's MAC differs from the service's in its second byte. */
function cableMac(place: Place): string {
  return place.mac.replace(/^02:00/, "02:01");
}
