#include "kernel_shim/base/text.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace halfcell;

namespace {

template <typename Append>
std::string written(Append append) {
    std::array<char, 200> storage{};
    TextWriter writer(storage);
    append(writer);
    return std::string(writer.text());
}

}  // namespace

TEST_CASE("numbers are written in every base in use") {
    CHECK(written([](TextWriter& to) { to.append_decimal(UINT64_MAX); }) == "18446744073709551615");
    CHECK(written([](TextWriter& to) { to.append_signed(INT64_MIN); }) == "-9223372036854775808");
    CHECK(written([](TextWriter& to) { to.append_signed(17); }) == "17");
    CHECK(written([](TextWriter& to) { to.append_hex(UINT64_MAX); }) == "0xffffffffffffffff");
    CHECK(written([](TextWriter& to) { to.append_octal(0644); }) == "0644");
    CHECK(written([](TextWriter& to) { to.append_octal(0); }) == "0");
    CHECK(written([](TextWriter& to) { to.append_octal(UINT64_MAX); }) == "01777777777777777777777");
    CHECK(written([](TextWriter& to) { to.append_padded(5, 3); }) == "005");
    CHECK(written([](TextWriter& to) { to.append_padded(1234, 3); }) == "1234");
}

TEST_CASE("quoted bytes can be told apart again") {
    using namespace std::string_view_literals;
    CHECK(written([](TextWriter& to) { to.append_quoted("a\n\"\\\t\r\0\x7f\xff"sv); }) ==
          R"("a\n\"\\\t\r\x00\x7f\xff")");
}

TEST_CASE("JSON strings are UTF-8 whatever the bytes were") {
    using namespace std::string_view_literals;
    CHECK(written([](TextWriter& to) { to.append_json("a\n\"\0"sv); }) == R"("a\n\"\u0000")");
    CHECK(written([](TextWriter& to) { to.append_json("\xc3\xa4"); }) == "\"\xc3\xa4\"");
    CHECK(written([](TextWriter& to) { to.append_json("\xc3\xa4\xff"); }) == R"("\u00c3\u00a4\u00ff")");
}

TEST_CASE("what does not fit is cut off") {
    std::array<char, 4> storage{};
    TextWriter writer(storage);
    writer.append("abc");
    CHECK_FALSE(writer.full());
    writer.append("def");
    writer.append('g');
    writer.append_decimal(7);
    CHECK(writer.text() == "abcd");
    CHECK(writer.full());
    writer.shorten(9);
    CHECK(writer.text() == "abcd");
    writer.shorten(2);
    writer.append("xy");
    CHECK(writer.text() == "abxy");
    writer.clear();
    CHECK(writer.text().empty());
}
