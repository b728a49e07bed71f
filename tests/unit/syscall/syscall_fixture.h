#pragma once

// One context with two schemes: `text`, which answers everything, and `plain`, which has the defaults only,
// as most of the kernel's own schemes do for most calls.

#include <doctest/doctest.h>

#include "tests/support/call_fixture.h"
#include "tests/unit/syscall/text_scheme.h"

namespace halfcell::test {

class SyscallFixture : public CallFixture {
  public:
    std::shared_ptr<TextScheme> text = std::make_shared<TextScheme>();
    std::shared_ptr<RecordingScheme> plain = std::make_shared<RecordingScheme>();
    std::shared_ptr<RecordingScheme> gone = std::make_shared<RecordingScheme>();
    SchemeId text_id = add(text);
    SchemeId plain_id = add(plain);
    // Descriptors: 0 is a positioned handle of `text`, 1 another that is not, 2 of `plain`, 3 of a scheme
    // that has gone.
    static constexpr std::uint64_t kFile = 0;
    static constexpr std::uint64_t kStream = 1;
    static constexpr std::uint64_t kPlain = 2;
    static constexpr std::uint64_t kGone = 3;
    static constexpr std::uint64_t kClosed = 99;

    SyscallFixture() {
        const SchemeId gone_id = add(gone);
        open(text, 10, true);
        open(text, 11);
        open(plain, 20);
        open(gone, 30);
        kernel.schemes.remove(gone_id);
        text->texts[10] = "Redox\n0.5.12\nx86_64\n\n";
    }
};

// The errno of a failed call; ERSVD, which no call gives, for one that succeeded.
inline Errno error_of(const Result<std::uint64_t>& result) {
    return result ? Errno::kERSVD : result.error();
}

}  // namespace halfcell::test

#define CHECK_ERRNO(expression, errno_name) \
    CHECK(::halfcell::test::error_of(expression) == ::halfcell::Errno::errno_name)
#define CHECK_VALUE(expression, expected)                                                 \
    do {                                                                                  \
        const ::halfcell::Result<std::uint64_t> value_result_ = (expression);             \
        INFO(#expression);                                                                \
        CHECK(::halfcell::test::error_of(value_result_) == ::halfcell::Errno::kERSVD);    \
        if (value_result_) CHECK(*value_result_ == static_cast<std::uint64_t>(expected)); \
    } while (false)
