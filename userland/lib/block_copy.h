#pragma once

// The copying dd does.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

class BlockCopy {
  public:
    enum class Letters { kKeep, kLower, kUpper };
    enum class Report { kNone, kRecords, kAll };

    // What is asked; "-" and an empty name mean the standard streams.
    std::string_view input;
    std::string_view output;
    std::uint64_t input_block = 512;
    std::uint64_t output_block = 512;
    bool one_size = false;  // bs=: short reads are written as they came.
    std::optional<std::uint64_t> count;
    std::uint64_t skip = 0;
    std::uint64_t seek = 0;
    bool count_in_bytes = false;
    bool skip_in_bytes = false;
    bool seek_in_bytes = false;
    bool full_blocks = false;
    bool truncate = true;
    bool create = true;
    bool exclusive = false;
    bool append = false;
    bool go_on_after_errors = false;
    bool pad_blocks = false;
    bool synchronize = false;
    bool swap_bytes = false;
    bool sparse = false;
    Letters letters = Letters::kKeep;
    Report report = Report::kAll;

    // Copies and reports; returns the exit status.
    int run();

  private:
    void open_files();
    void skip_input();
    bool copy_all();
    std::uint64_t next_read_size() const;
    void convert(std::span<std::byte> block) const;
    bool add_output(std::span<const std::byte> bytes);
    bool write_block(std::span<const std::byte> block);
    bool finish_output();
    void print_report(std::uint64_t nanoseconds) const;

    UniqueFd in_;
    UniqueFd out_;
    std::vector<std::byte> pending_;  // Output collected up to a whole block.
    bool hole_at_end_ = false;
    std::uint64_t full_in_ = 0, partial_in_ = 0, full_out_ = 0, partial_out_ = 0;
    std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
};

}  // namespace halfcell::userland
