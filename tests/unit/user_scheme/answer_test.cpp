// The acceptance matrix, row by row.

#include "kernel_shim/user_scheme/answer.h"

#include <doctest/doctest.h>

#include "abi/flags.h"
#include "tests/support/fake_scheme.h"

using namespace halfcell;
using namespace halfcell::user_scheme;
using Kind = Answer::Kind;
using scheme::DetachWish;

namespace {

Answer number(std::uint64_t value, Kind kind = Kind::kRegular, std::uint8_t flags = 0) {
    return {.kind = kind, .value = value, .new_fd_flags = flags};
}
Answer error(Errno code, Kind kind = Kind::kRegular) {
    return {.kind = kind, .value = fail(code)};
}
struct Files : test::RegisteredScheme<> {
    Answer files(Kind kind, std::size_t count) {
        Answer answer{.kind = kind};
        for (std::size_t i = 0; i < count; ++i)
            answer.descriptions.push_back(open(10 + i));
        return answer;
    }
};

}  // namespace

TEST_CASE("the low half of a number decides whether it is an error") {
    CHECK(demux(0) == 0);
    CHECK(demux(0x80000000) == 0x80000000);
    CHECK(demux(0xffffffffffffff7b) == 0xffffffffffffff7b);
    CHECK(demux(0xffffffffffffff7c).error() == static_cast<Errno>(132));
    CHECK(demux(0xffffffff).error() == Errno::kEPERM);
    CHECK(demux(0x1ffffff7c).error() == static_cast<Errno>(132));
    CHECK(demux(abi::mux_error(Errno::kENOENT)).error() == Errno::kENOENT);
}

TEST_CASE("ECANCELED is the answer to a Cancel, EINTR is not without one") {
    CHECK(translate(fail(Errno::kECANCELED), true).error() == Errno::kEINTR);
    CHECK(translate(fail(Errno::kEINTR), true).error() == Errno::kEINTR);
    CHECK(translate(fail(Errno::kECANCELED), false).error() == Errno::kECANCELED);
    CHECK(translate(fail(Errno::kEINTR), false).error() == Errno::kEIO);
    CHECK(translate(fail(Errno::kENOENT), true).error() == Errno::kENOENT);
    CHECK(translate(5, true) == 5);
}

TEST_CASE_FIXTURE(Files, "a number where a number is wanted") {
    CHECK(as_value(number(7)) == 7);
    CHECK(as_value(number(7, Kind::kNotifyOnDetach)) == 7);
    CHECK(as_value(error(Errno::kEPERM)).error() == Errno::kEPERM);
    CHECK(as_value(error(Errno::kEPERM, Kind::kNotifyOnDetach)).error() == Errno::kEPERM);
    CHECK(as_value(files(Kind::kDescription, 1)).error() == Errno::kEIO);
    CHECK(as_value(files(Kind::kDescriptions, 2)).error() == Errno::kEIO);
    CHECK(as_value({.kind = Kind::kServerGone}).error() == Errno::kENODEV);
    CHECK(scheme->closed().size() == 3);
}

TEST_CASE_FIXTURE(Files, "STD_FS answers set and clear the wish to hear of closes, errors too") {
    DetachWish detach = DetachWish::kNo;
    CHECK(as_std_fs_value(number(1, Kind::kNotifyOnDetach), detach) == 1);
    CHECK(detach == DetachWish::kYes);
    CHECK(as_std_fs_value(number(1), detach) == 1);
    CHECK(detach == DetachWish::kNo);
    CHECK_FALSE(as_std_fs_value(error(Errno::kEAGAIN, Kind::kNotifyOnDetach), detach));
    CHECK(detach == DetachWish::kYes);
    CHECK_FALSE(as_std_fs_value(error(Errno::kEAGAIN), detach));
    CHECK(detach == DetachWish::kNo);
}

TEST_CASE_FIXTURE(Files, "an open is a number or one description") {
    auto opened = as_opened(number(9, Kind::kRegular, abi::NewFdFlags::kPositioned));
    REQUIRE(opened);
    CHECK(std::get<scheme::OpenedHandle>(*opened).number == HandleNumber{9});
    CHECK(std::get<scheme::OpenedHandle>(*opened).positioned);
    opened = as_opened(number(9));
    CHECK_FALSE(std::get<scheme::OpenedHandle>(*opened).positioned);
    CHECK(as_opened(number(9, Kind::kRegular, 2)).error() == Errno::kEINVAL);
    CHECK(as_opened(error(Errno::kENOENT)).error() == Errno::kENOENT);
    opened = as_opened(files(Kind::kDescription, 1));
    CHECK(std::get<scheme::DescriptionRef>(*opened)->number() == HandleNumber{10});
    CHECK(as_opened(files(Kind::kDescriptions, 1)).error() == Errno::kEIO);
    CHECK(as_opened({.kind = Kind::kServerGone}).error() == Errno::kENODEV);
}

TEST_CASE_FIXTURE(Files, "receiving wants descriptions and nothing else") {
    CHECK(as_descriptions(files(Kind::kDescriptions, 3))->size() == 3);
    CHECK(as_descriptions(files(Kind::kDescription, 1)).error() == Errno::kEIO);
    CHECK(as_descriptions(number(3)).error() == Errno::kEIO);
    CHECK(as_descriptions(error(Errno::kEBADF)).error() == Errno::kEBADF);
    CHECK(as_descriptions(number(3, Kind::kNotifyOnDetach)).error() == Errno::kEIO);
    CHECK(as_descriptions({.kind = Kind::kServerGone}).error() == Errno::kENODEV);
}
