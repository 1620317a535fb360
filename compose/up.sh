#!/usr/bin/env bash
# Brings up Discovery on this host: engine, images, stack. What it decides, in which order and why: DESIGN.md.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=engine.sh
. "$here/engine.sh"
# shellcheck source=images.sh
. "$here/images.sh"

health_seconds=90
route_seconds=15
# A check that fails once may be a busy machine's; one that fails for so long is not.
unhealthy_seconds=20
# A container that was restarted this often will not become healthy by waiting.
restarts_max=2

usage() {
  cat <<'EOF'
usage: compose/up.sh [--port N] [--help]

Runs Discovery on this host: the sidecar with its store, the proxy, the dashboard, and two replicas of a sample service.
Where no Docker engine runs it starts one, and as root on Debian or Ubuntu installs one first. Running it again is safe.

  --port N   the proxy's HTTP port, as DISCOVERY_HTTP_PORT=N

environment:
  DISCOVERY_HTTP_PORT        the proxy's port (default 80; if that is taken 8080, else the next free one)
  DISCOVERY_DASHBOARD_PORT   the dashboard's port on 127.0.0.1 (8501)
  DISCOVERY_STORE_PORT       the store's port for clients on 127.0.0.1 (2379)
  DISCOVERY_ADMIN_PORT       the sidecar's own API on 127.0.0.1 (9460)
  DISCOVERY_PROXY_ADMIN_PORT the proxy's own API on 127.0.0.1 (8081)
  DISCOVERY_IP               the address to register services with (default: that of the default route's interface)
  DISCOVERY_IMAGES           registry, local or auto (default): from public base images, or from this machine's .NET SDK
  DOCKER_HOST                the engine to use; it must run on this machine (unix://...)

compose/down.sh undoes all but the data.
EOF
}

main() {
  parse_arguments "$@"
  take_lock
  ensure_engine
  require_local_engine
  require_free_names
  ensure_images
  choose_ports
  choose_address
  start_stack
  wait_until_healthy
  wait_until_routed
  print_what_to_try
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --help | -h)
        usage
        exit 0
        ;;
      --port)
        (($# > 1)) || die_usage "--port wants a number"
        export DISCOVERY_HTTP_PORT=$2
        shift
        ;;
      --port=*) export DISCOVERY_HTTP_PORT=${1#--port=} ;;
      *) die_usage "unknown argument '$1'" ;;
    esac
    shift
  done

  local variable
  for variable in DISCOVERY_{HTTP,DASHBOARD,STORE,ADMIN,PROXY_ADMIN}_PORT; do
    [[ -z ${!variable:-} ]] || require_port_number "$variable" "${!variable}"
  done
}

require_port_number() {
  if [[ ! $2 =~ ^[1-9][0-9]{0,4}$ ]] || (($2 > 65535)); then
    die_usage "$1 is '$2'; it must be a port from 1 to 65535"
  fi
}

# The stack uses the host's network and mounts the engine's socket: both must be this machine's.
require_local_engine() {
  local endpoint
  endpoint=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}
  if [[ $endpoint != unix://* ]]; then
    die "the Docker engine is at $endpoint; up.sh needs one on this machine (unix://...): run it there, or change DOCKER_HOST"
  fi
  # Compose 1.29 does not know the client's contexts.
  export DOCKER_HOST=$endpoint
  export DISCOVERY_DOCKER_SOCKET=${endpoint#unix://}
}

# The stack's containers have fixed names, and so has the sidecar that someone runs alone as the README shows.
require_free_names() {
  local name owner
  for name in discovery discovery-proxy discovery-dashboard; do
    owner=$(docker inspect --type container --format '{{index .Config.Labels "com.docker.compose.project"}}' "$name" 2>/dev/null) || continue
    if [[ $owner != "$COMPOSE_PROJECT_NAME" ]]; then
      die "there is a container '$name' that up.sh did not start; remove it first: docker rm -f $name"
    fi
  done
}

choose_ports() {
  choose_port DISCOVERY_STORE_PORT 2379 discovery DISCOVERY_LISTEN_CLIENT_URLS "the store"
  choose_port DISCOVERY_ADMIN_PORT 9460 discovery DISCOVERY_ADMIN_URL "the sidecar's API"
  choose_port DISCOVERY_PROXY_ADMIN_PORT 8081 discovery-proxy DISCOVERY_ADMIN_URL "the proxy's API"
  choose_port DISCOVERY_DASHBOARD_PORT 8501 discovery-dashboard DISCOVERY_URLS "the dashboard"
  choose_http_port
}

# choose_port VARIABLE DEFAULT CONTAINER SETTING WHAT: exports VARIABLE, or ends saying which port is taken. A port that the
# running stack has is its own; without a word from the user it also keeps it.
choose_port() {
  local running port
  running=$(running_port "$3" "$4")
  port=${!1:-${running:-$2}}
  if [[ $port != "$running" ]] && port_is_taken "$port"; then
    die "port $port for $5 is taken by another program; stop that, or choose another port: $1=N ${0}"
  fi
  export "$1=$port"
}

# Only the HTTP port may move by itself: it is told to the user, while the others are known by their numbers.
choose_http_port() {
  local running port
  running=$(running_port discovery-proxy DISCOVERY_URLS)
  if [[ -z ${DISCOVERY_HTTP_PORT:-} && -z $running ]] && port_is_taken 80; then
    port=8080
    while port_is_taken "$port" || port_is_ours "$port"; do
      port=$((port + 1))
    done
    say "port 80 is taken by another program: the proxy listens on $port (DISCOVERY_HTTP_PORT chooses)"
    DISCOVERY_HTTP_PORT=$port
  fi
  choose_port DISCOVERY_HTTP_PORT 80 discovery-proxy DISCOVERY_URLS "the proxy"
}

# running_port CONTAINER SETTING: the port at the end of the URL that the running container has in that setting.
running_port() {
  { docker inspect --format '{{if .State.Running}}{{range .Config.Env}}{{println .}}{{end}}{{end}}' "$1" 2>/dev/null || true; } |
    sed -n "s/^$2=.*:\([0-9]*\)$/\1/p"
}

# True when anything on this machine listens on the port, on whatever address. The kernel is asked: no tool need be installed.
port_is_taken() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf '%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 3) == port { found = 1 } END { exit !found }'
}

port_is_ours() {
  [[ " $DISCOVERY_STORE_PORT $DISCOVERY_ADMIN_PORT $DISCOVERY_PROXY_ADMIN_PORT $DISCOVERY_DASHBOARD_PORT " == *" $1 "* ]]
}

# The sidecar registers services with the address of the default route's interface; a machine without one is on its own.
choose_address() {
  if [[ -z ${DISCOVERY_IP:-} ]]; then
    unset DISCOVERY_IP
    if ! awk '$2 == "00000000" && $8 == "00000000" { found = 1 } END { exit !found }' /proc/net/route; then
      say "this machine has no default route: services are registered with 127.0.0.1 (DISCOVERY_IP chooses)"
      DISCOVERY_IP=127.0.0.1
    fi
  fi
  [[ -z ${DISCOVERY_IP:-} ]] || export DISCOVERY_IP
}

start_stack() {
  run_logged compose.log "starting the stack" compose up --detach --no-build --remove-orphans
  remove_replaced_images
}

stack_containers() {
  docker ps --all --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
}

# Prints what is not yet healthy; ends the script when something will not become so.
wait_until_healthy() {
  local deadline=$((SECONDS + health_seconds)) containers waiting said='' unhealthy_since='' unhealthy name status health restarts
  # Restarts are counted from here on: those of the past say nothing about today.
  local -A restarts_before=()
  mapfile -t containers < <(stack_containers)
  while :; do
    waiting='' unhealthy=''
    while read -r name status health restarts; do
      name=${name#/}
      if [[ $status == exited || $status == dead ]] || ((restarts - ${restarts_before[$name]:=$restarts} >= restarts_max)); then
        show_failure "$name"
        die "$name does not stay up: it is $status and was restarted $((restarts - restarts_before[$name])) times"
      fi
      [[ $health == healthy ]] || waiting+=" $name ($health)"
      [[ $health != unhealthy ]] || unhealthy+=" $name"
    done < <(docker inspect --format \
      '{{.Name}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}unchecked{{end}} {{.RestartCount}}' \
      "${containers[@]}")

    if [[ -z $waiting ]]; then
      say "all ${#containers[@]} containers are healthy"
      return
    fi
    if [[ $waiting != "$said" ]]; then
      say "waiting for$waiting"
      said=$waiting
    fi
    if [[ -z $unhealthy ]]; then
      unhealthy_since=''
    elif ((SECONDS - ${unhealthy_since:=$SECONDS} >= unhealthy_seconds || SECONDS >= deadline)); then
      for name in $unhealthy; do
        show_failure "$name"
      done
      die "unhealthy for $((SECONDS - unhealthy_since)) s:$unhealthy"
    fi
    ((SECONDS < deadline)) || die "not healthy after $health_seconds s:$waiting; see 'docker logs' of these"
    sleep 0.3
  done
}

show_failure() {
  {
    printf 'the last lines of %s:\n' "$1"
    docker logs --tail 30 "$1" 2>&1 | indented
    printf 'its last health check:\n'
    docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}{{println .Output}}{{end}}{{end}}' "$1" |
      sed '/^$/d' | tail -n 1 | indented
  } >&2
}

# Healthy parts are not yet a whole: the sample must answer through the proxy.
wait_until_routed() {
  local deadline=$((SECONDS + route_seconds)) status
  until status=$(http_status "$DISCOVERY_HTTP_PORT" sample.localhost) && [[ $status == 200 ]]; do
    if ((SECONDS >= deadline)); then
      show_failure discovery
      show_failure discovery-proxy
      die "the proxy answers ${status:-nothing} for sample.localhost after $route_seconds s; expected 200"
    fi
    sleep 0.3
  done
  say "sample.localhost answers through the proxy"
}

# http_status PORT HOST: the status of GET / on this machine, without curl, which a bare machine lacks.
http_status() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  timeout 3 bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" "$2" >&3
    read -r _ status _ <&3
    printf "%s" "$status"' bash "$1" "$2" 2>/dev/null
}

print_what_to_try() {
  local suffix='' endpoint=http://127.0.0.1:$DISCOVERY_STORE_PORT
  ((DISCOVERY_HTTP_PORT == 80)) || suffix=:$DISCOVERY_HTTP_PORT
  cat <<EOF

Discovery runs. Open

  http://127.0.0.1:$DISCOVERY_DASHBOARD_PORT    the dashboard
  http://sample.localhost$suffix    the sample service, through the proxy

and try

  curl -H 'Host: sample.localhost' http://127.0.0.1:$DISCOVERY_HTTP_PORT
  docker run -d -P -e SERVICE_NAME=hello discovery-sample
  curl -H 'Host: hello.localhost' http://127.0.0.1:$DISCOVERY_HTTP_PORT
  ETCDCTL_API=3 etcdctl --endpoints=$endpoint get --prefix /discovery/instances

Stop it with $compose_dir/down.sh (the data stays; --volumes removes it too).
EOF
}

main "$@"
