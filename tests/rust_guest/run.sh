#!/usr/bin/env bash
# Builds the guest and runs it in halfcell; every line of its TAP must be ok.
# tests/rust_guest/run.sh HALFCELL [OPTIONS OF RUN…]; exit 77 (skipped) where the guest cannot be built.
set -uo pipefail
halfcell=$(realpath "$1")
shift
cd "$(dirname "$0")" || exit 1
export PATH="$PATH:${HOME:-/}/.cargo/bin"
export CARGO_TARGET_DIR=$PWD/target
skip() {
    echo "SKIP: $1"
    exit 77
}
command -v cargo >/dev/null || skip "cargo is not installed, so no guest in Rust is run"
cargo fetch --quiet --locked --offline 2>/dev/null || cargo fetch --quiet --locked ||
    skip "redox_syscall cannot be fetched, so no guest in Rust is run"
cargo build --quiet --locked --offline --release || exit 1
guest=$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/release/rust_guest

output=$(timeout 60 "$halfcell" run "$@" "$guest")
status=$?
printf '%s\n' "$output"
planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' <<<"$output")
passed=$(grep -c '^ok ' <<<"$output")
if [ "$status" -ne 0 ] || [ -z "$planned" ] || [ "$passed" -ne "$planned" ]; then
    echo "rust_guest: exit status $status, $passed of ${planned:-an unknown number of} tests passed"
    exit 1
fi
