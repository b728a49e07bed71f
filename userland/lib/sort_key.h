#pragma once

// The order of lines: sort's keys and their flags. Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

struct SortFlags {
    enum class Order : std::uint8_t { kText, kNumeric, kHuman, kVersion, kMonth };
    Order order = Order::kText;
    bool reverse = false;
    bool fold_case = false;
    bool dictionary = false;  // Only blanks, letters and digits count.
    bool skip_blanks = false;
    bool printable = false;

    bool any() const {
        return order != Order::kText || reverse || fold_case || dictionary || skip_blanks || printable;
    }
};

// Sets what an option letter (b d f h i M n r V) means; false for another letter.
bool set_sort_flag(SortFlags& flags, char letter);

struct SortKey {
    std::uint64_t first_field = 1;
    std::uint64_t first_character = 1;
    std::uint64_t last_field = 0;      // 0: to the end of the line.
    std::uint64_t last_character = 0;  // 0: to the end of the field.
    bool skip_blanks_at_end = false;
    SortFlags flags;
};

// "F[.C][OPTS][,F[.C][OPTS]]"; nothing and an `error` otherwise.
std::optional<SortKey> parse_sort_key(std::string_view text, std::string& error);

class LineOrder {
  public:
    // separator: what divides fields, or nothing for "between a non-blank and a blank". Keys without flags of
    // their own take the global ones. `stable` drops the comparison of whole lines as the last resort.
    LineOrder(std::vector<SortKey> keys, SortFlags global, std::optional<char> separator, bool stable);

    // <0, 0, >0. Equal by keys only where `keys_only`, as uniqueness wants.
    int compare(std::string_view left, std::string_view right) const;
    int compare_keys(std::string_view left, std::string_view right) const;

  private:
    std::string_view extract(const SortKey& key, std::string_view line) const;
    std::size_t field_begin(std::string_view line, std::uint64_t field) const;
    std::size_t field_end(std::string_view line, std::size_t begin) const;

    std::vector<SortKey> keys_;
    SortFlags global_;
    std::optional<char> separator_;
    bool stable_;
};

}  // namespace halfcell::userland
