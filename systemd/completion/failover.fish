# fish completion for failover(8)

function __failover_nodes
    failover status --json 2>/dev/null | sed -n '/"nodes": \[/,/\]/s/^ *"\([^":]*\)",\{0,1\}$/\1/p'
end

function __failover_in
    __fish_seen_subcommand_from $argv
end

complete -c failover -f
complete -c failover -l help -d 'show help'
complete -c failover -n __fish_use_subcommand -l version -d 'print the version'

complete -c failover -n __fish_use_subcommand -a agent -d 'be one of the two machines, until SIGTERM'
complete -c failover -n __fish_use_subcommand -a status -d 'tell who holds the address and why'
complete -c failover -n __fish_use_subcommand -a promote -d 'move the service to a node and prove it'
complete -c failover -n __fish_use_subcommand -a release -d 'let the address go from this machine'
complete -c failover -n __fish_use_subcommand -a freeze -d 'keep the pair from changing by itself'
complete -c failover -n __fish_use_subcommand -a thaw -d 'end freeze and release'
complete -c failover -n __fish_use_subcommand -a check -d 'look at everything that a takeover needs'
complete -c failover -n __fish_use_subcommand -a history -d 'tell what happened here'
complete -c failover -n __fish_use_subcommand -a keygen -d 'make a key for both machines'
complete -c failover -n __fish_use_subcommand -a cleanup -d 'remove what an agent left in the kernel'
complete -c failover -n __fish_use_subcommand -a practice -d 'rehearse on this machine alone'
complete -c failover -n __fish_use_subcommand -a help -d 'explain a command'

set -l where agent status promote release freeze thaw check history cleanup
complete -c failover -n "__failover_in $where" -l config -rF -d 'the configuration'
complete -c failover -n "__failover_in $where" -l socket -rF -d 'control socket of the agent'
complete -c failover -n '__failover_in agent check history' -l state-dir -rF -d 'journal and history'
complete -c failover -n '__failover_in agent check' -l node -x -a '(__failover_nodes)' -d 'which node this is'
complete -c failover -n '__failover_in status promote check history' -l json -d 'data for programs'
complete -c failover -n '__failover_in status' -l watch -d 'go on until interrupted'
complete -c failover -n '__failover_in promote' -a '(__failover_nodes)'
complete -c failover -n '__failover_in promote' -l cut -d 'in cut mode'
complete -c failover -n '__failover_in promote' -l dry-run -d 'print, and move nothing'
complete -c failover -n '__failover_in check' -l config-only -d 'the file and nothing else'
complete -c failover -n '__failover_in history' -s n -l count -x -d 'how many'
complete -c failover -n '__failover_in keygen' -F
complete -c failover -n '__failover_in practice' -l keep -d 'leave everything running'
