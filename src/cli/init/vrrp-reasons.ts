import type { Reasons } from "./remarks.ts";

const noScripts = "failover runs no scripts of others";
const noMail = "failover sends no mail";
const watch = "let a program watch failover status --json";
const noLoad = "failover balances no load";
const ownAnnouncements = "failover announces at once, after 1.1 s and after 5 s";
const nothing = "there is nothing to set";
const unicast = "beats go to the other machine's addresses alone, with the TTL of the kernel";

/** What stands in a vrrp_instance, and in a vrrp_sync_group. */
export const instanceReasons: Reasons = [
  [/^authentication$/, "beats are sealed with a key of 32 random bytes", "failover init makes one"],
  [/^notify/, noScripts, watch],
  [/^smtp_alert/, noMail, watch],
  [
    /^track_(script|process|file|bfd)$/,
    "failover looks itself whether something listens at the service port",
    "set canary.port",
  ],
  [/^track_interface$/, "only the carrier of the service's interface is watched", ""],
  [/^(preempt|preempt_delay|nopreempt)$/, "a machine that comes back never takes by itself", ""],
  [
    /^virtual_routes$/,
    "keepalived writes routes in a notation of its own",
    "name them in routes, as ip route add takes them",
  ],
  [/^virtual_rules$/, "failover adds no rules", "keep them on both machines all the time"],
  [/^(use_vmac|vmac_|use_ipvlan)/, "the address keeps the MAC of its machine", ""],
  [
    /^dont_track_primary$/,
    "a machine whose interface loses its carrier lets the address go all the same",
    "",
  ],
  [/^(unicast_ttl|unicast_fault_no_peer|mcast_)/, unicast, ""],
  [/^garp_/, ownAnnouncements, ""],
  [/^lvs_sync_daemon/, noLoad, ""],
  [/^(strict_mode|no_accept|skip_check_adv_addr|check_unicast_src)$/, "beats are no VRRP", ""],
  [/_timer_adverts$|^kernel_rx_buf_size$|checksum|^linkbeat_|^promote_secondaries$/, nothing, ""],
];

/** What stands outside of instances. */
export const globalReasons: Reasons = [
  [/^(notification_email|smtp_|no_email_faults)/, noMail, watch],
  [/^(virtual_server|lvs_)/, noLoad, "keep keepalived for it, without its vrrp_instance"],
  [/^(vrrp_script|vrrp_track_process|track_file|vrrp_track_file)$/, noScripts, "set canary.port"],
  [
    /^(script_user|enable_script_security|max_auto_priority|(startup|shutdown)_script)/,
    noScripts,
    "",
  ],
  [
    /^static_(routes|rules|ipaddress)$/,
    "they belong to the machine, whoever holds",
    "leave them to the network configuration",
  ],
  [/^(vrrp_)?(garp|gna|min_garp)/, ownAnnouncements, ""],
  [/^vrrp_mcast_group[46]$/, unicast, ""],
  [/^net_namespace/, "an agent moves addresses in the namespace that it runs in", "start it there"],
  [/^(router_id|instance)$/, "nodes have names of their own here", "rename them as you like"],
  [/^(linkbeat_|bfd_instance|checker_|vrrp_|process_|dynamic_)/, nothing, ""],
];
