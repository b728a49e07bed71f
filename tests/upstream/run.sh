#!/usr/bin/env bash
# Compares halfcell's ABI with redox_syscall's own, both ways: what is missing, extra or different is listed, exit 1.
# tests/upstream/run.sh HALFCELL; exit 77 (skipped) where there is no cargo or the crate cannot be had.
set -uo pipefail
halfcell=$(realpath "$1")
cd "$(dirname "$0")" || exit 1
. ../support/cargo.sh
build_crate "halfcell is not compared with redox_syscall"
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
