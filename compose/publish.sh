#!/usr/bin/env bash
# Publishes the four programs to DIRECTORY/<image>: what goes into the images, whether built in a container or on this machine.
#   publish.sh DIRECTORY        (an absolute path)
# Framework-dependent: the images share one layer with the runtime, and what runs in them is what the tests ran (DESIGN.md).
set -euo pipefail

out=${1:?usage: publish.sh DIRECTORY}
# Build processes end with the build; on a user's machine nothing of it may linger.
export MSBUILDDISABLENODEREUSE=1
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# publish IMAGE PROJECT. Own artifacts, so that a build or test run beside it is not disturbed. Analyzers have their say in CI.
publish() {
  echo "publishing $1"
  dotnet publish "$2" --nologo --verbosity quiet --configuration Release --output "$out/$1" \
    --artifacts-path artifacts/images/build -p:DebugType=embedded -p:PublishDocumentationFiles=false -p:RunAnalyzers=false
}

publish discovery sidecar/Discovery.Sidecar
publish discovery-proxy proxy/Discovery.Proxy
publish discovery-dashboard dashboard/Discovery.Dashboard
publish discovery-sample compose/sample/Discovery.Sample
