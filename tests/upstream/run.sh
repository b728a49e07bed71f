#!/usr/bin/env bash
# Compares halfcell's ABI with redox_syscall's own, both ways: what is missing, extra or different is listed, exit 1.
# tests/upstream/run.sh HALFCELL; exit 77 (skipped) where there is no cargo or the crate cannot be had.
set -uo pipefail
halfcell=$(realpath "$1")
cd "$(dirname "$0")" || exit 1
export PATH="$PATH:${HOME:-/}/.cargo/bin"
export CARGO_TARGET_DIR=$PWD/target
skip() {
    echo "SKIP: $1"
    exit 77
}
command -v cargo >/dev/null || skip "cargo is not installed, so halfcell is not compared with redox_syscall"
cargo fetch --quiet --locked --offline 2>/dev/null || cargo fetch --quiet --locked ||
    skip "redox_syscall cannot be fetched, so halfcell is not compared with it"
cargo build --quiet --locked --offline || exit 1
upstream=$CARGO_TARGET_DIR/debug/halfcell-upstream

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$upstream" >"$work/upstream.json" || exit 1
status=0
"$halfcell" abi --diff "$work/upstream.json" || status=1
"$upstream" texts "$(realpath ../..)" || status=1

# The comparison must notice a change, or its silence says nothing.
sed 's/"SYS_READ":[0-9]*/"SYS_READ":3/' "$work/upstream.json" >"$work/changed.json"
if "$halfcell" abi --diff "$work/changed.json" >"$work/found" || ! grep -q '^! SYS_READ: 3 there' "$work/found"; then
    echo "a changed SYS_READ was not noticed"
    status=1
fi
exit $status
