#!/usr/bin/env bash
# Builds the server and runs its client in halfcell, which must end with the line PASS.
# tests/rust_scheme/run.sh HALFCELL CLIENT; exit 77 (skipped) where the server cannot be built.
set -uo pipefail
halfcell=$(realpath "$1")
client=$(realpath "$2")
cd "$(dirname "$0")" || exit 1
. ../support/cargo.sh
build_crate "no server in Rust is run" --release
server=$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/release
output=$(timeout 60 "$halfcell" run --bind "$server:/server:ro" "$client" /server/rust_scheme 2>&1)
status=$?
printf '%s\n' "$output"
[ "$status" = 0 ] && [ "$(tail -n 1 <<<"$output")" = PASS ]
