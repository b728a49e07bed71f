#include "kernel_shim/doctor/finding.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace halfcell::doctor {

TEST_CASE("what works is ok without advice, and what does not says what was tried and what to do") {
    const Attempt attempt{.feature = "moon",
                          .worked = "it was reached",
                          .failed = "a rocket",
                          .advice = "build a larger one",
                          .without = Verdict::kLimited};
    const Finding good = judge(attempt, 0);
    CHECK(good.feature == "moon");
    CHECK(good.verdict == Verdict::kOk);
    CHECK(good.tried == "it was reached");
    CHECK(good.advice.empty());
    const Finding bad = judge(attempt, ENOSYS);
    CHECK(bad.verdict == Verdict::kLimited);
    CHECK(bad.tried == "a rocket");
    CHECK(bad.host_error == ENOSYS);
    CHECK(bad.advice == "build a larger one");
    const Finding brief = judge({.feature = "sea", .worked = "a dive", .advice = "learn it"}, EPERM);
    CHECK(brief.tried == "a dive");
    CHECK(brief.verdict == Verdict::kMissing);
}

}  // namespace halfcell::doctor
