# bash completion for failover(8)

_failover() {
    local cur prev words cword
    _init_completion || return
    local commands='agent status promote preview waiting release freeze thaw check fingerprint history traffic init key keygen cleanup practice help'
    local word command=''
    for word in "${words[@]:1:cword-1}"; do
        case $word in -*) ;; *) command=$word && break ;; esac
    done
    case $prev in
        --config | --socket) _filedir && return ;;
        --from | --out | --key | --access-log) [[ $command == init ]] && _filedir && return ;;
        --drift) _filedir && return ;;
        --state-dir) _filedir -d && return ;;
        --node) COMPREPLY=($(compgen -W "$(_failover_nodes)" -- "$cur")) && return ;;
        -n | --count | --at | --within | --window | --share | --for | --drain | --call-off) return ;;
        --wait | --pair | --address | --domain | --instance) return ;;
    esac
    local keys='rotate add retire list' options='--help' where='--config --socket'
    case $command in
        '') COMPREPLY=($(compgen -W "$commands --help --version" -- "$cur")) && return ;;
        agent) options+=" $where --node --state-dir" ;;
        status) options+=" $where --watch --json" ;;
        promote) options+=" $where --cut --share --for --drain --dry-run --at --within --json" ;;
        fingerprint) options+=" $where --node" ;;
        preview) options+=" $where --from --for --stop" ;;
        waiting) options+=" $where --call-off --json" ;;
        traffic) options+=" $where --window --node --json" ;;
        init)
            options+=' --from --instance --pair --address --node --access-log --domain --out --key --yes --force'
            ;;
        key) options+=" $where --wait --stdin --force --json" ;;
        check) options+=" $where --config-only --drift --node --state-dir --json" ;;
        history) options+=" $where --count --state-dir --json" ;;
        practice) options+=' --keep' ;;
        release | freeze | thaw | cleanup) options+=" $where" ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif [[ $command == promote ]]; then
        COMPREPLY=($(compgen -W "$(_failover_nodes)" -- "$cur"))
    elif [[ $command == key ]]; then
        COMPREPLY=($(compgen -W "$keys" -- "$cur"))
    elif [[ $command == help ]]; then
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    elif [[ $command == keygen ]]; then
        _filedir
    fi
} && complete -F _failover failover

# The agent knows its nodes; without one, or without the right to ask it, nothing is offered.
_failover_nodes() {
    failover status --json 2>/dev/null | sed -n '/"nodes": \[/,/\]/s/^ *"\([^":]*\)",\{0,1\}$/\1/p'
}
