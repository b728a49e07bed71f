#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

namespace {

constexpr std::uint64_t kTag = kUpperFdtblTag;
constexpr std::uint64_t kWriteFd = CallFlags::kWrite | CallFlags::kFd;
constexpr std::uint64_t kReadFd = CallFlags::kRead | CallFlags::kFd;

struct Fixture : SyscallFixture {
    // Two more descriptors to send about.
    const std::uint64_t a = open(plain, 100);
    const std::uint64_t b = open(plain, 101);

    std::uint64_t list(std::vector<std::uint64_t> fds) { return put_words(std::move(fds)); }
    bool is_open(std::uint64_t fd) const { return files->find(FdNumber{fd}).has_value(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a plain call passes its payload, flags and at most three words") {
    const std::uint64_t words = put_words({1, 2, 3, 4});
    CHECK_VALUE(call(SYS_CALL, kFile, kMemory + 64, 24, CallFlags::kRead | 4, words), 24);
    CHECK(text->asked.argument == CallFlags::kRead);
    CHECK(text->words == std::vector<std::uint64_t>{1, 2, 3});
    CHECK_VALUE(call(SYS_CALL, kFile, 0, 0, 2, words), 0);
    CHECK(text->words == std::vector<std::uint64_t>{1, 2});
    CHECK_VALUE(call(SYS_CALL, kFile, 0, 0, 0, 0), 0);
    CHECK(text->words.empty());
    // More words than are mapped: only the first three are touched.
    CHECK_VALUE(call(SYS_CALL, kFile, 0, 0, 255, kMemory + kMemorySize - 24), 0);
    CHECK_ERRNO(call(SYS_CALL, kFile, 0, 0, 255, kMemory + kMemorySize - 16), kEFAULT);
    CHECK_ERRNO(call(SYS_CALL, kFile, 0, 0, 255, kUnmapped), kEFAULT);
    CHECK_ERRNO(call(SYS_CALL, kFile, 0, 0, std::uint64_t{1} << 63, 0), kEINVAL);
}

TEST_CASE_FIXTURE(Fixture, "FD without a direction is a plain call") {
    CHECK_VALUE(call(SYS_CALL, kFile, 0, 0, CallFlags::kFd, 0), 0);
    CHECK(text->asked.operation == "call");
}

TEST_CASE_FIXTURE(Fixture, "a consumed descriptor is gone whatever the scheme says, and closed") {
    CHECK_ERRNO(call(SYS_CALL, a, 0, 0, CallFlags::kConsume, 0), kEOPNOTSUPP);
    CHECK_FALSE(is_open(a));
    CHECK(plain->closed() == std::vector<std::uint64_t>{100});
    CHECK_ERRNO(call(SYS_CALL, a, 0, 0, CallFlags::kConsume, 0), kEBADF);
}

// Recording p4, "CALL flags".
TEST_CASE_FIXTURE(Fixture, "STD_FS wants three words and a kind it knows") {
    const auto std_fs = [&](std::uint64_t kind, std::uint64_t words, std::uint64_t fd = kFile,
                            std::uint64_t size = 104) {
        put_words({kind, 5, 19, 0}, 0x1000);
        return call(SYS_CALL, fd, kMemory, size, CallFlags::kStdFs | words, kMemory + 0x1000);
    };
    CHECK_ERRNO(call(SYS_CALL, kFile, 0, 0, CallFlags::kStdFs, 0), kEINVAL);
    CHECK_ERRNO(std_fs(4, 2), kEINVAL);
    CHECK_VALUE(std_fs(4, 3), 0);
    CHECK(value_at<abi::Stat>(kMemory).st_dev == 0xdddd);
    CHECK_VALUE(std_fs(4, 4), 0);
    CHECK_ERRNO(std_fs(4, 3, kFile, 100), kEINVAL);
    CHECK_ERRNO(std_fs(9, 3), kEOPNOTSUPP);
    CHECK_ERRNO(std_fs(0, 3), kEOPNOTSUPP);
    CHECK_ERRNO(std_fs(2, 3), kEOPNOTSUPP);
    CHECK_VALUE(std_fs(0x104, 3), 0);
    CHECK_VALUE(std_fs(1, 3), 0);
    CHECK(text->asked.operation == "fchmod");
    CHECK(text->asked.argument == 5);
    CHECK_VALUE(std_fs(3, 3), 104);
    CHECK(text->asked.operation == "getdents");
    CHECK(text->asked.command == 19);
    CHECK_VALUE(std_fs(5, 3), 0);
    CHECK_VALUE(std_fs(6, 3), 0);
    CHECK_VALUE(std_fs(7, 3), 0);
    CHECK(text->asked.operation == "ftruncate");
    CHECK_VALUE(std_fs(8, 3), 104);
    CHECK_ERRNO(std_fs(12, 3), kEOPNOTSUPP);
    CHECK_ERRNO(std_fs(1, 3, kPlain), kEBADF);
    CHECK_VALUE(std_fs(6, 3, kPlain), 0);
}

// Recording p4, "fd over pipe".
TEST_CASE_FIXTURE(Fixture, "descriptors are sent all or none") {
    CHECK_VALUE(call(SYS_CALL, kFile, list({a, b}), 16, kWriteFd, 0), 2);
    CHECK_FALSE(is_open(a));
    CHECK(text->queue.size() == 2);
    const std::uint64_t c = open(plain, 102);
    CHECK_VALUE(call(SYS_CALL, kFile, list({c, c}), 8, kWriteFd | CallFlags::kFdClone, 0), 1);
    CHECK_ERRNO(call(SYS_CALL, kFile, list({c, c}), 16, kWriteFd, 0), kEBADF);
    CHECK_ERRNO(call(SYS_CALL, kFile, list({c, 9999}), 16, kWriteFd, 0), kEBADF);
    CHECK_ERRNO(call(SYS_CALL, kFile, list({c, 65536}), 16, kWriteFd, 0), kEMFILE);
    CHECK(is_open(c));
    CHECK_VALUE(call(SYS_CALL, kFile, list({c}), 0, kWriteFd, 0), 0);
    // A trailing part of a word is ignored.
    CHECK_VALUE(call(SYS_CALL, kFile, list({c, 0}), 15, kWriteFd, 0), 1);
    CHECK_FALSE(is_open(c));
}

TEST_CASE_FIXTURE(Fixture, "sending wins over receiving and over STD_FS, and reads its list first") {
    CHECK_VALUE(call(SYS_CALL, kFile, list({a}), 8, kWriteFd | CallFlags::kRead | CallFlags::kStdFs, 0), 1);
    CHECK(text->asked.operation == "fd_write");
    CHECK_ERRNO(call(SYS_CALL, kClosed, kUnmapped, 8, kWriteFd, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_CALL, kClosed, kMemory, 8, kWriteFd, 0), kEBADF);
    CHECK_ERRNO(call(SYS_CALL, kGone, list({9999}), 8, kWriteFd, 0), kENODEV);
    // A list longer than any table.
    CHECK_ERRNO(call(SYS_CALL, kFile, kMemory, kMemorySize, kWriteFd, 0), kEBADF);
    CHECK_ERRNO(call(SYS_CALL, kFile, kMemory, std::uint64_t{1} << 46, kWriteFd, 0), kEFAULT);
}

TEST_CASE_FIXTURE(Fixture, "what a scheme refuses is closed, not lost") {
    CHECK_ERRNO(call(SYS_SENDFD, kPlain, a, 0, 0), kEOPNOTSUPP);
    CHECK_FALSE(is_open(a));
    CHECK(plain->closed() == std::vector<std::uint64_t>{100});
    CHECK_ERRNO(call(SYS_SENDFD, b, b, 0, 0), kEOPNOTSUPP);
    CHECK_FALSE(is_open(b));
    CHECK(plain->closed() == std::vector<std::uint64_t>{100, 101});
}

TEST_CASE_FIXTURE(Fixture, "what a scheme leaves with the sender is where it was") {
    text->refuse = Errno::kENODEV;
    text->keep_on_failure = true;
    CHECK_ERRNO(call(SYS_CALL, kFile, list({b, a}), 16, kWriteFd, 0), kENODEV);
    CHECK(description(a).number() == HandleNumber{100});
    CHECK(description(b).number() == HandleNumber{101});
    CHECK(plain->closed().empty());
    text->keep_on_failure = false;
    CHECK_ERRNO(call(SYS_SENDFD, kFile, a, 0, 0), kENODEV);
    CHECK_FALSE(is_open(a));
}

TEST_CASE_FIXTURE(Fixture, "SENDFD translates its flags and returns the scheme's value") {
    CHECK_VALUE(call(SYS_SENDFD, kFile, a, SendFdFlags::kClone, 123), 4711);
    CHECK(is_open(a));
    CHECK(text->asked.command == 123);
    CHECK(text->asked.argument == 0);
    CHECK(text->words.empty());
    CHECK_ERRNO(call(SYS_SENDFD, kFile, a, SendFdFlags::kExclusive, 0), kEBUSY);
    CHECK_FALSE(is_open(a));
    CHECK_ERRNO(call(SYS_SENDFD, kFile, b, 3, 0), kEBUSY);
    CHECK(is_open(b));
    CHECK_VALUE(call(SYS_SENDFD, kFile, b, SendFdFlags::kExclusive, 0), 4711);
    CHECK(text->asked.argument == CallFlags::kFdExclusive);
    CHECK_ERRNO(call(SYS_SENDFD, kFile, b, 0, 0), kEBADF);
}

TEST_CASE_FIXTURE(Fixture, "a descriptor may be sent over itself, exclusively too") {
    CHECK_VALUE(call(SYS_SENDFD, kFile, kFile, SendFdFlags::kExclusive, 0), 4711);
    CHECK_FALSE(is_open(kFile));
    REQUIRE(text->queue.size() == 1);
    CHECK(text->queue[0]->number() == HandleNumber{10});
}

TEST_CASE_FIXTURE(Fixture, "received descriptors go to the lowest free numbers, which are told") {
    CHECK_VALUE(call(SYS_CALL, kFile, list({a, b}), 16, kWriteFd, 0), 2);
    put_words({9, 9, 9}, 0x1000);
    CHECK_VALUE(call(SYS_CALL, kFile, kMemory + 0x1000, 16, kReadFd | CallFlags::kFdCloexec, 0), 2);
    CHECK(value_at<std::uint64_t>(kMemory + 0x1000) == a);
    CHECK(value_at<std::uint64_t>(kMemory + 0x1008) == b);
    CHECK(value_at<std::uint64_t>(kMemory + 0x1010) == 9);
    CHECK(files->find_descriptor(FdNumber{a})->cloexec);
    CHECK(description(a).number() == HandleNumber{100});
    CHECK_VALUE(call(SYS_CALL, kFile, kMemory, 0, kReadFd, 0), 0);
    CHECK_ERRNO(call(SYS_CALL, kPlain, kMemory, 8, kReadFd, 0), kEOPNOTSUPP);
}

TEST_CASE_FIXTURE(Fixture, "received descriptors go to upper numbers, chosen or named") {
    CHECK_VALUE(call(SYS_CALL, kFile, list({a, b}), 16, kWriteFd | CallFlags::kFdClone, 0), 2);
    put_words({UINT64_MAX, 5});
    CHECK_VALUE(call(SYS_CALL, kFile, kMemory, 16, kReadFd | CallFlags::kFdUpper, 0), 2);
    CHECK(value_at<std::uint64_t>(kMemory) == kTag);
    CHECK(value_at<std::uint64_t>(kMemory + 8) == (kTag | 1));

    CHECK_VALUE(call(SYS_CALL, kFile, list({a, b}), 16, kWriteFd | CallFlags::kFdClone, 0), 2);
    put_words({30, kTag | 20});
    CHECK_VALUE(call(SYS_CALL, kFile, kMemory, 16, kReadFd | CallFlags::kFdUpper, 0), 2);
    CHECK(value_at<std::uint64_t>(kMemory) == 30);
    CHECK(description(kTag | 30).number() == HandleNumber{100});
    CHECK(description(kTag | 20).number() == HandleNumber{101});
}

TEST_CASE_FIXTURE(Fixture, "a receiver that cannot place what it got gives it back in order") {
    CHECK_VALUE(call(SYS_CALL, kFile, list({a, b}), 16, kWriteFd, 0), 2);
    const auto receive = [&](std::uint64_t address, std::uint64_t size, std::uint64_t flags) {
        return call(SYS_CALL, kFile, address, size, kReadFd | flags, 0);
    };
    put_words({9, 9, 9, 9});
    CHECK_ERRNO(receive(kMemory, 24, 0), kEINVAL);
    CHECK_ERRNO(receive(kMemory, 17, 0), kEINVAL);
    CHECK_ERRNO(receive(kMemory, 16, CallFlags::kFdUpper), kEINVAL);
    REQUIRE(files->insert(FdNumber{kTag | 9}, *files->find_descriptor(FdNumber{kPlain})));
    CHECK_ERRNO(receive(kMemory, 16, CallFlags::kFdUpper), kEEXIST);
    CHECK_ERRNO(receive(kReadOnly, 16, 0), kEFAULT);
    CHECK_ERRNO(receive(kUnmapped, 16, CallFlags::kFdUpper), kEFAULT);
    CHECK(files->numbers().size() == 5);
    REQUIRE(text->queue.size() == 2);
    CHECK(text->queue[0]->number() == HandleNumber{100});
    CHECK(text->queue[1]->number() == HandleNumber{101});
    CHECK(plain->closed().empty());
    CHECK_VALUE(receive(kMemory, 16, 0), 2);
}
