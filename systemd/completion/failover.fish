# fish completion for failover(8)

function __failover_nodes
    failover status --json 2>/dev/null | sed -n '/"nodes": \[/,/\]/s/^ *"\([^":]*\)",\{0,1\}$/\1/p'
end

function __failover_in
    __fish_seen_subcommand_from $argv
end

complete -c failover -f
complete -c failover -s h -l help -d 'show help'
complete -c failover -n __fish_use_subcommand -s V -l version -d 'print the version'

complete -c failover -n __fish_use_subcommand -a agent -d 'be one of the two machines, until SIGTERM'
complete -c failover -n __fish_use_subcommand -a status -d 'tell who holds the address and why'
complete -c failover -n __fish_use_subcommand -a promote -d 'move the service to a node and prove it'
complete -c failover -n __fish_use_subcommand -a preview -d 'let the standby serve some clients'
complete -c failover -n __fish_use_subcommand -a waiting -d 'list the swaps that wait for their hour'
complete -c failover -n __fish_use_subcommand -a release -d 'let the address go from this machine'
complete -c failover -n __fish_use_subcommand -a freeze -d 'keep the pair from changing by itself'
complete -c failover -n __fish_use_subcommand -a thaw -d 'end freeze and release'
complete -c failover -n __fish_use_subcommand -a check -d 'look at everything that a takeover needs'
complete -c failover -n __fish_use_subcommand -a fingerprint -d 'print what this machine is made of'
complete -c failover -n __fish_use_subcommand -a history -d 'tell what happened here'
complete -c failover -n __fish_use_subcommand -a traffic -d 'draw the week and its quietest hour'
complete -c failover -n __fish_use_subcommand -a init -d 'set up a pair'
complete -c failover -n __fish_use_subcommand -a key -d 'change the key of a running pair'
complete -c failover -n __fish_use_subcommand -a keygen -d 'make a key for both machines'
complete -c failover -n __fish_use_subcommand -a cleanup -d 'remove what an agent left in the kernel'
complete -c failover -n __fish_use_subcommand -a practice -d 'rehearse on this machine alone'
complete -c failover -n __fish_use_subcommand -a help -d 'explain a command'

set -l where agent status promote preview waiting traffic rotate add retire list fingerprint release freeze thaw check history cleanup
complete -c failover -n "__failover_in $where" -l config -rF -d 'the configuration'
complete -c failover -n "__failover_in $where" -l socket -rF -d 'control socket of the agent'
complete -c failover -n '__failover_in agent check history cleanup' -l state-dir -rF -d 'journal and history'
complete -c failover -n '__failover_in agent check fingerprint traffic' -l node -x -a '(__failover_nodes)' -d 'which node this is'
complete -c failover -n '__failover_in status promote waiting traffic list check history' -l json -d 'data for programs'
complete -c failover -n '__failover_in status' -l watch -d 'go on until interrupted'
complete -c failover -n '__failover_in promote' -a '(__failover_nodes)'
complete -c failover -n '__failover_in promote' -l cut -d 'in cut mode'
complete -c failover -n '__failover_in promote' -l dry-run -d 'print, and move nothing'
complete -c failover -n '__failover_in promote' -l share -x -d 'stay at this share'
complete -c failover -n '__failover_in promote preview' -l for -x -d 'how long'
complete -c failover -n '__failover_in promote' -l drain -x -d 'end what is left after this time'
complete -c failover -n '__failover_in promote' -l at -x -d 'wait for this hour'
complete -c failover -n '__failover_in promote' -l within -x -d 'how far away the quietest hour may be'
complete -c failover -n '__failover_in preview' -l from -x -d 'the addresses of the clients'
complete -c failover -n '__failover_in preview' -l stop -d 'end it now'
complete -c failover -n '__failover_in waiting' -l call-off -x -d 'let one of them wait no more'
complete -c failover -n '__failover_in traffic' -l window -x -d 'how long a swap takes'
complete -c failover -n '__failover_in init' -l from -rF -d 'convert this file'
complete -c failover -n '__failover_in init' -l instance -x -d 'which one of it'
complete -c failover -n '__failover_in init' -l pair -x -d 'its name'
complete -c failover -n '__failover_in init' -l address -x -d 'of the service'
complete -c failover -n '__failover_in init' -l node -x -d 'NAME=INTERFACE,ADDRESS'
complete -c failover -n '__failover_in init' -l access-log -rF -d 'of the web server'
complete -c failover -n '__failover_in init' -l domain -x -d 'that users type'
complete -c failover -n '__failover_in init' -l out -rF -d 'where to'
complete -c failover -n '__failover_in init' -l key -rF -d 'where the key is'
complete -c failover -n '__failover_in init' -s y -l yes -d 'ask nothing'
complete -c failover -n '__failover_in init retire' -l force -d 'even so'
complete -c failover -n '__failover_in key; and not __failover_in rotate add retire list' -a 'rotate add retire list'
complete -c failover -n '__failover_in rotate' -l wait -x -d 'seconds for the other machine'
complete -c failover -n '__failover_in add' -l stdin -d 'read it'
complete -c failover -n '__failover_in check' -l drift -rF -d 'against this fingerprint'
complete -c failover -n '__failover_in check' -l config-only -d 'the file and nothing else'
complete -c failover -n '__failover_in history' -s n -l count -x -d 'how many'
complete -c failover -n '__failover_in keygen' -F
complete -c failover -n '__failover_in practice' -l keep -d 'leave everything running'
