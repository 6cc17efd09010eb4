# What `fresh` and `arm64` share; they source it. Both need root on a Debian with debootstrap's packages at hand.

# Where the systems are kept, about 1.5 GB each; delete it to make them anew.
machines=${INGOT_MACHINES:-/var/tmp/ingot-machines}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# Starts the script again in a mount namespace of its own, so that nothing it mounts is seen outside or stays.
enter_namespace() { # the script's arguments
  [ "$(id -u)" = 0 ] || { say "must be run by root: it makes a system in a folder and changes to it"; exit 77; }
  [ -n "${INGOT_NAMESPACE:-}" ] || exec unshare --mount --propagation private env INGOT_NAMESPACE=1 "$0" "$@"
}

# This machine's mirror of Debian, from which the systems are made.
find_mirror() {
  local list=/etc/apt/sources.list.d/debian.sources
  if [ -e $list ]; then
    awk '/^URIs:/ { print $2; exit }' $list
  else
    awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]+:\/\//) { print $i; exit } }' /etc/apt/sources.list
  fi
}

need_commands() { # command and its package, in turn
  local missing=()
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null || missing+=("$2")
    shift 2
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

# Folders on this machine in which git finds repositories in place of their addresses, where it is set up so.
git_folders() { git config --system --get-regexp '^url\..*\.insteadof$' 2>/dev/null | sed -n 's/^url\.\(\/.*\)\.insteadof .*/\1/p' | sort -u; }

bootstrap() { # suite, folder
  say "making Debian $1 in $2"
  debootstrap --variant=minbase --keyring="$keyring" "$1" "$2" "$(find_mirror)" >"$2.log" || { tail -n 3 "$2.log" >&2; exit 69; }
  echo 'Acquire::Check-Valid-Until "false";' >"$2/etc/apt/apt.conf.d/99mirror" # a mirror may be a picture of some day
}

# The devices that programs need, made by number: this machine's own are never mounted.
make_devices() { # the system's folder
  local name major minor
  mkdir -p "$1/dev/shm" "$1/dev/pts"
  while read -r name major minor; do
    [ -e "$1/dev/$name" ] || mknod -m 666 "$1/dev/$name" c "$major" "$minor"
  done <<'DEVICES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
DEVICES
  ln -sfn /proc/self/fd "$1/dev/fd"
}

# Removes a system that may have been used, unless something is still mounted in it: that would be emptied too.
remove_system() { # folder
  if grep -q " $1/" /proc/self/mounts; then
    say "something is mounted below $1: unmount it first"
    exit 1
  fi
  rm -rf "$1"
}
