#include "kernel_shim/base/text.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "kernel_shim/base/utf8.h"

namespace halfcell {

namespace {

constexpr char kDigits[] = "0123456789abcdef";
// Room for any 64-bit number in any base used here.
constexpr std::size_t kLongestNumber = 24;

bool printable(char character) {
    return character >= ' ' && character <= '~';
}

// The letter behind the backslash, or 0 where there is no short escape.
char short_escape(char character) {
    switch (character) {
        case '\n':
            return 'n';
        case '\t':
            return 't';
        case '\r':
            return 'r';
        case '"':
        case '\\':
            return character;
        default:
            return 0;
    }
}

}  // namespace

void TextWriter::append(std::string_view text) {
    const std::size_t count = std::min(text.size(), storage_.size() - size_);
    if (count != 0) std::memcpy(storage_.data() + size_, text.data(), count);
    size_ += count;
}

void TextWriter::append(char character) {
    if (size_ < storage_.size()) storage_[size_++] = character;
}

void TextWriter::append_number(std::uint64_t value, int base) {
    char digits[kLongestNumber];
    const auto end = std::to_chars(digits, digits + kLongestNumber, value, base).ptr;
    append({digits, static_cast<std::size_t>(end - digits)});
}

void TextWriter::append_decimal(std::uint64_t value) {
    append_number(value, 10);
}

void TextWriter::append_signed(std::int64_t value) {
    if (value < 0) append('-');
    const auto bits = static_cast<std::uint64_t>(value);
    append_number(value < 0 ? 0 - bits : bits, 10);
}

void TextWriter::append_hex(std::uint64_t value) {
    append("0x");
    append_number(value, 16);
}

void TextWriter::append_octal(std::uint64_t value) {
    append('0');
    if (value != 0) append_number(value, 8);
}

void TextWriter::append_padded(std::uint64_t value, unsigned width) {
    char digits[kLongestNumber];
    const auto end = std::to_chars(digits, digits + kLongestNumber, value).ptr;
    const auto count = static_cast<std::size_t>(end - digits);
    for (std::size_t i = count; i < width; ++i)
        append('0');
    append({digits, count});
}

void TextWriter::append_quoted(std::string_view bytes) {
    append('"');
    for (const char character : bytes) {
        if (const char letter = short_escape(character)) {
            append('\\');
            append(letter);
        } else if (printable(character)) {
            append(character);
        } else {
            const auto byte = static_cast<unsigned char>(character);
            append("\\x");
            append(kDigits[byte >> 4]);
            append(kDigits[byte & 15]);
        }
    }
    append('"');
}

void TextWriter::append_json(std::string_view bytes) {
    const bool text = is_utf8(bytes);
    append('"');
    for (const char character : bytes) {
        const auto byte = static_cast<unsigned char>(character);
        if (const char letter = short_escape(character)) {
            append('\\');
            append(letter);
        } else if (printable(character) || (text && byte >= 0x80)) {
            append(character);
        } else {
            append("\\u00");
            append(kDigits[byte >> 4]);
            append(kDigits[byte & 15]);
        }
    }
    append('"');
}

}  // namespace halfcell
