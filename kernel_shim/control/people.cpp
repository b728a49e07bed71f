#include "kernel_shim/control/people.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace halfcell::control {

namespace {

constexpr std::size_t kIndent = 2;

// A value within a line.
std::string cell(const OrderedJson& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "-";
    if (!value.is_structured()) return dump_json(value);
    std::string text;
    for (const auto& [key, item] : value.items()) {
        if (!text.empty()) text += value.is_object() ? " " : ", ";
        if (value.is_object()) text += key + "=";
        text += cell(item);
    }
    return text;
}

// What people know by its hexadecimal digits.
bool is_hexadecimal(std::string_view column) {
    return column == "base" || column == "flags";
}

std::string cell_of(std::string_view column, const OrderedJson& value) {
    if (!is_hexadecimal(column) || !value.is_number_unsigned()) return cell(value);
    char digits[16];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value.get<std::uint64_t>(), 16);
    return "0x" + std::string(digits, end.ptr);
}

// Control characters, which a guest may have put into a name, must not reach a terminal. There are 33 in
// ASCII, and 32 more of two bytes in UTF-8 (U+0080 to U+009F), among them one that does what ESC and '[' do.
std::string printable(std::string_view text) {
    std::string shown;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const auto next = static_cast<unsigned char>(at + 1 < text.size() ? text[at + 1] : 0);
        const bool of_two = byte == 0xc2 && next >= 0x80 && next < 0xa0;
        shown += byte < ' ' || byte == 0x7f || of_two ? '?' : text[at];
        if (of_two) ++at;
    }
    return shown;
}

bool is_table(const OrderedJson& value) {
    return value.is_array() && !value.empty() &&
           std::ranges::all_of(value, [](const OrderedJson& row) { return row.is_object(); });
}

// Texts of which each is a line of its own: calls, deadlocks.
bool is_lines(const OrderedJson& value) {
    return value.is_array() && !value.empty() &&
           std::ranges::all_of(value, [](const OrderedJson& line) { return line.is_string(); });
}

void append_table(std::string& text, const OrderedJson& rows, std::size_t indent) {
    std::vector<std::string> columns;
    for (const OrderedJson& row : rows)
        for (const auto& [key, item] : row.items())
            if (std::ranges::find(columns, key) == columns.end()) columns.push_back(key);
    std::vector<std::vector<std::string>> lines{columns};
    for (const OrderedJson& row : rows) {
        std::vector<std::string>& line = lines.emplace_back();
        for (const std::string& column : columns)
            line.push_back(row.contains(column) ? printable(cell_of(column, row[column])) : "-");
    }
    std::vector<std::size_t> widths(columns.size());
    for (const auto& line : lines)
        for (std::size_t column = 0; column < columns.size(); ++column)
            widths[column] = std::max(widths[column], line[column].size());
    for (const auto& line : lines) {
        text.append(indent, ' ');
        for (std::size_t column = 0; column < columns.size(); ++column) {
            const bool last = column + 1 == columns.size();
            text += line[column];
            if (!last) text.append(widths[column] - line[column].size() + 2, ' ');
        }
        text += "\n";
    }
}

void append_object(std::string& text, const OrderedJson& object, std::size_t indent) {
    std::size_t width = 0;
    for (const auto& [key, value] : object.items())
        width = std::max(width, key.size());
    for (const auto& [key, value] : object.items()) {
        text.append(indent, ' ').append(key);
        if (value.is_object() && !value.empty()) {
            text += "\n";
            append_object(text, value, indent + kIndent);
        } else if (is_table(value)) {
            text += "\n";
            append_table(text, value, indent + kIndent);
        } else if (is_lines(value)) {
            text += "\n";
            for (const OrderedJson& line : value)
                text.append(indent + kIndent, ' ').append(printable(line.get<std::string>())).append("\n");
        } else {
            std::string shown = printable(cell(value));
            if (shown.empty()) shown = "none";
            text.append(width - key.size() + 2, ' ').append(shown).append("\n");
        }
    }
}

}  // namespace

std::string for_people(const OrderedJson& report) {
    // Names may be any bytes; those that are no UTF-8 do not come through JSON.
    const auto valid = parse_ordered_json(dump_json(report));
    std::string text;
    if (valid) append_object(text, *valid, 0);
    return text;
}

}  // namespace halfcell::control
