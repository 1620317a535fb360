#!/usr/bin/env bash
# Builds everything and runs every test, on a machine with nothing but the .NET SDK (Debian or Ubuntu, root).
# The last line is "N passed, M failed"; the exit code is 0 only when nothing failed.
set -uo pipefail

usage() {
  cat <<'HELP'
Usage: tests/run.sh [filter]

Installs what the tests need (apt, only what is missing), builds Discovery.sln in Release, checks its
formatting, starts a Docker engine of its own when none runs, and runs the test projects one after the other.

  filter   run only the test projects whose name contains it, such as Store or EndToEnd;
           build and formatting are checked all the same

Environment:
  DOCKER_HOST   the engine to test with, as for the docker command; default: the machine's, else an own one

What the tests leave behind: artifacts/screenshots (the dashboard in a browser), artifacts/test-results (TRX).
HELP
}

case "${1:-}" in
  -h | --help | -help) usage; exit 0 ;;
  -*) echo "tests/run.sh: unknown option $1; see tests/run.sh --help" >&2; exit 2 ;;
esac
if (($# > 1)); then
  echo "tests/run.sh: one filter at most, got: $*; see tests/run.sh --help" >&2
  exit 2
fi

filter=${1:-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
results=$root/artifacts/test-results
work=$(mktemp -d "${TMPDIR:-/tmp}/dsc-run.XXXXXX") || exit 1
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
# Build servers would outlive this script.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
# Some machines have a docker command of another origin first in the path; the package's is the one that is tested.
export PATH="$work/bin:$PATH:/usr/sbin:/sbin"
exec </dev/null

# Fast ones first, so that a plain mistake shows in the first minute; the end-to-end tests last.
order=(Discovery.Tidy.Tests Discovery.Raft.Tests Discovery.Simulator.Tests Discovery.Catalog.Tests Discovery.Store.Tests Discovery.Proxy.Tests
  Discovery.Sidecar.Tests Discovery.Dashboard.Tests Discovery.Cluster.Tests Discovery.EndToEnd.Tests)

passed=0
failed=0
dockerd_pid=
test_pid=
bridge=

step() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

# Ends one process that this script started, and waits for it: in order first, then by force.
end() {
  local pid=$1
  kill -TERM "$pid" 2>/dev/null || return 0
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
}

# Runs on every way out, also on a signal: nothing that was started here stays.
clean_up() {
  [[ -z $test_pid ]] || end "$test_pid"
  if [[ -n $dockerd_pid ]]; then
    docker ps -aq 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1
    end "$dockerd_pid"
  fi
  [[ -z $bridge ]] || ip link del "$bridge" 2>/dev/null
  # An engine that had to be killed leaves mounts behind.
  awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount -l
  rm -f "${policy:-}"
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The last line, also when there was nothing to run.
finish() {
  echo "$passed passed, $failed failed"
  ((failed == 0 && passed > 0))
  exit
}

fail_step() {
  step "FAILED: $1"
  failed=$((failed + 1))
}

install_missing() {
  local missing=() need file package
  for need in /usr/sbin/dockerd=docker.io /usr/bin/docker-compose=docker-compose /usr/bin/etcd=etcd-server /usr/bin/etcdctl=etcd-client \
    /usr/share/java/zookeeper.jar=libzookeeper-java /usr/share/java/slf4j-simple.jar=libslf4j-java java=default-jre-headless \
    /usr/bin/chromium=chromium busybox=busybox-static ip=iproute2 iptables=iptables curl=curl jq=jq \
    /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf=fonts-dejavu-core; do
    file=${need%%=*}
    package=${need#*=}
    if [[ $file == /* ]]; then [[ -e $file ]]; else command -v "$file" >/dev/null; fi || missing+=("$package")
  done
  # A busybox may be there that needs shared libraries, which an image from scratch does not have.
  if command -v busybox >/dev/null && ldd "$(command -v busybox)" >/dev/null 2>&1; then missing+=(busybox-static); fi
  ((${#missing[@]} > 0)) || return 0

  step "Installing ${missing[*]}"
  if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    echo "Missing: ${missing[*]}. Install them, or run this on Debian or Ubuntu as root, where it does so itself." >&2
    return 1
  fi

  # No packaged service may start: the tests start what they need, where they need it.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
  fi
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$work/apt.log" 2>&1
  local code=$?
  rm -f "${policy:-}"
  ((code == 0)) || { tail -n 30 "$work/apt.log"; return 1; }
}

# Consul left Debian after release 11. Its package is taken from there, with the machine's own mirror and key, and unpacked, not
# installed; it stays in artifacts for the next run.
unpack_consul() {
  local target=$root/artifacts/tools/consul apt=$work/apt mirror key
  if [[ -x $target ]] || command -v consul >/dev/null; then return 0; fi
  step "Unpacking Consul"
  mirror=$(sed -n 's/^URIs: *\([^ ]*debian\)\/* *$/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*debian\)\/* .*/\2/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  if [[ -z $mirror ]]; then
    echo "No Debian mirror in apt's sources. Put a consul of 1.8 or later into the path, or into artifacts/tools." >&2
    return 1
  fi
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/consul" "$root/artifacts/tools"
  echo "deb [signed-by=$key] $mirror bullseye main" >"$apt/sources.list"
  local options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  if ! (cd "$apt" && apt-get "${options[@]}" update && apt-get "${options[@]}" download consul && dpkg-deb -x consul_*.deb consul) >"$work/apt.log" 2>&1; then
    tail -n 30 "$work/apt.log"
    return 1
  fi
  cp "$apt/consul/usr/bin/consul" "$target"
}

use_docker() {
  mkdir -p "$work/bin"
  [[ ! -x /usr/bin/docker ]] || ln -sf /usr/bin/docker "$work/bin/docker"
  if docker info >/dev/null 2>&1; then
    step "Docker $(docker version --format '{{.Server.Version}}') of this machine is used${DOCKER_HOST:+ ($DOCKER_HOST)}"
    return 0
  fi
  ((EUID == 0)) || { echo "No Docker engine runs and only root can start one." >&2; return 1; }

  # Its own data, socket, process id file and bridge, and no packet filter: it meets no other engine. Published ports are
  # served on loopback by docker-proxy, which is where the tests reach them.
  bridge=dscr$((RANDOM % 10000))
  ip link add "$bridge" type bridge && ip addr add "10.212.$((RANDOM % 250 + 1)).1/24" dev "$bridge" && ip link set "$bridge" up || return 1
  export DOCKER_HOST=unix://$work/docker.sock
  /usr/sbin/dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" -H "$DOCKER_HOST" \
    -b "$bridge" --iptables=false --ip6tables=false >"$work/dockerd.log" 2>&1 &
  dockerd_pid=$!
  for _ in $(seq 300); do
    if docker info >/dev/null 2>&1; then
      step "Docker $(docker version --format '{{.Server.Version}}') started"
      return 0
    fi
    kill -0 "$dockerd_pid" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$work/dockerd.log"
  return 1
}

# One project: its result file counts; without one it crashed, which is a failure.
run_project() {
  local project=$1 start=$SECONDS trx=$results/$1.trx counters
  rm -f "$trx"
  # --blame-hang: a test that never ends is named and ended.
  dotnet test "tests/$project/$project.csproj" -c Release --no-build --nologo -v quiet \
    --logger "trx;LogFileName=$trx" --logger "console;verbosity=minimal" \
    --blame-hang-timeout 8m --blame-hang-dump-type none --results-directory "$work/results" >"$work/$project.log" 2>&1 &
  test_pid=$!
  wait "$test_pid"
  local code=$?
  test_pid=
  counters=$(grep -o '<Counters [^>]*' "$trx" 2>/dev/null | head -n 1)
  if [[ -z $counters ]]; then
    if ((code == 0)); then
      step "$project: no tests"
    else
      tail -n 60 "$work/$project.log"
      fail_step "$project ended with $code and without a result"
    fi
    return
  fi

  local total ok
  total=$(sed -n 's/.* total="\([0-9]*\)".*/\1/p' <<<"$counters ")
  ok=$(sed -n 's/.* passed="\([0-9]*\)".*/\1/p' <<<"$counters ")
  # Whatever did not pass, skipped ones included, failed.
  local bad=$((total - ok))
  passed=$((passed + ok))
  failed=$((failed + bad))
  if ((bad == 0 && code != 0)); then
    tail -n 60 "$work/$project.log"
    fail_step "$project ended with $code although all its tests passed"
  elif ((bad > 0)); then
    cat "$work/$project.log"
    step "FAILED: $project: $ok passed, $bad failed ($((SECONDS - start)) s)"
  else
    step "$project: $ok passed ($((SECONDS - start)) s)"
  fi
}

# Whole clusters from seeds: first the same seeds every time, then ones that nobody has seen. Each part counts as one test.
run_simulation() {
  local program=artifacts/bin/Discovery.Simulator/release/Discovery.Simulator part jobs
  jobs=$(nproc)
  for part in "--seed 1 --seconds 90" "--soak 90s"; do
    step "Simulating ($part)"
    # shellcheck disable=SC2086
    "$program" $part --jobs "$jobs" >"$work/simulation.log" 2>&1 &
    test_pid=$!
    wait "$test_pid"
    local code=$?
    test_pid=
    if ((code == 0)); then
      passed=$((passed + 1))
      sed -n '1,2p' "$work/simulation.log"
    else
      failed=$((failed + 1))
      cat "$work/simulation.log"
      step "FAILED: the simulation ended with $code; the line that begins with replay: runs the seed again"
    fi
  done
}

# Whether the simulator bites: each planted bug counts as a test that passes when it is found; so does the control when it is clean.
run_mutants() {
  step "Building with planted bugs"
  if ! dotnet build tests/Discovery.Simulator -c Mutants --nologo -v quiet -clp:NoSummary >"$work/mutants.log" 2>&1; then
    grep -E 'error|warning' "$work/mutants.log" | sort -u | head -n 40
    fail_step "the build with planted bugs"
    return
  fi

  local start=$SECONDS code result
  step "Looking for planted bugs"
  artifacts/bin/Discovery.Simulator/mutants/Discovery.Simulator --mutants --jobs "$(nproc)" >"$work/mutants.log" 2>"$work/mutants.err" &
  test_pid=$!
  wait "$test_pid"
  code=$?
  test_pid=
  result=$(grep -oE '^[0-9]+ passed, [0-9]+ failed' "$work/mutants.log" | tail -n 1)
  if [[ -z $result ]]; then
    tail -n 40 "$work/mutants.log" "$work/mutants.err"
    fail_step "the search for planted bugs ended with $code and without a result"
    return
  fi

  cat "$work/mutants.log"
  passed=$((passed + ${result%% *}))
  local bad=${result#*, }
  failed=$((failed + ${bad%% *}))
  if ((code != 0)); then
    step "FAILED: planted bugs: $result; dotnet run -c Mutants --project tests/Discovery.Simulator -- --mutants --mutant NAME --long looks longer"
  else
    step "Planted bugs: $result ($((SECONDS - start)) s)"
  fi
}

step "Discovery's tests in $root"
install_missing || { fail_step "what the tests need could not be installed"; finish; }
unpack_consul || { fail_step "Consul could not be unpacked"; finish; }

step "Building (Release)"
if ! dotnet build Discovery.sln -c Release --nologo -v quiet -clp:NoSummary >"$work/build.log" 2>&1; then
  grep -E 'error|warning' "$work/build.log" | sort -u | head -n 40 || tail -n 40 "$work/build.log"
  fail_step "the build"
  finish
fi

step "Checking the formatting"
if ! dotnet format Discovery.sln --verify-no-changes --no-restore >"$work/format.log" 2>&1; then
  head -n 40 "$work/format.log"
  fail_step "dotnet format would change files; run: dotnet format"
fi

use_docker || { fail_step "no Docker engine"; finish; }
mkdir -p "$results"

# Projects that the order does not know yet run too, before the end-to-end tests.
for path in tests/*.Tests/; do
  project=$(basename "$path")
  [[ " ${order[*]} " == *" $project "* ]] || order=("${order[@]:0:${#order[@]}-1}" "$project" "${order[-1]}")
done

ran=0
for project in "${order[@]}"; do
  [[ -e tests/$project/$project.csproj && $project == *"$filter"* ]] || continue
  ran=$((ran + 1))
  step "Testing $project"
  run_project "$project"
  [[ $project != Discovery.Simulator.Tests ]] || { run_simulation; run_mutants; }
done
((ran > 0)) || fail_step "no test project's name contains \"$filter\""
finish
