# shellcheck shell=bash
# The Docker engine: use the one that runs, else start one, else install one; and stop only what was started here.
# Sourced after lib.sh.

# dockerd writes its process id here. The file's presence is the memory that up.sh started it.
engine_pid_file=$state_dir/dockerd.pid
engine_log=$state_dir/dockerd.log
engine_start_seconds=60
engine_stop_seconds=30

# A docker client alone proves nothing: it is the engine that must answer.
engine_answers() {
  command -v docker >/dev/null && timeout 20 docker info >/dev/null 2>&1
}

# The process id of the engine that up.sh started, if it still runs. The name is checked, since ids are reused.
started_engine() {
  local pid
  pid=$(cat "$engine_pid_file" 2>/dev/null) || return 1
  [[ $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]] || return 1
  printf '%s\n' "$pid"
}

is_debian_or_ubuntu() {
  [[ -r /etc/os-release ]] && command -v apt-get >/dev/null && (
    # shellcheck source=/dev/null
    . /etc/os-release
    [[ " ${ID:-} ${ID_LIKE:-} " == *" debian "* ]]
  )
}

# ensure_engine: afterwards `docker info` and `compose` work, or the script has ended with what to do.
ensure_engine() {
  if ! engine_answers; then
    if [[ -n ${DOCKER_HOST:-} ]]; then
      die "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST; start it there, or unset DOCKER_HOST"
    fi
    if ! command -v dockerd >/dev/null; then
      install_packages "no Docker engine is installed"
    elif ((EUID != 0)); then
      die "no Docker engine answers you: start it ('sudo systemctl start docker'), and join the group 'docker' if you may not use it"
    fi
    start_engine
  fi
  say "Docker engine $(docker version --format '{{.Server.Version}}') answers"

  find_compose || { install_packages "docker compose is not installed" && find_compose; } ||
    die "neither 'docker compose' nor 'docker-compose' works after their installation"
}

start_engine() {
  local deadline=$((SECONDS + engine_start_seconds))
  say "starting the Docker engine (log: $engine_log); down.sh stops it again"
  setsid dockerd --pidfile "$engine_pid_file" >"$engine_log" 2>&1 </dev/null 9>&- &
  local pid=$!
  until engine_answers; do
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -n 20 -- "$engine_log" | indented >&2
      die "the Docker engine ended at its start (above the end of $engine_log)"
    elif ((SECONDS >= deadline)); then
      tail -n 20 -- "$engine_log" | indented >&2
      die "the Docker engine does not answer $engine_start_seconds s after its start (above the end of $engine_log)"
    fi
    sleep 0.3
  done
}

# Stops the engine if up.sh started it; silent when it did not.
stop_engine() {
  local pid deadline=$((SECONDS + engine_stop_seconds))
  if pid=$(started_engine); then
    say "stopping the Docker engine that up.sh started"
    kill -TERM "$pid"
    while kill -0 "$pid" 2>/dev/null; do
      ((SECONDS < deadline)) || die "the Docker engine (process $pid) is still running $engine_stop_seconds s after SIGTERM"
      sleep 0.2
    done
  fi
  rm -f -- "$engine_pid_file"
}

# install_packages WHY: what is missing of engine, client and compose, from the distribution.
install_packages() {
  local packages=()
  if ((EUID != 0)) || ! is_debian_or_ubuntu; then
    die "$1, and installing it here needs root on Debian or Ubuntu: install Docker Engine with its compose plugin" \
      "(https://docs.docker.com/engine/install/), start it, and run up.sh again"
  fi

  run_logged apt.log "$1: reading the package lists (apt-get update)" apt-get update -q
  command -v dockerd >/dev/null || packages+=(docker.io ca-certificates)
  # Newer releases ship the client apart from the engine.
  command -v docker >/dev/null || ! has_package docker-cli || packages+=(docker-cli)
  if ! find_compose; then
    # Ubuntu names the plugin; in Debian docker-compose is 1.29 up to release 12, the plugin after it.
    if has_package docker-compose-v2; then packages+=(docker-compose-v2); else packages+=(docker-compose); fi
  fi
  run_logged apt.log "installing ${packages[*]} (apt-get install)" install_without_starting "${packages[@]}"
  hash -r
}

has_package() {
  [[ -n $(apt-cache show --no-all-versions "$1" 2>/dev/null) ]]
}

# Packages start their services when installed. Here up.sh starts the one that it needs, and nothing else may start.
install_without_starting() (
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap 'rm -f -- "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
)
