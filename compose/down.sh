#!/usr/bin/env bash
# Undoes up.sh: the stack, and the engine if up.sh started it. The data stays unless --volumes is given.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=engine.sh
. "$here/engine.sh"

usage() {
  cat <<'EOF'
usage: compose/down.sh [--volumes] [--help]

Stops and removes what compose/up.sh started, and the Docker engine if up.sh started that. Images stay. Safe to run twice.

  --volumes   remove the store's data as well
EOF
}

main() {
  local options=(--remove-orphans) volumes=
  while (($# > 0)); do
    case $1 in
      --help | -h)
        usage
        exit 0
        ;;
      --volumes | -v)
        volumes=yes
        options+=(--volumes)
        ;;
      *) die_usage "unknown argument '$1'" ;;
    esac
    shift
  done

  take_lock
  # An engine that up.sh started is at the default socket, whatever DOCKER_HOST has become since.
  ! started_engine >/dev/null || unset DOCKER_HOST
  if engine_answers; then
    find_compose || die "the engine runs, but neither 'docker compose' nor 'docker-compose' is installed to stop the stack with"
    run_logged compose.log "stopping the stack" compose down "${options[@]}"
  elif [[ -n $volumes ]]; then
    die "no Docker engine answers, and the data is kept by the engine; run up.sh, then down.sh --volumes"
  else
    say "no Docker engine answers: no stack to stop"
  fi
  stop_engine
  say "done"
}

main "$@"
