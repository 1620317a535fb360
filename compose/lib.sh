# shellcheck shell=bash
# What up.sh and down.sh share: paths, words to the user, the compose command. Sourced, never run.

compose_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
repo_dir=$(dirname -- "$compose_dir")
# What one run must tell the next, and the logs of the last run. Git-ignored; may be deleted while the stack is down.
state_dir=$compose_dir/.state

# shellcheck source=.env
. "$compose_dir/.env"

# A command that fails where nobody expected it ends the script; never without a word.
set -o errtrace
trap 'printf "%s: unexpected failure of: %s\n" "${0##*/}" "$BASH_COMMAND" >&2' ERR

# One line of progress: seconds since the script began, then what is going on.
say() {
  printf '[%3ds] %s\n' "$SECONDS" "$*"
}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

die_usage() {
  printf '%s: %s; see --help\n' "${0##*/}" "$*" >&2
  exit 2
}

# up.sh and down.sh at once would undo each other's work. The lock goes with the process that holds it.
take_lock() {
  mkdir -p -- "$state_dir"
  exec 9>"$state_dir/lock"
  flock --nonblock 9 || die "another up.sh or down.sh is at work here; wait for it to end"
}

indented() {
  sed 's/^/    /'
}

# A command run in the background does not hear Ctrl-C: it is ended with the script.
background=
trap '[[ -z $background ]] || kill "$background" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run_logged LOG WHAT COMMAND...: runs a long command with its output in .state/LOG, says every 15 s that it still runs, and
# shows the end of the output when it fails.
run_logged() {
  local log=$state_dir/$1 what=$2 next=$((SECONDS + 15))
  shift 2
  say "$what"
  "$@" >"$log" 2>&1 9>&- &
  background=$!
  while kill -0 "$background" 2>/dev/null; do
    if ((SECONDS >= next)); then
      say "  still at it: $(tail -n 1 -- "$log") ($log)"
      next=$((SECONDS + 15))
    fi
    sleep 0.2
  done
  if ! wait "$background"; then
    background=
    tail -n 40 -- "$log" | indented >&2
    die "failed: $what (above the end of $log)"
  fi
  background=
}

# Sets compose_command to the v2 plugin or to docker-compose; fails where there is neither.
find_compose() {
  if docker compose version >/dev/null 2>&1; then
    compose_command=(docker compose)
  elif command -v docker-compose >/dev/null; then
    compose_command=(docker-compose)
  else
    return 1
  fi
}

compose() {
  "${compose_command[@]}" --project-name "$COMPOSE_PROJECT_NAME" --file "$compose_dir/compose.yml" "$@" 9>&-
}
