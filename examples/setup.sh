# SPDX-License-Identifier: MIT
# What examples/run, tests/run and benchmarks/run have in common: installing what is missing, and configuring a build
# folder so that what has been installed since is seen. To be sourced, in the project's folder.

# need PACKAGE...: installs those that are missing. `one|other` is whichever is installed, or else can be. Without apt-get
# the caller goes on: what it needs may be there under other names. `needed` is then what to install, for
# say_what_is_missing.
needed=()
need() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    needed+=("$@")
    return 0
  fi
  local package each missing=() chosen=() sudo=()
  for package in "$@"; do
    for each in ${package//|/ }; do
      [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$each" 2>/dev/null)" = "ii " ] && continue 2
    done
    missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}" >&2
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -q >&2
  for package in "${missing[@]}"; do
    for each in ${package//|/ }; do
      # A package that others only mention is shown too: as nothing, with success.
      [ -n "$(apt-cache show "$each" 2>/dev/null)" ] && break
    done
    chosen+=("$each")
  done
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${chosen[@]}" >&2 && return 0
  echo "FAILED: these packages cannot be installed: ${chosen[*]}" >&2
  return 1
}

say_what_is_missing() {
  [ ${#needed[@]} -eq 0 ] && return 0
  echo "There is no apt-get here to install what may be missing. These are the packages by Debian's names: ${needed[*]}" >&2
}

# configure FOLDER COMPILER [MESON-ARGUMENT...]: makes the build folder, or brings it up to date. meson keeps the packages that
# it has found in the folder, and --reconfigure does not ask again; so these are cleared first.
configure() {
  local folder=$1 compiler=$2
  shift 2
  if [ ! -e "$folder/build.ninja" ] && [ ! -e "$folder/meson-private" ]; then
    CXX=$compiler meson setup "$folder" -Dauto_features=enabled "$@" && return 0
    say_what_is_missing
    return 1
  fi
  meson configure --clearcache "$folder" >/dev/null && meson setup --reconfigure "$folder" -Dauto_features=enabled "$@" && return 0
  echo "FAILED: the build folder '$folder' cannot be brought up to date: see above. If it was made by another compiler or another" \
    "meson, or was interrupted, remove it (rm -rf $folder) and run this again." >&2
  say_what_is_missing
  return 1
}

# built FOLDER TARGET...: builds targets, and says which of them the configuration has left out, and why.
built() {
  local folder=$1 target absent=()
  shift
  for target in "$@"; do
    grep -q "^build ${target%:executable}[ :]" "$folder/build.ninja" || absent+=("${target%:executable}")
  done
  if [ ${#absent[@]} -gt 0 ]; then
    echo "FAILED: not configured to be built: ${absent[*]}" >&2
    grep -hE '(is|are) not built, because' "$folder/meson-logs/meson-log.txt" >&2
    say_what_is_missing
    return 1
  fi
  meson compile -C "$folder" "$@" && return 0
  say_what_is_missing
  return 1
}
