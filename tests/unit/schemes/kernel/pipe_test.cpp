#include "schemes/kernel/pipe.h"

#include "tests/unit/schemes/kernel/schemes_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

constexpr std::uint32_t kPipe = 4;
constexpr std::uint64_t kRead = abi::EventFlags::kEventRead;
constexpr std::uint64_t kWrite = abi::EventFlags::kEventWrite;

struct PipeFixture : SchemesFixture {
    // A fresh pipe in `reader` and `writer`.
    void make() {
        reader = *open(kPipe, "");
        writer = *dup(reader, "write");
    }
    Result<std::uint64_t> send(std::vector<DescriptionRef> files) {
        return serving(writer).fd_write(guest.caller, writer->number(), std::move(files), 0, 0, {});
    }
    Result<std::vector<DescriptionRef>> receive(std::uint64_t count) {
        return serving(reader).fd_read(guest.caller, reader->number(), count * 8, 0, {});
    }
    DescriptionRef reader, writer;
    const std::string big = std::string(70000, 'x');
};

}  // namespace

TEST_CASE_FIXTURE(PipeFixture, "opening: names and ends as recorded in p1") {
    reader = *open(kPipe, "");
    writer = *dup(reader, "write");
    CHECK(writer->number().value() == (reader->number().value() | 1));
    CHECK(error_of(dup(reader, "write")) == "EBADF");
    CHECK(error_of(dup(writer, "write")) == "EBADF");
    CHECK(error_of(dup(reader, "writeXYZ")) == "EBADF");
    CHECK(error_of(dup(reader, "wri")) == "EINVAL");
    CHECK(error_of(dup(reader, "other")) == "EINVAL");
    const DescriptionRef second = *open(kPipe, "");
    CHECK(error_of(open_at(second, "write")) == "EINVAL");
    const DescriptionRef second_writer = *open_at(second, "zzz");
    CHECK(error_of(open_at(second, "zzz")) == "EBADF");
    CHECK(error_of(open_at(second_writer, "zzz")) == "EBADF");
    CHECK(*write(second_writer, "q") == 1);
    CHECK(read_text(second, 10) == "q");
    CHECK(error_of(open(kPipe, "nope")) == "ENOENT");
    CHECK(error_of(open(kPipe, "///")) == "ok");
}

TEST_CASE_FIXTURE(PipeFixture, "a dup name that cannot be read is EFAULT") {
    make();
    CHECK(error_of((*reader->scheme())->dup(guest.caller, reader->number(), guest.in_at(kWild, 5))) ==
          "EFAULT");
}

TEST_CASE_FIXTURE(PipeFixture, "writing and reading: sizes as recorded in p4") {
    make();
    CHECK(*write(writer, big) == 65536);
    CHECK(*fevent(writer, kWrite) == kWrite);
    CHECK(*fevent(reader, kRead) == kRead);
    set_nonblocking(writer, true);
    CHECK(error_of(write(writer, "a")) == "EAGAIN");
    CHECK(*write(writer, "") == 0);
    CHECK(read_text(reader, 100) == std::string(100, 'x'));
    CHECK(*write(writer, std::string(200, 'y')) == 100);
    CHECK(read_text(reader, 131072) == std::string(65436, 'x') + std::string(100, 'y'));
    CHECK(*write(writer, "hello") == 5);
    CHECK(read_text(reader, 3) == "hel");
    CHECK(read_text(writer, 3) == "error EBADF");
    CHECK(error_of(write(reader, "abc")) == "EBADF");
    CHECK(error_of(writer.close()) == "ok");
    CHECK(read_text(reader, 10) == "lo");
    CHECK(read_text(reader, 10).empty());
    CHECK(*fevent(reader, kRead | kWrite) == kRead);
}

TEST_CASE_FIXTURE(PipeFixture, "bytes keep their order around the end of the ring") {
    make();
    std::string sent, got;
    unsigned char next = 0;
    for (int round = 0; round < 50; ++round) {
        std::string part(10007, '\0');
        for (char& c : part)
            c = static_cast<char>(next++);
        CHECK(*write(writer, part) == part.size());
        sent += part;
        if (round >= 3) got += read_text(reader, 10007);
    }
    while (got.size() < sent.size())
        got += read_text(reader, 65536);
    CHECK(got == sent);
}

TEST_CASE_FIXTURE(PipeFixture, "after the reader closed every write is EPIPE, also an empty one") {
    make();
    CHECK(error_of(reader.close()) == "ok");
    CHECK(error_of(write(writer, "a")) == "EPIPE");
    CHECK(error_of(write(writer, "")) == "EPIPE");
    CHECK(*fevent(writer, kRead | kWrite) == kWrite);
    CHECK(error_of(writer.close()) == "ok");
}

TEST_CASE_FIXTURE(PipeFixture, "a bad buffer is EFAULT and loses nothing") {
    make();
    CHECK(*write(writer, "hello") == 5);
    CHECK(*read(reader, guest.out_at(kWild, 0)) == 0);
    CHECK(error_of(read(reader, guest.out_at(kWild, 5))) == "EFAULT");
    // The page after the buffer's two is not mapped: the copy fails half-way.
    const std::uint64_t end = guest.buffer + 2 * machine::kPageSize;
    CHECK(error_of(read(reader, guest.out_at(end - 2, 5))) == "EFAULT");
    CHECK(read_text(reader, 10) == "hello");
    CHECK(error_of(write(writer, guest.in_at(kWild, 5))) == "EFAULT");
    CHECK(error_of(write(writer, guest.in_at(end - 511, 1000))) == "EFAULT");
    // Upstream copies in steps of 512 and keeps the whole ones.
    CHECK(*write(writer, guest.in_at(end - 1300, 5000)) == 1024);
    set_nonblocking(reader, true);
    CHECK(*read(reader, guest.out(5000)) == 1024);
    CHECK(error_of(read(reader, guest.out(10))) == "EAGAIN");
    CHECK(*read(reader, guest.out(0)) == 0);
}

TEST_CASE_FIXTURE(PipeFixture, "offsets: only none at all") {
    make();
    scheme::Scheme& scheme = **reader->scheme();
    CHECK(error_of(scheme.read_at(guest.caller, reader->number(), guest.out(5), 0, {})) == "ESPIPE");
    CHECK(error_of(scheme.write_at(guest.caller, writer->number(), guest.in(5), 0, {})) == "ESPIPE");
    CHECK(error_of(scheme.fsize(guest.caller, reader->number())) == "ESPIPE");
}

TEST_CASE_FIXTURE(PipeFixture, "metadata as recorded in p1") {
    make();
    const abi::Stat stat = *fstat(reader);
    CHECK(stat.st_mode == 0x11b6);
    CHECK(stat.st_ino == 0);
    CHECK(stat.st_nlink == 0);
    CHECK(*fpath(reader) == "/scheme/pipe/");
    CHECK(*fpath(reader, 3) == "/sc");
    CHECK(*fpath(reader, 0) == "");
    scheme::Scheme& scheme = **reader->scheme();
    CHECK(error_of(scheme.fstat(guest.caller, reader->number(), guest.out(103))) == "EINVAL");
    CHECK(error_of(scheme.fstatvfs(guest.caller, reader->number(), guest.out(32))) == "EBADF");
    CHECK(error_of(scheme.fchmod(guest.caller, reader->number(), 0)) == "EBADF");
    CHECK(error_of(scheme.ftruncate(guest.caller, reader->number(), 0)) == "EBADF");
    CHECK(error_of(scheme.fsync(guest.caller, reader->number())) == "ok");
    CHECK(error_of(scheme.unlinkat(guest.caller, reader->number(), "x", 0)) == "ENOENT");
    CHECK(error_of(scheme.getdents(guest.caller, reader->number(), guest.out(100), 19, 0)) == "EOPNOTSUPP");
    CHECK(*fevent(reader, kRead | kWrite) == 0);
    CHECK(*fevent(writer, kRead | kWrite) == kWrite);
    CHECK(*fevent(writer, 0) == 0);
    CHECK(*fevent(reader, 0xff) == 0);
}

TEST_CASE_FIXTURE(PipeFixture, "a root is no pipe: transfers and its close are EBADF") {
    DescriptionRef root = *kernel.schemes.open_root(SchemeId{kPipe});
    CHECK(read_text(root, 1) == "error EBADF");
    CHECK(*fpath(root) == "/scheme/pipe/");
    CHECK(error_of(root.close()) == "EBADF");
}

TEST_CASE_FIXTURE(PipeFixture, "a blocked reader wakes for bytes, the writer's close and an interruption") {
    make();
    Guest other(kernel, pool, machines);
    Result<std::uint64_t> result = 777;
    const auto blocked_read = [&](auto&& wake) {
        std::thread thread([&] { result = read_as(other, reader, other.out(10)); });
        other.await_block();
        CHECK(std::string(other.context->waiter().reason()) == "PipeRead::read");
        wake();
        thread.join();
    };
    blocked_read([&] { CHECK(*write(writer, "abc") == 3); });
    CHECK(*result == 3);
    blocked_read([&] { CHECK(other.context->waiter().interrupt()); });
    CHECK(error_of(result) == "EINTR");
    blocked_read([&] { writer.close(); });
    CHECK(*result == 0);
}

TEST_CASE_FIXTURE(PipeFixture, "a blocked writer takes what room there is, EPIPE, or an interruption") {
    make();
    Guest other(kernel, pool, machines);
    CHECK(*write(writer, big) == 65536);
    Result<std::uint64_t> result = 777;
    const auto blocked_write = [&](auto&& wake) {
        std::thread thread([&] { result = write_as(other, writer, mem::UserIn::local(big)); });
        other.await_block();
        CHECK(std::string(other.context->waiter().reason()) == "PipeWrite::write");
        wake();
        thread.join();
    };
    blocked_write([&] { CHECK(read_text(reader, 10).size() == 10); });
    CHECK(*result == 10);
    blocked_write([&] { other.context->waiter().interrupt(); });
    CHECK(error_of(result) == "EINTR");
    blocked_write([&] { reader.close(); });
    CHECK(error_of(result) == "EPIPE");
}

TEST_CASE_FIXTURE(PipeFixture, "many readers and writers lose and double nothing") {
    make();
    constexpr std::uint64_t kPerWriter = 300'000;
    std::atomic<std::uint64_t> sum{0}, count{0};
    const auto write_all = [&](unsigned char value) {
        Guest who(kernel, pool, machines);
        const std::string part(3001, static_cast<char>(value));
        for (std::uint64_t left = kPerWriter; left > 0;)
            left -= *write_as(who, writer, mem::UserIn::local(std::string_view(part).substr(0, left)));
    };
    const auto read_all = [&] {
        Guest who(kernel, pool, machines);
        std::string part(2003, '\0');
        for (;;) {
            const auto got =
                read_as(who, reader, mem::UserOut::local(std::as_writable_bytes(std::span(part))));
            if (!got || *got == 0) return;
            count += *got;
            for (std::uint64_t i = 0; i < *got; ++i)
                sum += static_cast<unsigned char>(part[i]);
        }
    };
    std::thread readers[] = {std::thread(read_all), std::thread(read_all)};
    std::thread writers[] = {std::thread(write_all, 1), std::thread(write_all, 7)};
    for (auto& thread : writers)
        thread.join();
    writer.close();
    for (auto& thread : readers)
        thread.join();
    CHECK(count == 2 * kPerWriter);
    CHECK(sum == 8 * kPerWriter);
}

TEST_CASE_FIXTURE(PipeFixture, "descriptions travel in order, apart from bytes") {
    make();
    const DescriptionRef a = *open(8 - 4, ""), b = *open(kPipe, "");
    CHECK(*send({a, b}) == 2);
    CHECK(*fevent(reader, kRead) == 0);
    auto first = *receive(1);
    REQUIRE(first.size() == 1);
    CHECK(first[0] == a);
    const auto rest = *receive(3);
    REQUIRE(rest.size() == 1);
    CHECK(rest[0] == b);
    CHECK(*send({}) == 0);
    CHECK(receive(0)->empty());
    scheme::Scheme& scheme = **reader->scheme();
    CHECK(error_of(scheme.fd_read(guest.caller, writer->number(), 8, 0, {})) == "EBADF");
    CHECK(error_of(scheme.fd_write(guest.caller, reader->number(), {a}, 0, 0, {})) == "EBADF");
    writer.close();
    CHECK(receive(1)->empty());
}

TEST_CASE_FIXTURE(PipeFixture, "descriptions given back come first again, in order") {
    make();
    const DescriptionRef a = *open(kPipe, ""), b = *open(kPipe, ""), c = *open(kPipe, "");
    REQUIRE(*send({a, b}) == 2);
    auto taken = *receive(2);
    REQUIRE(*send({c}) == 1);
    serving(reader).fd_unread(reader->number(), std::move(taken), {});
    CHECK(*receive(3) == std::vector<DescriptionRef>{a, b, c});
}

TEST_CASE_FIXTURE(PipeFixture,
                  "receiving blocks even for non-blocking descriptions, and can be interrupted") {
    make();
    set_nonblocking(reader, true);
    Guest other(kernel, pool, machines);
    Result<std::vector<DescriptionRef>> result;
    std::thread thread(
        [&] { result = (*reader->scheme())->fd_read(other.caller, reader->number(), 8, 0, {}); });
    other.await_block();
    other.context->waiter().interrupt();
    thread.join();
    CHECK(error_of(result) == "EINTR");
}

TEST_CASE_FIXTURE(PipeFixture, "a pipe that holds its own ends lets go of everything when the run ends") {
    const DescriptionRef kept = *open(kPipe, "");
    make();
    REQUIRE(*send({reader, writer, kept}) == 3);
    reader.close();
    writer.close();
    CHECK_FALSE(kept.exclusive());
    kernel.schemes.remove(SchemeId{kPipe});
    CHECK(kept.exclusive());
}

TEST_CASE_FIXTURE(PipeFixture, "queued descriptions close with the pipe, however deep they are nested") {
    const auto counted = [this] { return dynamic_cast<schemes::PipeScheme&>(*scheme(kPipe)).count(); };
    DescriptionRef keep = *open(kPipe, "");
    const std::uint64_t before = counted();
    DescriptionRef inner = *open(kPipe, "");
    constexpr int kDepth = 100'000;
    for (int i = 0; i < kDepth; ++i) {
        make();
        REQUIRE(*send({inner}) == 1);
        inner = reader;
        writer.close();
        reader.close();
    }
    CHECK(counted() >= kDepth);
    // Roots are never freed: one per open() of the fixture.
    inner.close();
    CHECK(counted() == before + 1 + kDepth);
    CHECK(error_of(dup(keep, "write")) == "ok");
}

TEST_CASE_FIXTURE(PipeFixture, "EPIPE for descriptions once the reader closed") {
    make();
    reader.close();
    CHECK(error_of(send({*open(kPipe, "")})) == "EPIPE");
    CHECK(error_of(send({})) == "EPIPE");
}

TEST_CASE_FIXTURE(PipeFixture, "what waits in all pipes together is bounded") {
    const auto budget = std::make_shared<MemoryBudget>(2 * schemes::PipeBuffer::kCapacity);
    schemes::PipeBuffer pipe(budget);
    const auto write_to = [&](schemes::PipeBuffer& to) {
        return to.write(mem::UserIn::local("x"), true, guest.caller.waiter);
    };
    CHECK(*write_to(pipe) == 1);
    CHECK(*write_to(pipe) == 1);
    {
        schemes::PipeBuffer second(budget), third(budget);
        CHECK(*write_to(second) == 1);
        CHECK(error_of(write_to(third)) == "ENOMEM");
        CHECK(error_of(third.send({*open(kPipe, "")}, guest.caller.waiter)) == "ENOMEM");
    }
    // Descriptors count too, until they are taken out.
    schemes::PipeBuffer third(budget);
    std::uint64_t sent = 0;
    while (third.send({*open(kPipe, "")}, guest.caller.waiter))
        ++sent;
    CHECK(sent == schemes::PipeBuffer::kCapacity / kQueuedDescriptorCost);
    CHECK(error_of(write_to(third)) == "ENOMEM");
    auto taken = third.receive(1, guest.caller.waiter);
    REQUIRE(taken);
    CHECK(*third.send(*taken, guest.caller.waiter) == 1);
    taken = third.receive(sent, guest.caller.waiter);
    REQUIRE(taken);
    CHECK(taken->size() == sent);
    third.give_back(std::move(*taken));
    CHECK(error_of(write_to(third)) == "ENOMEM");
    CHECK(third.take_descriptions().size() == sent);
    CHECK(*write_to(third) == 1);
}
