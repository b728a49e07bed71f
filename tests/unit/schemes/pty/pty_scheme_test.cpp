#include "schemes/pty/pty_scheme.h"

#include <atomic>

#include "abi/sigabi.h"
#include "tests/unit/schemes/devices/device_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::EventFlags;
using abi::OpenFlags;
using abi::Signal;
using scheme::DescriptionRef;
using schemes::LineDiscipline;
using schemes::PtyScheme;

namespace {

// What each registration was told.
class Sink final : public scheme::EventSink {
  public:
    void deliver(const abi::Event& event) override {
        std::lock_guard lock(mutex_);
        got_.push_back(event.flags);
    }
    std::size_t count() {
        std::lock_guard lock(mutex_);
        return got_.size();
    }
    void await(std::size_t wanted) {
        while (count() < wanted)
            std::this_thread::yield();
    }

  private:
    std::mutex mutex_;
    std::vector<std::uint64_t> got_;
};

struct Sent {
    std::uint32_t group;
    std::uint32_t signal;
    friend bool operator==(const Sent&, const Sent&) = default;
};

struct Surroundings {
    task::Clock clock;
    std::vector<Sent> sent;
    std::shared_ptr<PtyScheme> scheme =
        std::make_shared<PtyScheme>(clock, [this](std::uint32_t group, std::uint32_t signal) {
            sent.push_back({group, signal});
        });
};

struct PtyFixture : Surroundings, DeviceFixture {
    PtyFixture() : DeviceFixture(Surroundings::scheme) {}

    DescriptionRef dup(const DescriptionRef& file, std::string_view name) { return *try_dup(file, name); }
    Result<DescriptionRef> try_dup(const DescriptionRef& file, std::string_view name) {
        auto opened = TRY(tested.dup(caller, file->number(), mem::UserIn::local(name)));
        return scheme::describe_opened(*file, std::move(opened), file->flags());
    }
    // As F_SETFL does it.
    void set_flags(const DescriptionRef& file, std::uint64_t flags) {
        REQUIRE(tested.fcntl(caller, file->number(), abi::FcntlCommand::kSetfl, flags));
        file->set_flags(static_cast<std::uint32_t>(flags));
    }
    std::uint64_t fevent(const DescriptionRef& file) {
        return *tested.fevent(caller, file->number(), EventFlags::kEventRead | EventFlags::kEventWrite);
    }
    abi::Termios settings() {
        abi::Termios termios;
        const auto bytes = std::as_writable_bytes(std::span(&termios, 1));
        REQUIRE(*read(dup(slave, "termios"), mem::UserOut::local(bytes)) == sizeof termios);
        return termios;
    }
    void apply(const abi::Termios& termios) {
        const auto bytes = std::as_bytes(std::span(&termios, 1));
        REQUIRE(*write(dup(slave, "termios"), mem::UserIn::local(bytes)) == sizeof termios);
    }
    void make_raw(std::uint8_t least, std::uint8_t tenths) {
        abi::Termios termios = settings();
        termios.c_lflag = 0;
        termios.c_cc[abi::ControlCharacter::kMin] = least;
        termios.c_cc[abi::ControlCharacter::kTime] = tenths;
        apply(termios);
    }
    void set_group(std::uint32_t group) {
        REQUIRE(*write(dup(slave, "pgrp"), mem::UserIn::local(std::as_bytes(std::span(&group, 1)))) ==
                sizeof group);
    }
    std::shared_ptr<Sink> watch(const DescriptionRef& file) {
        auto sink = std::make_shared<Sink>();
        (void)events.subscribe({id, file->number()}, sink, {1, EventFlags::kEventRead, 7});
        (void)fevent(file);
        return sink;
    }
    std::string packet(std::string_view text) { return std::string(1, LineDiscipline::kData).append(text); }

    DescriptionRef master = *open("", OpenFlags::kRdwr);
    DescriptionRef slave = *open("1", OpenFlags::kRdwr);
};

}  // namespace

TEST_CASE_FIXTURE(PtyFixture, "opening: no name is a new terminal, a number a slave of one") {
    CHECK(path_of(master) == "/scheme/pty/1");
    CHECK(path_of(slave) == "/scheme/pty/1");
    CHECK(path_of(*open("/2/")) == "/scheme/pty/1");  // a slave's number will do
    CHECK(error_of(open("x")) == "EINVAL");
    CHECK(error_of(open("99")) == "ENOENT");
    CHECK(error_of(tested.openat(caller, master->number(), "", 0, 0)) == "EACCES");
    CHECK(error_of(tested.openat(caller, HandleNumber{99}, "", 0, 0)) == "EBADF");
    CHECK(path_of(*open("")) == "/scheme/pty/4");
    CHECK(fstat(slave)->st_mode == (abi::Mode::kChr | 0666));
    CHECK(error_of(fstat(root)) == "EBADF");
}

TEST_CASE_FIXTURE(PtyFixture, "the master reads packets with a byte in front, the slave lines") {
    CHECK(*write(slave, "hi\n") == 3);
    CHECK(read_text(master, 100) == packet("hi\r\n"));
    CHECK(*write(master, "yes\rno") == 6);
    CHECK(read_text(slave, 2) == "ye");
    CHECK(read_text(slave, 100) == "s\n");
    CHECK(read_text(master, 100) == packet("y"));
}

TEST_CASE_FIXTURE(PtyFixture, "a short read of the master repeats the byte") {
    CHECK(*write(slave, "abc") == 3);
    CHECK(read_text(master, 2) == packet("a"));
    CHECK(read_text(master, 1) == packet(""));
    CHECK(read_text(master, 0).empty());
    CHECK(read_text(master, 100) == packet("bc"));
}

TEST_CASE_FIXTURE(PtyFixture, "fsync of the slave leaves a mark") {
    CHECK(*write(slave, "a") == 1);
    REQUIRE(tested.fsync(caller, slave->number()));
    REQUIRE(tested.fsync(caller, master->number()));
    CHECK(read_text(master, 100) == packet("a"));
    CHECK(read_text(master, 100) == std::string(1, LineDiscipline::kSynced));
}

TEST_CASE_FIXTURE(PtyFixture, "nothing to read: EAGAIN by the handle's flags, however they were set") {
    set_flags(slave, OpenFlags::kRdwr | OpenFlags::kNonblock);
    CHECK(read_text(slave, 10) == "error EAGAIN");
    CHECK(read_text(*open("1", OpenFlags::kRdwr | OpenFlags::kNonblock), 10) == "error EAGAIN");
    set_flags(master, OpenFlags::kRdwr | OpenFlags::kNonblock);
    CHECK(read_text(master, 10) == "error EAGAIN");
    CHECK(error_of(tested.fcntl(caller, slave->number(), abi::FcntlCommand::kDupfd, 0)) == "EINVAL");
    CHECK(*tested.fcntl(caller, slave->number(), abi::FcntlCommand::kGetfl, 0) ==
          (OpenFlags::kRdwr | OpenFlags::kNonblock));
}

TEST_CASE_FIXTURE(PtyFixture, "a blocked read wakes with what is typed, or with EINTR") {
    std::thread reader([&] { CHECK(read_text(slave, 100) == "x\n"); });
    await_block();
    CHECK(*write(master, "x\n") == 2);
    reader.join();
    std::thread broken([&] { CHECK(read_text(slave, 100) == "error EINTR"); });
    await_block();
    waiter.interrupt();
    broken.join();
}

TEST_CASE_FIXTURE(PtyFixture, "writers wait while 64 packets are unread") {
    for (int i = 0; i < 64; ++i)
        REQUIRE(*write(slave, "x") == 1);
    set_flags(slave, OpenFlags::kRdwr | OpenFlags::kNonblock);
    CHECK(error_of(write(slave, "x")) == "EAGAIN");
    set_flags(slave, OpenFlags::kRdwr);
    std::thread writer([&] { CHECK(*write(slave, "y") == 1); });
    await_block();
    wait::Waiter other;
    std::string text(10, '\0');
    CHECK(*tested.read_at({ContextId{2}, 2, 0, 0, other}, master->number(),
                          mem::UserOut::local(std::as_writable_bytes(std::span(text))), scheme::kNoOffset,
                          {}) == 2);
    writer.join();
    for (int i = 0; i < 64; ++i)
        (void)write(master, "\n");
    set_flags(master, OpenFlags::kRdwr | OpenFlags::kNonblock);
    CHECK(error_of(write(master, "\n")) == "EAGAIN");
}

TEST_CASE_FIXTURE(PtyFixture, "a long write is many packets, and short where it is broken") {
    const std::string text(200'000, 'x');
    set_flags(slave, OpenFlags::kRdwr | OpenFlags::kNonblock);
    CHECK(*write(slave, text) == text.size());
    CHECK(read_text(master, text.size()).size() == 65537);
    for (int i = 0; i < 60; ++i)
        (void)write(slave, "x");
    CHECK(*write(slave, text) == 65536);
}

TEST_CASE_FIXTURE(PtyFixture, "bad addresses are EFAULT and lose nothing") {
    CHECK(*write(master, "abc\n") == 4);
    CHECK(error_of(read(slave, out_at(kWild, 10))) == "EFAULT");
    CHECK(read_text(slave, 10) == "abc\n");
    CHECK(error_of(write(slave, in_at(kWild, 10))) == "EFAULT");
    CHECK(read_text(master, 10) == packet("a"));
    CHECK(error_of(read(master, out_at(kWild, 10))) == "EFAULT");
    CHECK(read_text(master, 10) == packet("b"));
}

TEST_CASE_FIXTURE(PtyFixture, "the master's end: slaves read 0 and cannot write, and whoever waits wakes") {
    const DescriptionRef termios = dup(slave, "termios");
    const auto sink = watch(slave);
    std::thread reader([&] { CHECK(read_text(slave, 10).empty()); });
    await_block();
    REQUIRE(master.close());
    reader.join();
    CHECK(sink->count() == 1);
    CHECK(read_text(slave, 10).empty());
    CHECK(error_of(write(slave, "x")) == "EPIPE");
    CHECK(error_of(tested.fsync(caller, slave->number())) == "EPIPE");
    CHECK(path_of(slave) == "error EPIPE");
    CHECK(read_text(termios, 10).empty());
    CHECK(error_of(write(termios, "x")) == "EPIPE");
    CHECK(error_of(write(dup(slave, "pgrp"), "x")) == "EPIPE");
    CHECK(error_of(write(dup(slave, "winsize"), "x")) == "EPIPE");
    CHECK(error_of(open("1")) == "ENOENT");
    CHECK(error_of(open("2")) == "ok");
}

TEST_CASE_FIXTURE(PtyFixture, "no slave: a master does not wait") {
    std::thread reader([&] { CHECK(read_text(master, 10) == "error EAGAIN"); });
    await_block();
    REQUIRE(slave.close());
    reader.join();
    CHECK(read_text(master, 10) == "error EAGAIN");
    CHECK(*write(master, "x") == 1);
    CHECK(read_text(master, 10) == packet("x"));
}

TEST_CASE_FIXTURE(PtyFixture, "settings transfer the common bytes") {
    CHECK(settings().c_lflag == abi::Termios{}.c_lflag);
    abi::Termios termios;
    termios.c_iflag = 0;
    CHECK(*write(dup(master, "termios"), mem::UserIn::local(std::as_bytes(std::span(&termios.c_iflag, 1)))) ==
          4);
    CHECK(settings().c_iflag == 0);
    CHECK(settings().c_oflag == abi::Termios{}.c_oflag);

    CHECK(read_text(dup(slave, "winsize"), 8) == std::string(4, '\0'));
    CHECK(*write(dup(slave, "winsize"), std::string_view("\x18\0\x50\0____", 8)) == 4);
    CHECK(read_text(dup(master, "winsize"), 8) == std::string("\x18\0\x50\0", 4));

    CHECK(read_text(dup(slave, "pgrp"), 100) == std::string(4, '\0'));
    CHECK(*write(dup(slave, "pgrp"), std::string_view("\x07\0\0\0\1\1\1\1", 8)) == 4);
    CHECK(read_text(dup(slave, "pgrp"), 100) == std::string("\x07\0\0\0", 4));
    CHECK(read_text(dup(slave, "pgrp"), 3) == "error EBADF");
    CHECK(error_of(write(dup(slave, "pgrp"), "abc")) == "EBADF");
}

TEST_CASE_FIXTURE(PtyFixture, "settings are handles like others, but tell no events") {
    const DescriptionRef termios = dup(slave, "termios");
    CHECK(path_of(termios) == "/scheme/pty/1");
    CHECK(error_of(tested.fevent(caller, termios->number(), 1)) == "EBADF");
    CHECK(error_of(tested.fsync(caller, termios->number())) == "ok");
    CHECK(error_of(try_dup(termios, "winsize")) == "ok");
    for (const char* unknown : {"flush", "", "termios ", "fpath"})
        CHECK(error_of(try_dup(slave, unknown)) == "EINVAL");
    CHECK(error_of(try_dup(slave, std::string(1000, 'x'))) == "EINVAL");
    CHECK(error_of(tested.dup(caller, root->number(), mem::UserIn::local("pgrp"))) == "EBADF");
}

TEST_CASE_FIXTURE(PtyFixture, "keys signal the foreground group, and nobody where there is none") {
    CHECK(*write(master, "\003") == 1);
    CHECK(sent.empty());
    set_group(42);
    CHECK(*write(master, "a\003\034\032") == 4);
    CHECK(sent == std::vector<Sent>{{42, Signal::kInt}, {42, Signal::kQuit}, {42, Signal::kTstp}});
}

TEST_CASE_FIXTURE(PtyFixture, "events: an edge for input, one more for what a read leaves, always room") {
    CHECK(fevent(slave) == EventFlags::kEventWrite);
    const auto sink = watch(slave);
    (void)write(master, "a\nb\n");
    CHECK(sink->count() == 1);
    (void)write(master, "c\n");
    CHECK(sink->count() == 1);
    CHECK(read_text(slave, 10) == "a\n");
    CHECK(sink->count() == 2);
    CHECK(fevent(slave) == (EventFlags::kEventRead | EventFlags::kEventWrite));
    CHECK(read_text(slave, 10) == "b\n");
    CHECK(sink->count() == 3);
    CHECK(read_text(slave, 10) == "c\n");
    CHECK(sink->count() == 3);
}

TEST_CASE_FIXTURE(PtyFixture, "events of the master: output and echo") {
    const auto sink = watch(master);
    (void)write(slave, "x");
    CHECK(sink->count() == 1);
    CHECK(read_text(master, 10) == packet("x"));
    (void)write(master, "y");
    CHECK(sink->count() == 2);
}

TEST_CASE_FIXTURE(PtyFixture, "a timed read ends by itself, with nothing or with what came") {
    make_raw(0, 1);
    CHECK(read_text(slave, 10).empty());
    make_raw(5, 1);
    std::thread reader([&] { CHECK(read_text(slave, 10) == "ab"); });
    await_block();
    wait::Waiter other;
    CHECK(*tested.write_at({ContextId{2}, 2, 0, 0, other}, master->number(), mem::UserIn::local("ab"),
                           scheme::kNoOffset, {}) == 2);
    reader.join();
}

TEST_CASE_FIXTURE(PtyFixture, "a watcher hears when the time of a read is over") {
    make_raw(0, 1);
    const auto sink = watch(slave);
    sink->await(1);
    CHECK(read_text(slave, 10).empty());
}

TEST_CASE_FIXTURE(PtyFixture, "new settings count for a read that waits") {
    (void)write(master, "ab");
    std::thread reader([&] { CHECK(read_text(slave, 10) == "ab"); });
    await_block();
    make_raw(1, 0);
    reader.join();
}

TEST_CASE_FIXTURE(PtyFixture, "a listener comes while a program prints already") {
    const PtyScheme::Hosted hosted = Surroundings::scheme->host_terminal();
    schemes::Terminal& terminal = *hosted.terminal;
    std::atomic<int> changes = 0;
    std::thread printer([&] {
        while (changes == 0) {
            (void)terminal.take_output();
            (void)write(hosted.slave, "x");
        }
    });
    terminal.set_listener([&] { ++changes; });
    printer.join();
    CHECK(changes > 0);
    Surroundings::scheme->close_terminal(terminal);
}

TEST_CASE_FIXTURE(PtyFixture, "the supervisor as master") {
    const PtyScheme::Hosted hosted = Surroundings::scheme->host_terminal();
    schemes::Terminal& terminal = *hosted.terminal;
    int changes = 0;
    terminal.set_listener([&] { ++changes; });
    terminal.set_group(9);

    CHECK(path_of(hosted.slave) == terminal.path());
    CHECK(*write(hosted.slave, "one\n") == 4);
    CHECK(*write(hosted.slave, "two") == 3);
    CHECK(changes == 1);
    CHECK(terminal.take_output() == "one\r\ntwo");
    CHECK(terminal.type("x\n") == 2);
    CHECK(changes == 2);
    CHECK(read_text(hosted.slave, 10) == "x\n");

    terminal.set_winsize({24, 80});
    CHECK(sent.empty());
    terminal.resize({24, 80});
    CHECK(sent.empty());
    terminal.resize({25, 80});
    CHECK(sent == std::vector<Sent>{{9, Signal::kWinch}});

    // Stuck: only a signal key gets through.
    const std::string lines(100, '\n');
    CHECK(terminal.type(lines) == lines.size());
    CHECK(terminal.type("more") == 0);
    CHECK_FALSE(terminal.interrupt("more"));
    CHECK(terminal.interrupt("more\003"));
    CHECK(sent.back() == Sent{9, Signal::kInt});
    CHECK(terminal.type("y\n") == 2);
    CHECK(read_text(hosted.slave, 10) == "y\n");

    Surroundings::scheme->close_terminal(terminal);
    CHECK(read_text(hosted.slave, 10).empty());
}
