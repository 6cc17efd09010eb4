# What tools/package and tools/install share; they source it, at the checkout's root.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() { # reason, hint
  printf '%s: error: %s\nhint: %s\n' "${0##*/}" "$1" "$2" >&2
  exit "${3:-1}"
}

version=$(sed -n 's/.*static let version = "\(.*\)".*/\1/p' Sources/Families/Tool.swift)

# The date of all that is made: the last commit's, unless SOURCE_DATE_EPOCH is set.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) ||
    fail "git tells no last commit of $PWD, whose date all that is made has" "set SOURCE_DATE_EPOCH, in seconds since 1970"
fi
export SOURCE_DATE_EPOCH
# So that neither language nor time zone nor this user's habits are seen in what is made.
export LC_ALL=C.UTF-8 TZ=UTC0
umask 022

# Compiles the program as tools/demo does, but without symbols, which hold the folder's name.
# What the linker writes is made read-only before the program starts (-z now).
build_options=(-c release --static-swift-stdlib --product ingot --quiet -Xlinker -s -Xlinker -z -Xlinker now)
# The server likewise; a C file of SwiftNIO names its own place, which is not to be the folder's.
server_options=(--package-path Server -c release --static-swift-stdlib --product ingot-serve --quiet -Xlinker -s -Xlinker -z -Xlinker now
  -Xcc "-fmacro-prefix-map=$PWD/=")
