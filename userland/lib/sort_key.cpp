#include "userland/lib/sort_key.h"

#include <algorithm>

#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}
bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && is_blank(text[at]))
        ++at;
    return at;
}

int compare_text(std::string_view left, std::string_view right) {
    const int order = left.compare(right);
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

// What of a key counts, folded.
std::string relevant(std::string_view text, const SortFlags& flags) {
    std::string result;
    for (const char c : text) {
        if (flags.dictionary && !is_blank(c) && !is_alphanumeric(c)) continue;
        if (flags.printable && (c < 32 || c == 127)) continue;
        result.push_back(flags.fold_case ? upper(c) : c);
    }
    return result;
}

int month_rank(std::string_view text) {
    constexpr std::string_view kMonths = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    const std::string_view name = text.substr(skip_blanks(text, 0)).substr(0, 3);
    std::string folded;
    for (const char c : name)
        folded.push_back(upper(c));
    const std::size_t at = folded.size() == 3 ? kMonths.find(folded) : std::string_view::npos;
    return at == std::string_view::npos || at % 3 != 0 ? 0 : static_cast<int>(at / 3) + 1;
}

int compare_by(const SortFlags& flags, std::string_view left, std::string_view right) {
    switch (flags.order) {
        case SortFlags::Order::kNumeric:
            return compare_numbers(left, right);
        case SortFlags::Order::kHuman:
            return compare_human_numbers(left, right);
        case SortFlags::Order::kVersion:
            return compare_versions(left, right);
        case SortFlags::Order::kMonth:
            return month_rank(left) - month_rank(right);
        case SortFlags::Order::kText:
            break;
    }
    if (!flags.fold_case && !flags.dictionary && !flags.printable) return compare_text(left, right);
    return compare_text(relevant(left, flags), relevant(right, flags));
}

// "F[.C][OPTS]" from the front of `text`.
bool take_position(std::string_view& text, std::uint64_t& field, std::uint64_t& character, SortFlags& flags,
                   bool& blanks) {
    const auto take_number = [&text](std::uint64_t& value) {
        const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
        const auto number = parse_unsigned(text.substr(0, end));
        if (!number) return false;
        value = *number;
        text.remove_prefix(end);
        return true;
    };
    if (!take_number(field)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!take_number(character)) return false;
    }
    while (!text.empty() && text[0] != ',') {
        if (text[0] == 'b') {
            blanks = true;
        } else if (!set_sort_flag(flags, text[0])) {
            return false;
        }
        text.remove_prefix(1);
    }
    return true;
}

}  // namespace

bool set_sort_flag(SortFlags& flags, char letter) {
    switch (letter) {
        case 'b':
            flags.skip_blanks = true;
            return true;
        case 'd':
            flags.dictionary = true;
            return true;
        case 'f':
            flags.fold_case = true;
            return true;
        case 'h':
            flags.order = SortFlags::Order::kHuman;
            return true;
        case 'i':
            flags.printable = true;
            return true;
        case 'M':
            flags.order = SortFlags::Order::kMonth;
            return true;
        case 'n':
        case 'g':
            flags.order = SortFlags::Order::kNumeric;
            return true;
        case 'r':
            flags.reverse = true;
            return true;
        case 'V':
            flags.order = SortFlags::Order::kVersion;
            return true;
        default:
            return false;
    }
}

std::optional<SortKey> parse_sort_key(std::string_view text, std::string& error) {
    const std::string whole(text);
    SortKey key;
    bool valid = take_position(text, key.first_field, key.first_character, key.flags, key.flags.skip_blanks);
    if (valid && text.starts_with(',')) {
        text.remove_prefix(1);
        valid = take_position(text, key.last_field, key.last_character, key.flags, key.skip_blanks_at_end);
        if (key.last_field == 0) valid = false;
    }
    if (!valid || !text.empty()) {
        error = "invalid field specification '" + whole + "'";
        return {};
    }
    if (key.first_field == 0) {
        error = "field number is zero: invalid field specification '" + whole + "'";
        return {};
    }
    if (key.first_character == 0) {
        error = "character offset is zero: invalid field specification '" + whole + "'";
        return {};
    }
    return key;
}

LineOrder::LineOrder(std::vector<SortKey> keys, SortFlags global, std::optional<char> separator, bool stable)
    : keys_(std::move(keys)), global_(global), separator_(separator), stable_(stable) {
    for (SortKey& key : keys_) {
        if (key.flags.any() || key.skip_blanks_at_end) continue;
        key.flags = global_;
        key.skip_blanks_at_end = global_.skip_blanks;
    }
    if (keys_.empty() && global_.any()) {
        SortKey whole;
        whole.flags = global_;
        keys_.push_back(whole);
    }
}

// Offset of the first byte of a field; the end of the line where it has fewer.
std::size_t LineOrder::field_begin(std::string_view line, std::uint64_t field) const {
    std::size_t at = 0;
    for (std::uint64_t i = 1; i < field && at < line.size(); ++i) {
        at = field_end(line, at);
        if (separator_ && at < line.size()) ++at;
    }
    return at;
}

// Offset behind the field that begins at `begin`, its leading blanks included.
std::size_t LineOrder::field_end(std::string_view line, std::size_t begin) const {
    if (separator_) return std::min(line.find(*separator_, begin), line.size());
    begin = skip_blanks(line, begin);
    while (begin < line.size() && !is_blank(line[begin]))
        ++begin;
    return begin;
}

std::string_view LineOrder::extract(const SortKey& key, std::string_view line) const {
    std::size_t begin = field_begin(line, key.first_field);
    if (key.flags.skip_blanks) begin = skip_blanks(line, begin);
    begin = std::min<std::size_t>(begin + key.first_character - 1, line.size());
    std::size_t end = line.size();
    if (key.last_field != 0) {
        end = field_begin(line, key.last_field);
        if (key.last_character == 0) {
            end = field_end(line, end);
        } else {
            if (key.skip_blanks_at_end) end = skip_blanks(line, end);
            end = std::min<std::size_t>(end + key.last_character, line.size());
        }
    }
    return begin < end ? line.substr(begin, end - begin) : std::string_view();
}

int LineOrder::compare_keys(std::string_view left, std::string_view right) const {
    if (keys_.empty()) return compare_text(left, right);
    for (const SortKey& key : keys_) {
        const int order = compare_by(key.flags, extract(key, left), extract(key, right));
        if (order != 0) return key.flags.reverse ? -order : order;
    }
    return 0;
}

int LineOrder::compare(std::string_view left, std::string_view right) const {
    const int order = compare_keys(left, right);
    if (order != 0 || stable_ || keys_.empty()) return order;
    return global_.reverse ? compare_text(right, left) : compare_text(left, right);
}

}  // namespace halfcell::userland
