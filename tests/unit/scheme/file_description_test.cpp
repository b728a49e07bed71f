#include "kernel_shim/scheme/file_description.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/support/fake_scheme.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;
using scheme::WeakDescriptionRef;

TEST_CASE("the last reference closes the handle, weak ones do not count") {
    RegisteredScheme<> files;
    DescriptionRef first = files.open(7);
    WeakDescriptionRef weak(first);
    {
        const DescriptionRef second = weak.lock();
        CHECK(second == first);
        CHECK_FALSE(first.exclusive());
    }
    CHECK(first.exclusive());
    CHECK(files.scheme->closed().empty());
    files.scheme->close_answer = fail(Errno::kEIO);
    CHECK(first.close().error() == Errno::kEIO);
    CHECK(files.scheme->closed() == std::vector<std::uint64_t>{7});
    CHECK_FALSE(weak.lock());
    const WeakDescriptionRef moved(std::move(weak));
    CHECK_FALSE(moved.lock());
    CHECK_FALSE(WeakDescriptionRef().lock());
    CHECK_FALSE(WeakDescriptionRef(DescriptionRef()).lock());
}

TEST_CASE("a description closes once, whoever finds it in time") {
    RegisteredScheme<> files;
    constexpr int kRounds = 2000;
    for (int round = 0; round < kRounds; ++round) {
        DescriptionRef owned = files.open(static_cast<std::uint64_t>(round));
        const WeakDescriptionRef weak(owned);
        std::atomic<bool> go = false;
        std::thread other([&] {
            while (!go) {
            }
            const DescriptionRef found = weak.lock();
        });
        go = true;
        owned = {};
        other.join();
        CHECK_FALSE(weak.lock());
    }
    CHECK(files.scheme->closed().size() == kRounds);
}
