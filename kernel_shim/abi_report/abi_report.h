#pragma once

// The ABI as text: JSON for programs, tables for people, and the comparison of two such JSON texts.
//
// The JSON is {"epoch", "fingerprint", "constants": {name: value}, "types": {name: {"size", "align",
// "fields": {name: {"offset", "size"}}}}} with Rust's own names. tests/upstream prints the same from
// redox_syscall itself.

#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/result.h"

namespace halfcell::abi_report {

// What the fingerprint is taken of: the JSON without its "fingerprint", keys sorted by their bytes, no
// blanks. Never blocks, never fails.
[[nodiscard]] std::string canonical_text();

// XXH3 of the canonical text: "xxh3:" and 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint();

// The JSON, two spaces a level, ending in a newline.
[[nodiscard]] std::string abi_json();

// The same for people, and the protocols that are no part of redox_syscall; with `colour`, headings are bold.
[[nodiscard]] std::string abi_text(bool colour);

// Compares another ABI's JSON text with ours: one line a difference, sorted by name, empty where they are
// equal.
//   "- NAME = 3"               only the other has it
//   "+ NAME = 3"               only we have it
//   "! NAME: 3 there, 4 here"  both have it
// EINVAL: `other` is no JSON object with "constants" and "types". Never blocks.
[[nodiscard]] Result<std::vector<std::string>> abi_differences(std::string_view other);

struct AbiCommandOptions {
    bool json = false;
    bool colour = false;
    std::string diff_file;  // not empty: compare with this file instead of printing; "-" is standard input
};

// The `halfcell abi` command: prints to standard output, complaints to standard error. Returns the exit
// status: 0 done or equal, 1 different, 2 the file cannot be read or is no ABI description. Blocks on file
// I/O.
[[nodiscard]] int run_abi_command(const AbiCommandOptions& options);

}  // namespace halfcell::abi_report
