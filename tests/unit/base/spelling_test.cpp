#include "kernel_shim/base/spelling.h"

#include <doctest/doctest.h>

namespace halfcell {

TEST_CASE("a distance counts letters put in, left out, replaced and swapped") {
    CHECK(edit_distance("run", "run") == 0);
    CHECK(edit_distance("rnu", "run") == 1);
    CHECK(edit_distance("runn", "run") == 1);
    CHECK(edit_distance("rn", "run") == 1);
    CHECK(edit_distance("ran", "run") == 1);
    CHECK(edit_distance("", "run") == 3);
    CHECK(edit_distance("run", "") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("a word that is nearly a known one is taken for it") {
    const std::string known[] = {"run", "trace", "conform", "openat", "openat_into"};
    CHECK(similar_word("rnu", known) == "run");
    CHECK(similar_word("tarce", known) == "trace");
    CHECK(similar_word("conf", known) == "conform");
    CHECK(similar_word("open", known) == "openat");
    CHECK(similar_word("ls", known) == std::nullopt);
    CHECK(similar_word("", known) == std::nullopt);
    CHECK(similar_word("something", known) == std::nullopt);
    CHECK(similar_word("run", {}) == std::nullopt);
}

}  // namespace halfcell
