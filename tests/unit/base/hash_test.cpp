#include "kernel_shim/base/hash.h"

#include <doctest/doctest.h>

using namespace halfcell;

TEST_CASE("xxh3 of the empty string is the published value") {
    CHECK(xxh3_64("") == 0x2d06800538d394c2);
}

TEST_CASE("a hash is printed with all sixteen digits") {
    CHECK(xxh3_text(0x2d06800538d394c2) == "xxh3:2d06800538d394c2");
    CHECK(xxh3_text(1) == "xxh3:0000000000000001");
}
