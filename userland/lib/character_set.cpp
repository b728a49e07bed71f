#include "userland/lib/character_set.h"

#include <algorithm>

#include "userland/lib/escape.h"
#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

bool in_class(std::string_view name, unsigned c) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool upper = c >= 'A' && c <= 'Z';
    const bool digit = c >= '0' && c <= '9';
    const bool graphic = c > 32 && c < 127;
    if (name == "alpha") return lower || upper;
    if (name == "digit") return digit;
    if (name == "alnum") return lower || upper || digit;
    if (name == "lower") return lower;
    if (name == "upper") return upper;
    if (name == "space") return c == ' ' || (c >= 9 && c <= 13);
    if (name == "blank") return c == ' ' || c == '\t';
    if (name == "punct") return graphic && !lower && !upper && !digit;
    if (name == "print") return graphic || c == ' ';
    if (name == "graph") return graphic;
    if (name == "cntrl") return c < 32 || c == 127;
    return name == "xdigit" && (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
}

class SetParser {
  public:
    SetParser(std::string_view text, std::string& error) : text_(text), error_(error) {}

    std::optional<CharacterSet> parse() {
        while (at_ < text_.size()) {
            if (parse_class() || parse_repeat()) continue;
            if (!error_.empty()) return {};
            const std::uint8_t low = take_byte();
            if (at_ + 1 < text_.size() && text_[at_] == '-') {
                ++at_;
                const std::uint8_t high = take_byte();
                if (high < low) {
                    error_ = "range-endpoints are in reverse collating sequence order";
                    return {};
                }
                for (unsigned c = low; c <= high; ++c)
                    set_.bytes.push_back(static_cast<std::uint8_t>(c));
            } else {
                set_.bytes.push_back(low);
            }
        }
        return std::move(set_);
    }

  private:
    std::uint8_t take_byte() {
        if (text_[at_] != '\\') return static_cast<std::uint8_t>(text_[at_++]);
        std::string result;
        const std::size_t begin = at_;
        (void)unescape_one(text_, at_, OctalStyle::kPlain, result);
        if (result.size() == 1) return static_cast<std::uint8_t>(result[0]);
        // An unknown escape is the byte behind the backslash.
        at_ = begin + 2;
        return static_cast<std::uint8_t>(text_[begin + 1]);
    }

    bool parse_class() {
        const std::string_view rest = text_.substr(at_);
        if (rest.starts_with("[=") && rest.size() >= 5 && rest.substr(3, 2) == "=]") {
            set_.bytes.push_back(static_cast<std::uint8_t>(rest[2]));
            at_ += 5;
            return true;
        }
        if (!rest.starts_with("[:")) return false;
        const std::size_t close = rest.find(":]");
        if (close == std::string_view::npos) return false;
        const std::string_view name = rest.substr(2, close - 2);
        const std::size_t before = set_.bytes.size();
        for (unsigned c = 0; c < 256; ++c) {
            if (in_class(name, c)) set_.bytes.push_back(static_cast<std::uint8_t>(c));
        }
        if (set_.bytes.size() == before) error_ = "invalid character class '" + std::string(name) + "'";
        at_ += close + 2;
        return error_.empty();
    }

    // "[x*]" and "[x*N]"; N with a leading zero is octal.
    bool parse_repeat() {
        const std::size_t begin = at_;
        if (text_[at_] != '[' || at_ + 3 >= text_.size()) return false;
        ++at_;
        const std::uint8_t byte = take_byte();
        const std::size_t close = text_.find(']', at_);
        if (at_ >= text_.size() || text_[at_] != '*' || close == std::string_view::npos) {
            at_ = begin;
            return false;
        }
        const std::string_view count = text_.substr(at_ + 1, close - at_ - 1);
        const auto repeats = count.empty() ? std::optional<std::uint64_t>(0)
                                           : parse_base(count, count.starts_with('0') ? 8 : 10);
        if (!repeats) {
            at_ = begin;
            return false;
        }
        if (*repeats == 0) {
            set_.filler_at = set_.bytes.size();
            set_.filler = byte;
        } else {
            set_.bytes.insert(set_.bytes.end(), std::min<std::uint64_t>(*repeats, 65536), byte);
        }
        at_ = close + 1;
        return true;
    }

    std::string_view text_;
    std::string& error_;
    std::size_t at_ = 0;
    CharacterSet set_;
};

}  // namespace

std::optional<CharacterSet> parse_character_set(std::string_view text, std::string& error) {
    error.clear();
    return SetParser(text, error).parse();
}

std::vector<std::uint8_t> complement(const std::vector<std::uint8_t>& bytes) {
    std::array<bool, 256> present{};
    for (const std::uint8_t byte : bytes)
        present[byte] = true;
    std::vector<std::uint8_t> rest;
    for (unsigned c = 0; c < 256; ++c) {
        if (!present[c]) rest.push_back(static_cast<std::uint8_t>(c));
    }
    return rest;
}

std::array<std::uint8_t, 256> translation_table(const std::vector<std::uint8_t>& from,
                                                const CharacterSet& to) {
    std::vector<std::uint8_t> target = to.bytes;
    if (to.filler_at && target.size() < from.size()) {
        target.insert(target.begin() + static_cast<std::ptrdiff_t>(*to.filler_at),
                      from.size() - target.size(), to.filler);
    }
    std::array<std::uint8_t, 256> table;
    for (unsigned c = 0; c < 256; ++c)
        table[c] = static_cast<std::uint8_t>(c);
    for (std::size_t i = 0; i < from.size(); ++i) {
        table[from[i]] = i < target.size() ? target[i] : target.back();
    }
    return table;
}

}  // namespace halfcell::userland
