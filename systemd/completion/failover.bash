# bash completion for failover(8)

_failover() {
    local cur prev words cword
    _init_completion || return
    local commands='agent status promote preview waiting release freeze thaw check fingerprint history traffic init key keygen cleanup practice help'
    local word command='' step=''
    for word in "${words[@]:1:cword-1}"; do
        case $word in
            -*) ;;
            *) if [[ -z $command ]]; then command=$word; elif [[ -z $step ]]; then step=$word; fi ;;
        esac
    done
    case $prev in
        --config | --socket) _filedir && return ;;
        --out | --key | --access-log) _filedir && return ;;
        --from) [[ $command == init ]] && _filedir; return ;;
        --drift) _filedir && return ;;
        --state-dir) _filedir -d && return ;;
        --node) [[ $command == init ]] && return; COMPREPLY=($(compgen -W "$(_failover_nodes)" -- "$cur")) && return ;;
        -n | --count | --at | --within | --window | --share | --for | --drain | --call-off) return ;;
        --wait | --pair | --address | --domain | --instance) return ;;
    esac
    local keys='rotate add retire list' options='--help' where='--config --socket'
    case $command in
        '') COMPREPLY=($(compgen -W "$commands --help --version" -- "$cur")) && return ;;
        help) COMPREPLY=($(compgen -W "$commands" -- "$cur")) && return ;;
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
        key)
            case $step in
                rotate) options+=" $where --wait" ;;
                add) options+=" $where --stdin" ;;
                retire) options+=" $where --force" ;;
                list) options+=" $where --json" ;;
            esac
            ;;
        check) options+=" $where --config-only --drift --node --state-dir --json" ;;
        history) options+=" $where --count --state-dir --json" ;;
        practice) options+=' --keep' ;;
        release | freeze | thaw) options+=" $where" ;;
        cleanup) options+=" $where --state-dir" ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif [[ $command == promote ]]; then
        COMPREPLY=($(compgen -W "$(_failover_nodes)" -- "$cur"))
    elif [[ $command == key && -z $step ]]; then
        COMPREPLY=($(compgen -W "$keys" -- "$cur"))
    elif [[ $command == keygen ]]; then
        _filedir
    fi
} && complete -F _failover failover

# The agent knows its nodes; without one, or without the right to ask it, nothing is offered.
_failover_nodes() {
    failover status --json 2>/dev/null | sed -n '/"nodes": \[/,/\]/s/^ *"\([^":]*\)",\{0,1\}$/\1/p'
}
