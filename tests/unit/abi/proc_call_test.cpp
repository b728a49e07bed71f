#include "abi/proc_call.h"

#include <doctest/doctest.h>

using namespace halfcell::abi;

TEST_CASE("each way to end has one status form") {
    const std::int32_t exited = wait_status_exited(42);
    CHECK(exited == 0x2a00);
    CHECK(wait_exited(exited));
    CHECK_FALSE(wait_signaled(exited));
    CHECK_FALSE(wait_stopped(exited));
    CHECK(wait_exit_code(exited) == 42);

    const std::int32_t killed = wait_status_signaled(9);
    CHECK(killed == 9);
    CHECK(wait_signaled(killed));
    CHECK_FALSE(wait_exited(killed));
    CHECK(wait_term_signal(killed) == 9);

    const std::int32_t stopped = wait_status_stopped(20);
    CHECK(stopped == 0x147f);
    CHECK(wait_stopped(stopped));
    CHECK_FALSE(wait_signaled(stopped));
    CHECK(wait_stop_signal(stopped) == 20);

    CHECK(wait_continued(kWaitStatusContinued));
    CHECK_FALSE(wait_signaled(kWaitStatusContinued));
    CHECK_FALSE(wait_stopped(kWaitStatusContinued));
}

TEST_CASE("an exit word is a code up to 0xff, then a signal") {
    CHECK(exit_word_is_code(0xff));
    CHECK_FALSE(exit_word_is_code(exit_word_for_signal(1)));
    CHECK(exit_word_signal(exit_word_for_signal(15)) == 15);
}
