# shellcheck shell=bash
# The four images: from public base images where they can be pulled, else from what is on this machine. Sourced after lib.sh.

images=(discovery discovery-proxy discovery-dashboard discovery-sample)
base_images=(mcr.microsoft.com/dotnet/aspnet:10.0 mcr.microsoft.com/dotnet/sdk:10.0)
# Made here when those cannot be pulled: the machine's .NET runtime and C libraries, from scratch.
local_base_image=discovery-base
# The registry must have named the image after this time. Layers may take as long as they need.
registry_seconds=5
# On each image: the hash of the sources it was built from. Outside the `discovery.` prefix, which the sidecar reads on containers.
sources_label=sources.sha256

# ensure_images: afterwards the four images are there and are those of the sources in this tree.
ensure_images() {
  local sources
  sources=$(sources_hash)
  if images_are_of "$sources"; then
    say "images are up to date with the sources ($sources)"
    return
  fi

  # Where BuildKit's plugin is missing, newer clients refuse to build unless told to do it the old way.
  docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0

  case ${DISCOVERY_IMAGES:-auto} in
    registry) build_from_registry "$sources" ;;
    local) build_from_this_machine "$sources" ;;
    auto)
      if base_images_can_be_pulled; then
        build_from_registry "$sources"
      else
        build_from_this_machine "$sources"
      fi
      ;;
    *) die_usage "DISCOVERY_IMAGES is '$DISCOVERY_IMAGES'; it must be auto, registry or local" ;;
  esac
}

# Images that a build has taken the name from, once no container runs from them.
remove_replaced_images() {
  docker image prune --force --filter "label=$sources_label" >/dev/null
}

# Everything that can change an image: sources, build settings, the recipes here.
sources_hash() (
  cd -- "$repo_dir"
  shopt -s nullglob
  find global.json Directory.*.props Directory.*.targets .editorconfig BannedSymbols.txt .dockerignore \
    store sidecar proxy dashboard compose/sample compose/Dockerfile compose/publish.sh compose/images.sh \
    \( -name bin -o -name obj -o -name _framework -o -name node_modules \) -prune -o -type f ! -name '*.md' -print0 |
    LC_ALL=C sort --zero-terminated | xargs --null sha256sum | sha256sum | cut -c1-16
)

images_are_of() {
  local image
  for image in "${images[@]}"; do
    [[ $(docker image inspect --format "{{index .Config.Labels \"$sources_label\"}}" "$image" 2>/dev/null) == "$1" ]] || return 1
  done
}

base_images_can_be_pulled() {
  local image
  for image in "${base_images[@]}"; do
    can_pull "$image" || return 1
  done
}

# The engine is asked, not the network from here: it may have its own proxy or mirror, or none.
can_pull() {
  local log=$state_dir/pull.log deadline=$((SECONDS + registry_seconds)) status=0
  if docker image inspect "$1" >/dev/null 2>&1; then
    return 0
  fi
  say "asking for the base image $1"
  # Made here: the client may not have written to it when it is first looked at.
  : >"$log"
  docker pull "$1" >>"$log" 2>&1 9>&- &
  background=$!
  # The client prints this once the registry has named the image's layers.
  while kill -0 "$background" 2>/dev/null && ! grep -q 'Pulling from' "$log"; do
    if ((SECONDS >= deadline)); then
      kill "$background" 2>/dev/null || true
      printf 'no answer within %s s\n' "$registry_seconds" >>"$log"
      break
    fi
    sleep 0.2
  done
  wait "$background" || status=$?
  background=
  ((status == 0)) || say "  it cannot be pulled: $(tail -n 1 -- "$log")"
  return "$status"
}

build_from_registry() {
  local image
  for image in "${images[@]}"; do
    run_logged "build-$image.log" "building the image $image" \
      docker build --target "$image" --tag "$image" --label "$sources_label=$1" \
      --file "$compose_dir/Dockerfile" "$repo_dir"
  done
}

# Publishes with the SDK of this machine and builds FROM scratch: the runtime and the C libraries are copied from here.
build_from_this_machine() {
  local context=$repo_dir/artifacts/images image
  if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
    die "the base images cannot be pulled (${base_images[*]}) and there is no .NET SDK 10 here to build without them;" \
      "install the SDK (https://dot.net), or give the engine a way to the registry"
  fi

  if [[ $(cat "$context/sources" 2>/dev/null) == "$1" ]]; then
    say "published programs are up to date with the sources ($1)"
  else
    rm -rf -- "$context/sources" "$context/base" "$context/programs"
    run_logged publish.log "publishing the programs with this machine's SDK" "$compose_dir/publish.sh" "$context/programs"
    copy_runtime "$context/base"
    write_local_dockerfiles "$context"
    printf '%s\n' "$1" >"$context/sources"
  fi

  run_logged build-base.log "building the base image from scratch" \
    docker build --tag "$local_base_image" "$context/base"
  for image in "${images[@]}"; do
    run_logged "build-$image.log" "building the image $image" \
      docker build --target "$image" --tag "$image" --label "$sources_label=$1" "$context/programs"
  done
}

# The Dockerfile with its first half replaced, as it says at its top: the base is the one made here, and the programs are
# copied from the context.
write_local_dockerfiles() {
  printf '%s\n' 'FROM scratch' 'COPY . /' >"$1/base/Dockerfile"
  printf '%s\n' Dockerfile >"$1/base/.dockerignore"
  {
    printf 'FROM %s AS base\n' "$local_base_image"
    sed -e '1,/^# ---- the images ----$/d' -e 's|^COPY --from=build /out/|COPY |' "$compose_dir/Dockerfile"
  } >"$1/programs/Dockerfile"
}

# copy_runtime ROOT: a root file system that runs .NET programs and nothing else.
copy_runtime() {
  local root=$1 dotnet version library
  dotnet=$(dirname -- "$(readlink -f -- "$(command -v dotnet)")")
  version=$(newest_common_runtime) || die "the SDK here has no ASP.NET Core 10 runtime; install it (package aspnetcore-runtime-10.0)"

  mkdir -p -- "$root/usr/share/dotnet/host" "$root/etc/ssl/certs" "$root/var/lib/discovery"
  mkdir -m 1777 -- "$root/tmp"
  cp -a -- "$dotnet/host/fxr" "$root/usr/share/dotnet/host/"
  for library in Microsoft.NETCore.App Microsoft.AspNetCore.App; do
    mkdir -p -- "$root/usr/share/dotnet/shared/$library"
    cp -a -- "$dotnet/shared/$library/$version" "$root/usr/share/dotnet/shared/$library/"
  done

  # Kept at their paths here, which are those that the loader from here looks in.
  while read -r library; do
    mkdir -p -- "$root$(dirname -- "$library")"
    cp -L -- "$library" "$root$library"
  done < <(runtime_libraries "$root/usr/share/dotnet" | sort -u)

  printf 'root:x:0:0:root:/root:/\nnobody:x:65534:65534:nobody:/tmp:/\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  if [[ -r /etc/ssl/certs/ca-certificates.crt ]]; then
    cp -L -- /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  else
    say "  no CA certificates here (package ca-certificates): TLS from the containers to public names will not work"
  fi
}

# The newest version 10 that both frameworks have.
newest_common_runtime() {
  dotnet --list-runtimes | awk '
    $1 == "Microsoft.NETCore.App" || $1 == "Microsoft.AspNetCore.App" { if ($2 ~ /^10\./ && ++seen[$2] == 2) print $2 }' |
    sort --version-sort | tail -n 1 | grep .
}

# Paths of the shared libraries that the runtime under ROOT links to, the loader, and OpenSSL, which it opens by name.
runtime_libraries() {
  find "$1" -name '*.so' -exec ldd {} + | awk '
    $2 == "=>" && $3 ~ /^\/(usr\/)?lib/ { print $3 }
    $1 ~ /^\/.*\/ld-linux/ { print $1 }'
  PATH=$PATH:/sbin:/usr/sbin ldconfig -p | awk '$1 ~ /^lib(ssl|crypto)\.so\.[13]/ && !seen[$1]++ { print $NF }'
}
