#pragma once

// How ls shows files: lines of names, with what is known about them in columns.

#include <cstdint>
#include <string>
#include <vector>

#include "userland/rt/directory.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland {

struct ListStyle {
    bool all = false, almost_all = false, directories_as_files = false, classify = false, slash = false;
    bool human = false, inode = false, details = false, numeric = false, owner = true, group = true;
    bool reverse = false, recursive = false, blocks = false, follow = false, access_time = false;
    bool columns = false;
    char sort = 0;  // 'S' 't' 'U' 'v' 'X' or 0 for names
    bool needs_kind() const { return recursive || slash; }
    bool needs_stat() const {
        return details || inode || blocks || sort == 'S' || sort == 't' || classify || follow;
    }
};

struct ListItem {
    std::string name;
    std::string path;
    abi::Stat stat{};
    EntryKind kind = EntryKind::kUnknown;
    bool unknown = false;  // It could not be looked at.
    bool scheme = false;   // A name of a scheme, whose server may have nothing to say about it.
    bool directory() const { return kind == EntryKind::kDirectory; }
};

class ListPrinter {
  public:
    explicit ListPrinter(const ListStyle& style);

    // One line each, or columns.
    void print(const std::vector<ListItem>& items) const;
    // "total N": the space all of them use.
    void print_total(const std::vector<ListItem>& items) const;

  private:
    // The texts of one line, before they are padded to columns.
    struct Row {
        std::string inode, blocks, mode, links, owner, group, size, time, name;
    };

    Row make_row(const ListItem& item) const;
    std::string size_text(std::uint64_t bytes) const;
    std::string blocks_text(std::uint64_t blocks) const;
    std::string time_text(const abi::Stat& stat) const;
    std::string_view mark(const ListItem& item) const;
    void print_lines(const std::vector<std::string>& lines) const;

    ListStyle style_;
    std::int64_t now_ = 0;
};

}  // namespace halfcell::userland
