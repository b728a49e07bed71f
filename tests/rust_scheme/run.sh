#!/usr/bin/env bash
# Builds the server and runs its client in halfcell, which must end with the line PASS.
# tests/rust_scheme/run.sh HALFCELL CLIENT; exit 77 (skipped) where the server cannot be built.
set -uo pipefail
halfcell=$(realpath "$1")
client=$(realpath "$2")
cd "$(dirname "$0")" || exit 1
export PATH="$PATH:${HOME:-/}/.cargo/bin"
export CARGO_TARGET_DIR=$PWD/target
skip() {
    echo "SKIP: $1"
    exit 77
}
command -v cargo >/dev/null || skip "cargo is not installed, so no server in Rust is run"
cargo fetch --quiet --locked --offline 2>/dev/null || cargo fetch --quiet --locked ||
    skip "redox-scheme cannot be fetched, so no server in Rust is run"
cargo build --quiet --locked --offline --release || exit 1
server=$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/release
output=$(timeout 60 "$halfcell" run --bind "$server:/server:ro" "$client" /server/rust_scheme 2>&1)
status=$?
printf '%s\n' "$output"
[ "$status" = 0 ] && [ "$(tail -n 1 <<<"$output")" = PASS ]
