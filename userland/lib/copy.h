#pragma once

// Copying files and whole trees, for cp and mv.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

struct CopyOptions {
    enum class Links : std::uint8_t { kFollow, kFollowOperands, kKeep };
    bool recursive = false;
    bool force = false;
    bool interactive = false;
    bool no_clobber = false;
    bool update = false;  // Only where the source is newer.
    bool verbose = false;
    bool hard_links = false;      // Link instead of copying.
    bool symbolic_links = false;  // Make symbolic links instead of copying.
    bool keep_mode = false;
    bool keep_times = false;
    bool keep_owner = false;
    bool keep_links = false;  // Files that were one stay one.
    Links links = Links::kFollow;
};

class Copier {
  public:
    explicit Copier(const CopyOptions& options) : options_(options) {}

    // Copies one operand to exactly `target`. Complains about what cannot be copied and goes on; returns
    // whether all was copied.
    bool copy(const std::string& source, const std::string& target);

  private:
    struct Seen {
        std::uint64_t device;
        std::uint64_t inode;
        std::string target;
    };

    bool copy_entry(const std::string& source, const std::string& target, bool operand);
    bool copy_directory(const std::string& source, const std::string& target, const abi::Stat& stat,
                        const abi::Stat* existing);
    bool copy_regular(const std::string& source, const std::string& target, const abi::Stat& stat,
                      const abi::Stat* existing);
    bool copy_link(const std::string& source, const std::string& target, const abi::Stat& stat,
                   const abi::Stat* existing);
    bool link_instead(const std::string& source, const std::string& target, const abi::Stat* existing);
    bool wanted(const std::string& target, const abi::Stat& stat, const abi::Stat* existing);
    bool keep_attributes(Fd file, const std::string& target, const abi::Stat& stat);
    const std::string* earlier_copy(const abi::Stat& stat, const std::string& target);
    void report(const std::string& source, const std::string& target) const;

    CopyOptions options_;
    std::vector<Seen> seen_;
    // Identity of the directories being made, so that a tree copied into itself does not grow for ever.
    std::vector<abi::Stat> made_;
};

// Where `source` goes when the last operand is `target`: into it, when it is a directory and `into` allows.
std::string target_of(std::string_view source, std::string_view target, bool target_is_directory);

}  // namespace halfcell::userland
