#include "schemes/kernel/event.h"

#include "tests/unit/schemes/kernel/schemes_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

constexpr std::uint32_t kEvent = 2;
constexpr std::uint32_t kPipe = 4;
constexpr std::uint64_t kRead = abi::EventFlags::kEventRead;
constexpr std::uint64_t kWrite = abi::EventFlags::kEventWrite;

struct EventFixture : SchemesFixture {
    EventFixture() {
        queue = open_queue();
        reader = *open(kPipe, "");
        writer = *dup(reader, "write");
        queue_fd = add_file(queue);
        reader_fd = add_file(reader);
        writer_fd = add_file(writer);
    }
    DescriptionRef open_queue() {
        return *open(kEvent, "anything", abi::OpenFlags::kRdwr | abi::OpenFlags::kNonblock);
    }
    Result<std::uint64_t> add(const DescriptionRef& to, std::uint64_t fd, std::uint64_t flags,
                              std::uint64_t data) {
        const abi::Event event{fd, flags, data};
        return write(to, mem::UserIn::local(std::as_bytes(std::span(&event, 1))));
    }
    // What one read of 16 records gives, as "FD,FLAGS,DATA …" or an errno; the names are the fixture's.
    std::string take(const DescriptionRef& from) {
        std::array<abi::Event, 16> events;
        const auto bytes = read(from, mem::UserOut::local(std::as_writable_bytes(std::span(events))));
        if (!bytes) return abi::errno_name(bytes.error());
        std::string text;
        for (std::size_t i = 0; i < *bytes / sizeof(abi::Event); ++i) {
            const abi::Event& event = events[i];
            text += (text.empty() ? "" : " ") + name_of(event.id) + "," + std::to_string(event.flags) + "," +
                    std::to_string(event.data);
        }
        return text;
    }
    std::string name_of(std::uint64_t fd) const {
        if (fd == queue_fd) return "ev";
        if (fd == reader_fd) return "rp";
        if (fd == writer_fd) return "w";
        return fd == reader2_fd ? "rp2" : std::to_string(fd);
    }
    // SYS_CLOSE of one of the fixture's descriptors, whose own reference goes with it.
    void close_fd(std::uint64_t fd, DescriptionRef& reference) {
        reference = {};
        (void)fd::close_descriptor(*guest.context->files()->remove(FdNumber{fd}), 1);
    }

    DescriptionRef queue, reader, writer;
    std::uint64_t queue_fd = 0, reader_fd = 0, writer_fd = 0, reader2_fd = UINT64_MAX;
};

}  // namespace

// The section "events" of recording p4, line by line.
TEST_CASE_FIXTURE(EventFixture, "oracle p4: events") {
    CHECK(error_of(read(queue, guest.out(24))) == "EAGAIN");
    CHECK(error_of(read(queue, guest.out(23))) == "EINVAL");
    CHECK(*read(queue, guest.out(0)) == 0);
    CHECK(*add(queue, reader_fd, 1, 100) == 24);
    CHECK(error_of(read(queue, guest.out(24))) == "EAGAIN");
    write(writer, "a");
    write(writer, "b");
    CHECK(take(queue) == "rp,1,100 rp,1,100");
    CHECK(take(queue) == "EAGAIN");
    CHECK(*add(queue, reader_fd, 1, 200) == 24);
    CHECK(take(queue) == "rp,1,100");
    CHECK(*add(queue, writer_fd, 2, 300) == 24);
    CHECK(take(queue) == "w,2,300");
    read_text(reader, 1);
    CHECK(take(queue) == "w,2,300");
    read_text(reader, 10);
    CHECK(take(queue) == "w,2,300");
    CHECK(*add(queue, reader_fd, 0, 0) == 24);
    write(writer, "c");
    CHECK(take(queue) == "EAGAIN");
    CHECK(*add(queue, reader_fd, 3, 201) == 24);
    CHECK(take(queue) == "rp,1,201");
    reader2_fd = add_file(reader);
    CHECK(*add(queue, reader2_fd, 1, 500) == 24);
    CHECK(take(queue) == "rp2,1,500 rp,1,201");
    write(writer, "d");
    CHECK(take(queue) == "rp2,1,500 rp,1,201");
    CHECK(error_of(add(queue, 9999, 1, 0)) == "EBADF");
    CHECK(error_of(add(queue, queue_fd, 1, 0)) == "EBADF");
    CHECK(*write(queue, guest.in(23)) == 0);
    CHECK(*fevent(queue, 3) == kWrite);
    const abi::Event two[] = {{reader_fd, 1, 7}, {9999, 1, 8}};
    CHECK(error_of(write(queue, mem::UserIn::local(std::as_bytes(std::span(two))))) == "EBADF");
    CHECK(take(queue) == "rp2,1,500 rp,1,201");
    const std::uint64_t sys_root_fd = add_file(*kernel.schemes.open_root(SchemeId{7}));
    CHECK(*add(queue, sys_root_fd, 1, 9) == 24);
    CHECK(*add(queue, reader_fd, 0xFFF0, 10) == 24);
    close_fd(reader_fd, reader);
    write(writer, "e");
    CHECK(take(queue) == "rp2,1,500 rp2,1,500");
    close_fd(reader2_fd, reader);
    CHECK(take(queue) == "w,2,300");
    CHECK(*fevent(queue, 3) == kWrite);
}

TEST_CASE_FIXTURE(EventFixture, "oracle p4: a queue watches a queue") {
    const DescriptionRef outer = open_queue();
    CHECK(*add(queue, reader_fd, 1, 1) == 24);
    CHECK(*add(outer, queue_fd, 1, 2) == 24);
    CHECK(take(outer) == "EAGAIN");
    write(writer, "e");
    CHECK(take(outer) == "ev,1,2");
    CHECK(take(queue) == "rp,1,1");
    CHECK(*add(outer, reader_fd, 1, 3) == 24);
    CHECK(take(outer) == "rp,1,3 ev,1,2");
    CHECK(take(queue) == "rp,1,1");
    CHECK(error_of(serving(queue).fsize(guest.caller, queue->number())) == "ESPIPE");
    close_fd(writer_fd, writer);
    CHECK(take(queue) == "rp,1,1");
}

TEST_CASE_FIXTURE(EventFixture, "a partial record is copied but stays queued") {
    add(queue, reader_fd, 1, 100);
    write(writer, "a");
    write(writer, "b");
    CHECK(*read(queue, guest.out(30)) == 30);
    CHECK(*read(queue, guest.out(10)) == 10);
    CHECK(*read(queue, guest.out(0)) == 0);
    CHECK(take(queue) == "rp,1,100");
    CHECK(take(queue) == "EAGAIN");
}

TEST_CASE_FIXTURE(EventFixture, "a bad buffer is EFAULT and takes nothing") {
    add(queue, reader_fd, 1, 100);
    write(writer, "a");
    CHECK(error_of(read(queue, guest.out_at(kWild, 24))) == "EFAULT");
    CHECK(error_of(write(queue, guest.in_at(kWild, 24))) == "EFAULT");
    CHECK(take(queue) == "rp,1,100");
}

TEST_CASE_FIXTURE(EventFixture, "opening: only from the root; its close is EBADF") {
    CHECK(error_of(open_at(queue, "x")) == "EACCES");
    DescriptionRef root = *kernel.schemes.open_root(SchemeId{kEvent});
    CHECK(root->number().value() == UINT64_MAX);
    CHECK(read_text(root, 24) == "error EBADF");
    CHECK(*fpath(root) == "/scheme/event/");
    CHECK(error_of(root.close()) == "EBADF");
    CHECK(error_of(fstat(queue)) == "EBADF");
    CHECK(queue->number().value() == 0);
    CHECK(open_queue()->number().value() == 1);
}

TEST_CASE_FIXTURE(EventFixture, "a blocked reader wakes for an event or an interruption") {
    add(queue, reader_fd, 1, 5);
    set_nonblocking(queue, false);
    Guest other(kernel, pool, machines);
    Result<std::uint64_t> result = 777;
    const auto blocked = [&](std::uint64_t size, auto&& wake) {
        std::thread thread([&] { result = read_as(other, queue, other.out(size)); });
        other.await_block();
        CHECK(std::string(other.context->waiter().reason()) == "EventQueue::read");
        wake();
        thread.join();
    };
    blocked(24, [&] { write(writer, "a"); });
    CHECK(*result == 24);
    blocked(24, [&] { other.context->waiter().interrupt(); });
    CHECK(error_of(result) == "EINTR");
    // Even an empty buffer waits for an event.
    blocked(0, [&] { write(writer, "b"); });
    CHECK(*result == 0);
}

TEST_CASE_FIXTURE(EventFixture, "a closed queue is skipped") {
    DescriptionRef doomed = open_queue();
    add(doomed, reader_fd, 1, 1);
    add(queue, reader_fd, 1, 2);
    doomed.close();
    write(writer, "a");
    CHECK(take(queue) == "rp,1,2");
}

TEST_CASE_FIXTURE(EventFixture, "readers of one queue share its records out") {
    set_nonblocking(queue, false);
    add(queue, reader_fd, 1, 5);
    constexpr int kEvents = 2000;
    std::atomic<int> taken{0};
    const auto take_all = [&](Guest& who) {
        std::array<abi::Event, 3> events;
        for (;;) {
            const auto got =
                read_as(who, queue, mem::UserOut::local(std::as_writable_bytes(std::span(events))));
            if (!got) return;
            taken += static_cast<int>(*got / sizeof(abi::Event));
        }
    };
    Guest first(kernel, pool, machines), second(kernel, pool, machines);
    std::thread one([&] { take_all(first); });
    std::thread two([&] { take_all(second); });
    for (int i = 0; i < kEvents; ++i)
        kernel.events.trigger({SchemeId{kPipe}, reader->number()}, kRead);
    while (taken < kEvents)
        std::this_thread::yield();
    first.context->waiter().kill();
    second.context->waiter().kill();
    one.join();
    two.join();
    CHECK(taken == kEvents);
}
