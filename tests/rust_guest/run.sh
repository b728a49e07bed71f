#!/usr/bin/env bash
# Builds the guest and runs it in halfcell; every line of its TAP must be ok.
# tests/rust_guest/run.sh HALFCELL [OPTIONS OF RUN…]; exit 77 (skipped) where the guest cannot be built.
set -uo pipefail
halfcell=$(realpath "$1")
shift
cd "$(dirname "$0")" || exit 1
. ../support/cargo.sh
build_crate "no guest in Rust is run" --release
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
