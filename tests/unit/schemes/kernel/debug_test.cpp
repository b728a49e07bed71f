#include "schemes/kernel/debug.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/schemes/kernel/schemes_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

constexpr std::uint32_t kDebug = 1;

// A console with a pipe for a keyboard.
struct DebugFixture : SchemesFixture {
    void plug_in_keyboard() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const host::UniqueFd keys(ends[0]);
        keyboard.reset(ends[1]);
        console.keys = *schemes::HostFile::open(keys.get());
    }
    void type(std::string_view text) {
        REQUIRE(::write(keyboard.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    host::UniqueFd keyboard;
};

}  // namespace

TEST_CASE_FIXTURE(DebugFixture, "names and who may open them") {
    CHECK(error_of(open(kDebug, "no-preserve")) == "ok");
    CHECK(error_of(open(kDebug, "disable-graphical-debug")) == "ok");
    CHECK(error_of(open(kDebug, "x")) == "ENOENT");
    const DescriptionRef file = *open(kDebug, "");
    // Handles count from 1; open_root took 1, 3, 5 and 6.
    CHECK(file->number().value() == 7);
    CHECK(error_of(open_at(file, "")) == "EACCES");
    scheme::Caller user{guest.context->id(), 1, 1000, 1000, guest.context->waiter()};
    CHECK(error_of(scheme(kDebug)->openat(user, (*kernel.schemes.open_root(SchemeId{kDebug}))->number(), "",
                                          0, 0)) == "EPERM");
}

TEST_CASE_FIXTURE(DebugFixture, "writing prints, and logs unless told not to") {
    CHECK(*write(*open(kDebug, ""), "hello\n") == 6);
    CHECK(*write(*open(kDebug, "no-preserve"), "secret\n") == 7);
    CHECK(*write(*open(kDebug, "disable-graphical-debug"), "x") == 0);
    CHECK(*write(*open(kDebug, ""), "") == 0);
    CHECK(console.printed == "hello\nsecret\n");
    CHECK(log->text() == "hello\n");
    CHECK(error_of(write(*kernel.schemes.open_root(SchemeId{kDebug}), "x")) == "EINVAL");
    const std::string big(5000, 'b');
    CHECK(*write(*open(kDebug, ""), big) == 5000);
    CHECK(console.printed == "hello\nsecret\n" + big);
}

TEST_CASE_FIXTURE(DebugFixture, "a bad buffer is EFAULT after what could be read was printed") {
    const std::uint64_t end = guest.buffer + 2 * machine::kPageSize;
    CHECK(error_of(write(*open(kDebug, ""), guest.in_at(kWild, 5))) == "EFAULT");
    CHECK(error_of(write(*open(kDebug, ""), guest.in_at(end - 600, 2000))) == "EFAULT");
    CHECK(console.printed.size() == 512);
}

TEST_CASE_FIXTURE(DebugFixture, "paths, and what the scheme does not know") {
    const DescriptionRef file = *open(kDebug, "");
    CHECK(*fpath(file) == "debug:");
    CHECK(*fpath(file, 3) == "deb");
    CHECK(*fpath(*open(kDebug, "no-preserve")) == "debug:");
    CHECK(error_of(fpath(*open(kDebug, "disable-graphical-debug"))) == "EINVAL");
    CHECK(error_of(fpath(*kernel.schemes.open_root(SchemeId{kDebug}))) == "EINVAL");
    CHECK(error_of(fstat(file)) == "EBADF");
    CHECK(error_of(serving(file).fsync(guest.caller, file->number())) == "ok");
    CHECK(error_of(serving(file).fd_write(guest.caller, file->number(), {file}, 0, 0, {})) == "EOPNOTSUPP");
    CHECK(read_text(*open(kDebug, "disable-graphical-debug"), 1) == "error EBADF");
    CHECK(read_text(*kernel.schemes.open_root(SchemeId{kDebug}), 1) == "error EBADF");
}

TEST_CASE_FIXTURE(DebugFixture, "without a keyboard reads wait for ever") {
    const DescriptionRef file = *open(kDebug, "");
    Result<std::uint64_t> result = 0;
    std::thread thread([&] { result = read(file, guest.out(5)); });
    guest.await_block();
    CHECK(std::string(guest.context->waiter().reason()) == "DebugScheme::read");
    guest.context->waiter().interrupt();
    thread.join();
    CHECK(error_of(result) == "EINTR");
    set_nonblocking(file, true);
    CHECK(read_text(file, 1) == "error EAGAIN");
    CHECK(*read(file, guest.out(0)) == 0);
}

TEST_CASE_FIXTURE(DebugFixture, "keys are read, waited for, and end") {
    plug_in_keyboard();
    const DescriptionRef file = *open(kDebug, "");
    set_nonblocking(file, true);
    CHECK(read_text(file, 10) == "error EAGAIN");
    type("abc");
    CHECK(read_text(file, 2) == "ab");
    CHECK(read_text(file, 10) == "c");
    set_nonblocking(file, false);
    Result<std::uint64_t> result = 0;
    std::thread reader([&] { result = read(file, guest.out(5)); });
    guest.await_block();
    type("xy");
    reader.join();
    CHECK(*result == 2);
    std::thread interrupted([&] { result = read(file, guest.out(5)); });
    guest.await_block();
    guest.context->waiter().interrupt();
    interrupted.join();
    CHECK(error_of(result) == "EINTR");
    keyboard.reset();
    CHECK(read_text(file, 1).empty());
}

TEST_CASE_FIXTURE(DebugFixture, "input makes events, also what was typed before anybody asked") {
    plug_in_keyboard();
    const DescriptionRef file = *open(kDebug, "");
    const DescriptionRef queue = *open(2, "");
    const auto next_event = [&] {
        abi::Event got{};
        CHECK(*read(queue, mem::UserOut::local(std::as_writable_bytes(std::span(&got, 1)))) == 24);
        CHECK(got.data == 42);
        CHECK(got.flags == 1);
    };
    type("early");
    const abi::Event event{add_file(file), 3, 42};
    CHECK(*fevent(file, 1) == 0);
    CHECK(*write(queue, mem::UserIn::local(std::as_bytes(std::span(&event, 1)))) == 24);
    next_event();
    CHECK(read_text(file, 10) == "early");
    type("late");
    next_event();
    CHECK(read_text(file, 2) == "la");
    // What is left after a read is reported again.
    next_event();
}
