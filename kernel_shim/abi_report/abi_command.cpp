// The command half of abi_report.h: what is printed where, and the exit status.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "kernel_shim/abi_report/abi_report.h"

namespace halfcell::abi_report {
namespace {

constexpr int kDone = 0;
constexpr int kDifferent = 1;
constexpr int kUnusable = 2;

// The whole of a stream, or nothing where it fails or is longer than any ABI description.
std::optional<std::string> read_all(std::istream& in) {
    constexpr std::size_t kLimit = std::size_t{64} << 20;
    std::string content;
    char chunk[65536];
    while (in.read(chunk, sizeof(chunk)) || in.gcount() > 0) {
        content.append(chunk, static_cast<std::size_t>(in.gcount()));
        if (content.size() > kLimit) return std::nullopt;
    }
    if (in.bad() || !in.eof()) return std::nullopt;
    return content;
}

std::optional<std::string> read_file(const std::string& path) {
    if (path == "-") return read_all(std::cin);
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return read_all(file);
}

int run_diff(const std::string& path) {
    const std::optional<std::string> other = read_file(path);
    if (!other) {
        std::cerr << "halfcell abi: cannot read " << path << "\n";
        return kUnusable;
    }
    const Result<std::vector<std::string>> differences = abi_differences(*other);
    if (!differences) {
        std::cerr << "halfcell abi: " << path << " is no ABI description (halfcell abi --json prints one)\n";
        return kUnusable;
    }
    if (differences->empty()) {
        std::cout << "equal, " << fingerprint() << "\n";
        return kDone;
    }
    for (const std::string& line : *differences)
        std::cout << line << "\n";
    std::cout << differences->size() << (differences->size() == 1 ? " difference" : " differences")
              << " (- only in " << path << ", + only here, ! different)\n";
    return kDifferent;
}

}  // namespace

int run_abi_command(const AbiCommandOptions& options) {
    int status = kDone;
    if (!options.diff_file.empty())
        status = run_diff(options.diff_file);
    else
        std::cout << (options.json ? abi_json() : abi_text(options.colour));
    std::cout.flush();
    if (!std::cout) {
        std::cerr << "halfcell abi: cannot write the output\n";
        return kUnusable;
    }
    return status;
}

}  // namespace halfcell::abi_report
