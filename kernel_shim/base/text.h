#pragma once

// Text without allocation: what is appended goes into memory of the caller's, and what does not fit is cut
// off. For lines that are made often, such as those of a trace.

#include <cstdint>
#include <span>
#include <string_view>

namespace halfcell {

// Appends to storage that outlives it. One thread; never blocks, never fails.
class TextWriter {
  public:
    explicit TextWriter(std::span<char> storage) : storage_(storage) {}

    void append(std::string_view text);
    void append(char character);
    // 17 · -17 · 0x11 · 021
    void append_decimal(std::uint64_t value);
    void append_signed(std::int64_t value);
    void append_hex(std::uint64_t value);
    void append_octal(std::uint64_t value);
    // At least `width` digits, filled up with zeros: the part of a number behind its point.
    void append_padded(std::uint64_t value, unsigned width);
    // "a\nb\x00": in quotes, with the escapes of Rust's byte strings; printable ASCII stands for itself.
    void append_quoted(std::string_view bytes);
    // "a\nb\u0000": a JSON string. Bytes that are no UTF-8 become the characters of the same numbers.
    void append_json(std::string_view bytes);

    [[nodiscard]] std::string_view text() const { return {storage_.data(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool full() const { return size_ == storage_.size(); }
    void clear() { size_ = 0; }
    // Cuts back to an earlier size().
    void shorten(std::size_t size) { size_ = size < size_ ? size : size_; }

  private:
    void append_number(std::uint64_t value, int base);

    std::span<char> storage_;
    std::size_t size_ = 0;
};

}  // namespace halfcell
