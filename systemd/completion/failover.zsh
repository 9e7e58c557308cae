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
    'release:let the address go from this machine'
    'freeze:keep the pair from changing anything by itself'
    'thaw:end freeze and release'
    'check:look at everything that a takeover needs'
    'history:tell what happened here'
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
    _arguments '--help[show help]' '--version[print the version]'
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
        '1:node:_failover_nodes'
      ;;
    release | freeze | thaw | cleanup) _arguments '--help' $where ;;
    check) _arguments '--help' $where '--config-only[the file and nothing else]' $node $journal $json ;;
    history) _arguments '--help' $where '(-n --count)'{-n,--count}'[how many]:count:' $journal $json ;;
    keygen) _arguments '--help' '1:file:_files' ;;
    practice) _arguments '--help' '--keep[leave everything running]' ;;
    help) _describe command commands ;;
  esac
}

_failover "$@"
