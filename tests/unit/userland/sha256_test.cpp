#include "userland/lib/sha256.h"

#include <doctest/doctest.h>

#include <string_view>

using namespace halfcell::userland;

namespace {

std::string digest(std::string_view text) {
    Sha256 sum;
    sum.update(std::as_bytes(std::span(text)));
    return hex_digest(sum.finish());
}

}  // namespace

TEST_CASE("digests of FIPS 180-4's examples") {
    CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(digest(std::string(1'000'000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("the digest does not depend on how the data arrives") {
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text.push_back(static_cast<char>(i * 7));
    const std::string expected = digest(text);
    for (std::size_t step : {1U, 3U, 55U, 56U, 63U, 64U, 65U, 127U, 999U}) {
        Sha256 sum;
        for (std::size_t at = 0; at < text.size(); at += step) {
            const std::string_view part = std::string_view(text).substr(at, step);
            sum.update(std::as_bytes(std::span(part)));
        }
        CHECK(hex_digest(sum.finish()) == expected);
    }
}
