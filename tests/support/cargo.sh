# Sourced by the tests that are Cargo packages.

skip() {
    echo "SKIP: $1"
    exit 77
}

# Builds the package in the current directory as its lock file says, from the crates that are here where that can be
# done. WHAT is what is not done where it cannot. Further words go to `cargo build`. Exit 77 or 1.
build_crate() { # WHAT [OPTIONS OF cargo build…]
    local without=$1
    shift
    export PATH="$PATH:${HOME:-/}/.cargo/bin"
    export CARGO_TARGET_DIR=$PWD/target
    command -v cargo >/dev/null || skip "cargo is not installed, so $without"
    cargo fetch --quiet --locked --offline 2>/dev/null || cargo fetch --quiet --locked ||
        skip "the crates cannot be fetched, so $without"
    cargo build --quiet --locked --offline "$@" || exit 1
}
