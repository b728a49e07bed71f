#include "kernel_shim/control/admission.h"

#include <doctest/doctest.h>

namespace halfcell::control {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLongAfterBoot = 1000 * kSecond;

// How many come in at a moment when any number wants to.
int admit_all(Admission& admission, std::uint64_t now) {
    int count = 0;
    for (; admission.may_admit(now); admission.admit())
        ++count;
    return count;
}

}  // namespace

TEST_CASE("a burst comes in at once, and then so many a second") {
    Admission admission(100, 50);
    CHECK(admit_all(admission, kLongAfterBoot) == 100);
    CHECK(admission.next() == kLongAfterBoot + kSecond / 50);
    CHECK(admit_all(admission, admission.next() - 1) == 0);
    CHECK(admit_all(admission, kLongAfterBoot + kSecond / 50) == 1);
    CHECK(admit_all(admission, kLongAfterBoot + kSecond) == 49);
}

TEST_CASE("what nobody used is saved up to a burst") {
    Admission admission(100, 50);
    CHECK(admit_all(admission, kLongAfterBoot) == 100);
    CHECK(admit_all(admission, kLongAfterBoot + 1000 * kSecond) == 100);
    CHECK(admit_all(admission, kLongAfterBoot + 1001 * kSecond) == 50);
}

}  // namespace halfcell::control
