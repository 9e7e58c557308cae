#compdef failover
# zsh completion for failover(8)

_failover_nodes() {
  local -a nodes
  nodes=(${(f)"$(failover status --json 2>/dev/null |
    sed -n '/"nodes": \[/,/\]/s/^ *"\([^":]*\)",\{0,1\}$/\1/p')"})
  compadd -a nodes
}

_failover() {
  local -a commands where journal json node
  commands=(
    'agent:be one of the two machines, until SIGTERM'
    'status:tell who holds the address and why'
    'promote:move the service to a node and prove it, or put it back'
    'preview:let the standby serve some clients'
    'waiting:list the swaps that wait for their hour'
    'release:let the address go from this machine'
    'freeze:keep the pair from changing anything by itself'
    'thaw:end freeze and release'
    'check:look at everything that a takeover needs'
    'fingerprint:print what this machine is made of'
    'history:tell what happened here'
    'traffic:draw the week and name its quietest hour'
    'init:set up a pair'
    'key:change the key of a running pair'
    'keygen:make a key for both machines'
    'cleanup:remove what an agent that is gone left in the kernel'
    'practice:rehearse on this machine alone'
    'help:explain a command'
  )
  where=('--config[the configuration]:file:_files' '--socket[control socket of the agent]:file:_files')
  journal=('--state-dir[journal and history]:directory:_files -/')
  node=('--node[which node this is]:node:_failover_nodes')
  json=('--json[data for programs]')
  if ((CURRENT == 2)); then
    _describe command commands
    _arguments '(-h --help)'{-h,--help}'[show help]' '(-V --version)'{-V,--version}'[print the version]'
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
    agent) _arguments '--help' $where $node $journal ;;
    status) _arguments '--help' $where '--watch[go on until interrupted]' $json ;;
    promote)
      _arguments '--help' $where '--cut[in cut mode]' '--dry-run[print, and move nothing]' $json \
        '--share[stay at this share]:rate:' '--for[how long]:time:' '--drain[end what is left]:time:' \
        '--at[wait for this hour]:when:' '--within[how far away]:span:' '1:node:_failover_nodes'
      ;;
    preview)
      _arguments '--help' $where '--from[the clients]:addresses:' '--for[how long]:time:' '--stop[end it now]'
      ;;
    waiting) _arguments '--help' $where '--call-off[let one wait no more]:id:' $json ;;
    traffic) _arguments '--help' $where '--window[how long a swap takes]:span:' $node $json ;;
    init)
      _arguments '--help' '--from[convert this]:file:_files' '--instance[which one of it]:name:' \
        '--pair[its name]:name:' '*--address[of the service]:address:' '*--node[a machine]:node:' \
        '*--access-log[of the web server]:file:_files' '--domain[that users type]:name:' \
        '--out[where to]:file:_files' '--key[where it is]:file:_files' '(-y --yes)'{-y,--yes}'[ask nothing]' \
        '--force[replace what is there]'
      ;;
    key)
      case $words[2] in
        rotate) _arguments '--help' $where '--wait[for the other machine]:seconds:' '1:what:' ;;
        add) _arguments '--help' $where '--stdin[read it]' '1:what:' ;;
        retire) _arguments '--help' $where '--force[even so]' '1:what:' ;;
        list) _arguments '--help' $where $json '1:what:' ;;
        *) _arguments '--help' '1:what:(rotate add retire list)' ;;
      esac
      ;;
    release | freeze | thaw) _arguments '--help' $where ;;
    cleanup) _arguments '--help' $where $journal ;;
    check) _arguments '--help' $where '--config-only[the file and nothing else]' \
        '--drift[against this fingerprint]:file:_files' $node $journal $json ;;
    history) _arguments '--help' $where '(-n --count)'{-n,--count}'[how many]:count:' $journal $json ;;
    fingerprint) _arguments '--help' $where $node ;;
    keygen) _arguments '--help' '1:file:_files' ;;
    practice) _arguments '--help' '--keep[leave everything running]' ;;
    help) _describe command commands ;;
  esac
}

_failover "$@"
