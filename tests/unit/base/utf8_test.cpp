#include "kernel_shim/base/utf8.h"

#include <doctest/doctest.h>

using halfcell::is_utf8;

TEST_CASE("well-formed text of every length is UTF-8") {
    CHECK(is_utf8(""));
    CHECK(is_utf8("plain"));
    CHECK(is_utf8("\xc2\x80\xdf\xbf"));
    CHECK(is_utf8("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
    CHECK(is_utf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

TEST_CASE("long forms, surrogates, stray and missing bytes are not") {
    for (const char* bad : {"\xff", "\xfe", "\x80", "a\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
                            "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                            "\xc2", "\xe1\x80", "\xf1\x80\x80", "\xc2 ", "\xe1\x80 ", "\xf1\x80\x80 "}) {
        CAPTURE(bad);
        CHECK_FALSE(is_utf8(bad));
    }
}
