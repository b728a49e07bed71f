#include "schemes/stdio/stdio.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "tests/unit/schemes/devices/device_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

// The run's three files: a pipe to read from, a pipe to write to, and a regular file.
struct HostFiles {
    HostFiles() {
        schemes::ignore_broken_pipes();
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        files[0].reset(ends[0]);
        typing.reset(ends[1]);
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        screen.reset(ends[0]);
        files[1].reset(ends[1]);
        std::FILE* const temporary = std::tmpfile();
        files[2].reset(::dup(::fileno(temporary)));
        std::fclose(temporary);
    }
    [[nodiscard]] std::shared_ptr<schemes::StdioScheme> scheme() const {
        schemes::StdioScheme::Files opened;
        for (std::size_t i = 0; i < 3; ++i)
            opened[i] = *schemes::HostFile::open(files[i].get());
        return std::make_shared<schemes::StdioScheme>(std::move(opened));
    }
    void type(std::string_view text) const {
        REQUIRE(::write(typing.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string seen(std::size_t size) const {
        std::string text(size, '\0');
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(screen.get(), text.data(), size))));
        return text;
    }
    std::array<host::UniqueFd, 3> files;
    host::UniqueFd typing, screen;
};

struct StdioFixture : HostFiles, DeviceFixture {
    StdioFixture() : DeviceFixture(HostFiles::scheme()) {}
    DescriptionRef input = *open("0"), output = *open("1"), file = *open("2");
};

// Keeps what is delivered.
class Sink final : public scheme::EventSink {
  public:
    void deliver(const abi::Event& event) override {
        std::lock_guard lock(mutex_);
        got_.push_back(event.flags);
    }
    std::uint64_t await(std::size_t count) {
        for (;;) {
            {
                std::lock_guard lock(mutex_);
                if (got_.size() >= count) return got_[count - 1];
            }
            std::this_thread::yield();
        }
    }
    std::size_t count() {
        std::lock_guard lock(mutex_);
        return got_.size();
    }

  private:
    std::mutex mutex_;
    std::vector<std::uint64_t> got_;
};

}  // namespace

TEST_CASE_FIXTURE(StdioFixture, "names, paths and kinds") {
    for (const char* name : {"", "3", "00", "x", "0/"})
        CHECK(error_of(open(name)) == "ENOENT");
    CHECK(error_of(tested.openat(caller, input->number(), "0", 0, 0)) == "EACCES");
    CHECK(path_of(input) == "/scheme/stdio/0");
    CHECK(path_of(file) == "/scheme/stdio/2");
    CHECK(path_of(root) == "error EBADF");
    CHECK(((*fstat(input)).st_mode & abi::Mode::kType) == abi::Mode::kFifo);
    CHECK(*write(file, "12345") == 5);
    CHECK(((*fstat(file)).st_mode & abi::Mode::kType) == abi::Mode::kFile);
    CHECK((*fstat(file)).st_size == 5);
    // Terminal settings are a dup name of Redox's; there is none.
    CHECK(error_of(tested.dup(caller, output->number(), mem::UserIn::local("termios"))) == "EOPNOTSUPP");
}

TEST_CASE_FIXTURE(StdioFixture, "a character device is one") {
    const host::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const auto status = (*schemes::HostFile::open(null.get()))->status();
    CHECK((status->mode & abi::Mode::kType) == abi::Mode::kChr);
}

TEST_CASE_FIXTURE(StdioFixture, "reading: what is there, EAGAIN, the end") {
    set_nonblocking(input, true);
    CHECK(read_text(input, 10) == "error EAGAIN");
    type("hello");
    CHECK(read_text(input, 3) == "hel");
    CHECK(read_text(input, 10) == "lo");
    CHECK(*read(input, out_at(buffer, 0)) == 0);
    typing.reset();
    CHECK(read_text(input, 10).empty());
    CHECK(read_text(output, 10) == "error EBADF");
}

TEST_CASE_FIXTURE(StdioFixture, "reading into guest memory; a bad buffer loses nothing") {
    type("hello");
    CHECK(error_of(read(input, out_at(kWild, 5))) == "EFAULT");
    CHECK(*read(input, out_at(buffer + 100, 5)) == 5);
    std::array<std::byte, 5> bytes;
    REQUIRE(space->read(buffer + 100, bytes));
    CHECK(std::string_view(reinterpret_cast<const char*>(bytes.data()), 5) == "hello");
}

TEST_CASE_FIXTURE(StdioFixture, "memory that cannot be reached directly: what was read is kept on a fault") {
    mem::MapRequest request;
    request.size = 4096;
    request.protection.write = true;
    mem::MapSource source;
    source.kind = mem::GrantKind::kShared;
    source.object = *pool.allocate_indirect(4096);
    const std::uint64_t indirect = *space->map(request, source);
    type("hello");
    // Two bytes of the page, then nothing mapped behind it.
    CHECK(error_of(read(input, out_at(indirect + 4094, 5))) == "EFAULT");
    CHECK(*read(input, out_at(indirect, 3)) == 3);
    CHECK(read_text(input, 10) == "lo");
    CHECK(*write(output, in_at(indirect, 3)) == 3);
    CHECK(seen(10) == "hel");
}

TEST_CASE_FIXTURE(StdioFixture, "a blocked read wakes for input and can be interrupted") {
    Result<std::uint64_t> result = 0;
    std::thread reader([&] { result = read(input, out_at(buffer, 10)); });
    await_block();
    CHECK(std::string(waiter.reason()) == "StdioScheme::read");
    type("abc");
    reader.join();
    CHECK(*result == 3);
    std::thread interrupted([&] { result = read(input, out_at(buffer, 10)); });
    await_block();
    CHECK(waiter.interrupt());
    interrupted.join();
    CHECK(error_of(result) == "EINTR");
}

TEST_CASE_FIXTURE(StdioFixture, "writing: everything when blocking, what fits when not") {
    CHECK(*write(output, "hello") == 5);
    CHECK(seen(10) == "hello");
    const std::string big(300'000, 'x');
    set_nonblocking(output, true);
    const auto part = write(output, big);
    REQUIRE(part);
    CHECK(*part > 0);
    CHECK(*part < big.size());
    CHECK(error_of(write(output, big)) == "EAGAIN");
    set_nonblocking(output, false);
    Result<std::uint64_t> result = 0;
    std::thread writer([&] { result = write(output, big); });
    std::size_t drained = 0;
    while (drained < *part + big.size())
        drained += seen(65536).size();
    writer.join();
    CHECK(*result == big.size());
    CHECK(error_of(write(output, in_at(kWild, 5))) == "EFAULT");
    CHECK(error_of(write(input, "x")) == "EBADF");
}

TEST_CASE_FIXTURE(StdioFixture, "an interrupted write tells what it managed") {
    Result<std::uint64_t> result = 0;
    std::thread writer([&] { result = write(output, std::string(300'000, 'x')); });
    await_block();
    waiter.interrupt();
    writer.join();
    REQUIRE(result);
    CHECK(*result > 0);
    CHECK(*result < 300'000);
    std::thread nothing([&] { result = write(output, "x"); });
    await_block();
    waiter.interrupt();
    nothing.join();
    CHECK(error_of(result) == "EINTR");
}

TEST_CASE_FIXTURE(StdioFixture, "a broken pipe is EPIPE, not the end of the supervisor") {
    screen.reset();
    CHECK(error_of(write(output, "x")) == "EPIPE");
}

TEST_CASE_FIXTURE(StdioFixture, "the host's blocking mode is left alone") {
    set_nonblocking(input, true);
    read_text(input, 1);
    CHECK((::fcntl(files[0].get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(files[1].get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE_FIXTURE(StdioFixture, "sockets, which cannot be opened again, work too") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const host::UniqueFd ours(ends[0]);
    host::UniqueFd other(ends[1]);
    const auto socket = *schemes::HostFile::open(ours.get());
    std::array<std::byte, 4> bytes;
    CHECK(error_of(socket->read(mem::UserOut::local(bytes), true, "test", waiter)) == "EAGAIN");
    CHECK(*socket->write(mem::UserIn::local("ping"), false, "test", waiter) == 4);
    CHECK(::read(other.get(), bytes.data(), 4) == 4);
    CHECK((socket->status()->mode & abi::Mode::kType) == abi::Mode::kSock);
    other.reset();
    CHECK(*socket->read(mem::UserOut::local(bytes), false, "test", waiter) == 0);
    CHECK(error_of(socket->write(mem::UserIn::local("ping"), false, "test", waiter)) == "EPIPE");
}

TEST_CASE_FIXTURE(StdioFixture, "events: readiness at registration, then edges, each once") {
    constexpr std::uint64_t kRead = abi::EventFlags::kEventRead;
    constexpr std::uint64_t kWrite = abi::EventFlags::kEventWrite;
    const auto sink = std::make_shared<Sink>();
    const auto subscribe = [&](const DescriptionRef& watched, std::uint64_t flags) {
        const std::uint64_t wanted =
            events.subscribe({id, watched->number()}, sink, {watched->number().value(), flags, 0});
        return *tested.fevent(caller, watched->number(), wanted);
    };
    CHECK(subscribe(input, kRead | kWrite) == 0);
    CHECK(subscribe(output, kWrite) == kWrite);
    CHECK(subscribe(file, kRead | kWrite) == (kRead | kWrite));
    type("one");
    CHECK(sink->await(1) == kRead);
    CHECK(read_text(input, 3) == "one");
    type("two");
    CHECK(sink->await(2) == kRead);
    CHECK(read_text(input, 1) == "t");
    // Part of it is still there: that is reported again, since no edge will tell.
    CHECK(sink->await(3) == kRead);
    CHECK(subscribe(input, 0) == 0);
    CHECK(read_text(input, 1) == "w");
    type("three");
    CHECK(subscribe(input, kRead) == kRead);
    CHECK(read_text(input, 100) == "othree");
    type("four");
    CHECK(sink->await(4) == kRead);
    typing.reset();
    CHECK(read_text(input, 100) == "four");
    CHECK(sink->await(5) == kRead);
    CHECK(read_text(input, 100).empty());
    input.close();
}

TEST_CASE_FIXTURE(StdioFixture, "two handles of one file are watched apart") {
    DescriptionRef other = *open("0");
    const auto sink = std::make_shared<Sink>();
    for (const DescriptionRef* watched : {&input, &other}) {
        events.subscribe({id, (*watched)->number()}, sink, {1, 1, 0});
        CHECK(*tested.fevent(caller, (*watched)->number(), 1) == 0);
    }
    type("x");
    CHECK(sink->await(2) == 1);
    CHECK(read_text(input, 1) == "x");
    other.close();
    type("y");
    CHECK(sink->await(3) == 1);
}
