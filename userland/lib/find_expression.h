#pragma once

// The expression of find: tests and actions joined by -a -o ! ( ).

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

// A file find has come to. The stat is made when a test first needs it.
class FoundFile {
  public:
    FoundFile(std::string path, std::uint64_t depth, bool follow)
        : path_(std::move(path)), depth_(depth), follow_(follow) {}

    const std::string& path() const { return path_; }
    std::uint64_t depth() const { return depth_; }
    // Null where the file cannot be looked at; the complaint has been made then.
    const abi::Stat* stat();

    bool pruned = false;

  private:
    std::string path_;
    std::uint64_t depth_;
    bool follow_;
    bool asked_ = false;
    std::optional<abi::Stat> stat_;
};

struct FindOptions {
    std::uint64_t least_depth = 0;
    std::uint64_t most_depth = ~std::uint64_t{0};
    bool contents_first = false;  // -depth, -delete
};

class FindExpression {
  public:
    // Ends the program with status 1 where the words are no expression. Without an action, -print is one.
    static FindExpression parse(std::span<const std::string_view> words);
    FindExpression(FindExpression&&) noexcept;
    ~FindExpression();

    bool evaluate(FoundFile& file) const;
    // Does what actions have put off until all files are seen.
    void finish() const;
    const FindOptions& options() const { return options_; }

    struct Node;

  private:
    FindExpression();
    FindOptions options_;
    std::unique_ptr<const Node> root_;
};

}  // namespace halfcell::userland
