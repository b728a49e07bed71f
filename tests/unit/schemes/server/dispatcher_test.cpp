#include "schemes/server/dispatcher.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <utility>

#include "tests/unit/schemes/server/fake_transport.h"

namespace halfcell::server {

void Descriptor::close_number(std::uint64_t) {}

Result<Pages> Pages::allocate(std::uint64_t) {
    return Errno::kENOMEM;
}
Pages::~Pages() = default;

namespace {

using abi::CqeOpcode;
using abi::Opcode;

abi::Sqe request(Opcode opcode, std::uint32_t tag, std::array<std::uint64_t, 6> args = {}) {
    abi::Sqe sqe{};
    sqe.opcode = static_cast<std::uint8_t>(opcode);
    sqe.tag = tag;
    std::copy(args.begin(), args.end(), sqe.args);
    sqe.caller = 77;
    return sqe;
}

int error_of(const abi::Cqe& cqe) {
    return abi::demux_errno(cqe.result);
}

// A scheme that answers as the test wants.
class Scripted final : public Scheme {
  public:
    Result<Opened> openat(const Request& request, Id, std::string_view path, std::uint64_t flags) override {
        last = request;
        last_flags = flags;
        last_path = path;
        if (!ready) return Errno::kEWOULDBLOCK;
        return Opened(value, Positioned::kYes);
    }
    Result<Opened> dup(const Request&, Id, std::string_view) override { return Opened(Descriptor(9)); }
    Result<std::uint64_t> read(const Request& request, Id, std::span<std::byte> to, std::uint64_t) override {
        last = request;
        if (!ready) return Errno::kEWOULDBLOCK;
        std::memset(to.data(), 'r', to.size());
        return to.size();
    }
    Result<std::uint64_t> fsize(const Request&, Id) override { return value; }
    Result<abi::Stat> fstat(const Request&, Id) override { return abi::Stat{.st_size = 5}; }
    Result<std::uint64_t> fevent(const Request&, Id id, std::uint64_t interest) override {
        notify(id, abi::EventFlags::kEventWrite);
        return interest;
    }
    Result<void> lock(const Request&, Id, const RecordLock& lock) override {
        last_lock = lock;
        return {};
    }
    Result<RecordLock> get_lock(const Request&, Id, const RecordLock& lock) override {
        return RecordLock{lock.start + 1, lock.length, lock.open_file, true, 33};
    }
    Result<void> fsync(const Request&, Id) override {
        ready = true;
        return {};
    }
    Result<std::uint64_t> sendfd(const Request&, Id, std::vector<Descriptor>& descriptors,
                                 std::uint64_t) override {
        if (!ready) return Errno::kEWOULDBLOCK;
        taken += descriptors.size();
        return descriptors.size();
    }
    Result<std::vector<Descriptor>> recvfd(const Request&, Id, std::uint64_t) override {
        std::vector<Descriptor> given;
        given.emplace_back(3);
        return given;
    }
    void closed(Id id) override { ++closes[id]; }
    void detached(Id id, std::uint32_t pid) override { detaches.emplace_back(id, pid); }
    void cancelled(const Request& request) override { cancels.push_back(request.tag); }

    bool ready = true;
    std::size_t taken = 0;
    std::uint64_t value = 4;
    Request last;
    std::uint64_t last_flags = 0;
    std::string last_path;
    RecordLock last_lock;
    std::map<Id, int> closes;
    std::vector<std::pair<Id, std::uint32_t>> detaches;
    std::vector<std::uint64_t> cancels;
};

struct Fixture {
    Scripted scheme;
    FakeTransport transport;
    Dispatcher dispatcher{scheme, transport};

    abi::Cqe ask(const abi::Sqe& sqe) {
        dispatcher.handle(std::span(&sqe, 1));
        return transport.take_only();
    }
    void tell(const abi::Sqe& sqe) { dispatcher.handle(std::span(&sqe, 1)); }
};

}  // namespace

TEST_CASE("what a scheme does not have answers with the library's errno") {
    class Empty final : public Scheme {
    } empty;
    FakeTransport transport;
    Dispatcher dispatcher(empty, transport);
    const std::pair<Opcode, Errno> expected[] = {
        {Opcode::kOpenAt, Errno::kEOPNOTSUPP},   {Opcode::kDup, Errno::kEOPNOTSUPP},
        {Opcode::kUnlinkAt, Errno::kENOENT},     {Opcode::kRead, Errno::kEBADF},
        {Opcode::kWrite, Errno::kEBADF},         {Opcode::kFsize, Errno::kESPIPE},
        {Opcode::kFchmod, Errno::kEOPNOTSUPP},   {Opcode::kFchown, Errno::kEOPNOTSUPP},
        {Opcode::kFcntl, Errno::kEOPNOTSUPP},    {Opcode::kFpath, Errno::kEOPNOTSUPP},
        {Opcode::kFrename, Errno::kEOPNOTSUPP},  {Opcode::kFlink, Errno::kEOPNOTSUPP},
        {Opcode::kFstat, Errno::kEOPNOTSUPP},    {Opcode::kFstatvfs, Errno::kEOPNOTSUPP},
        {Opcode::kFtruncate, Errno::kEBADF},     {Opcode::kMmapPrep, Errno::kEOPNOTSUPP},
        {Opcode::kMunmap, Errno::kEOPNOTSUPP},   {Opcode::kCall, Errno::kEOPNOTSUPP},
        {Opcode::kSendfd, Errno::kEOPNOTSUPP},   {Opcode::kRecvfd, Errno::kEOPNOTSUPP},
        {Opcode::kMsync, Errno::kENOSYS},        {static_cast<Opcode>(200), Errno::kENOSYS},
        {static_cast<Opcode>(1), Errno::kENOSYS}};
    std::uint32_t tag = 0;
    for (const auto& [opcode, error] : expected) {
        INFO("opcode ", static_cast<int>(opcode));
        const abi::Sqe sqe = request(opcode, ++tag);
        dispatcher.handle(std::span(&sqe, 1));
        const abi::Cqe cqe = transport.take_only();
        CHECK(cqe.tag == tag);
        CHECK(error_of(cqe) == static_cast<int>(error));
    }
    for (const Opcode opcode : {Opcode::kFsync, Opcode::kFevent}) {
        const abi::Sqe sqe = request(opcode, ++tag);
        dispatcher.handle(std::span(&sqe, 1));
        CHECK(transport.take_only().result == 0);
    }
    // Those two need a buffer before the scheme is asked.
    const abi::Sqe times = request(Opcode::kFutimens, 1, {0, 0, 32});
    dispatcher.handle(std::span(&times, 1));
    CHECK(error_of(transport.take_only()) == static_cast<int>(Errno::kEBADF));
    const abi::Sqe entries = request(Opcode::kGetdents, 1, {0, 0, 100, 19});
    dispatcher.handle(std::span(&entries, 1));
    CHECK(error_of(transport.take_only()) == static_cast<int>(Errno::kENOTDIR));
}

TEST_CASE_FIXTURE(Fixture, "an open carries its path, flags and ids, and the answer the handle") {
    transport.memory.replace(100, 4, "path");
    scheme.value = 12;
    const abi::Cqe cqe =
        ask(request(Opcode::kOpenAt, 3, {0, 100, 4, 0x30000, 0x80000, 1 | std::uint64_t{2} << 32}));
    CHECK(cqe.flags == static_cast<int>(CqeOpcode::kRespondRegular));
    CHECK(cqe.result == 12);
    CHECK(cqe.extra_raw[0] == abi::NewFdFlags::kPositioned);
    CHECK(scheme.last_path == "path");
    CHECK(scheme.last_flags == 0xb0000);
    CHECK(scheme.last.uid == 1);
    CHECK(scheme.last.gid == 2);
    CHECK(scheme.last.pid == 77);
}

TEST_CASE_FIXTURE(Fixture, "a dup that gives a descriptor says so") {
    const abi::Cqe cqe = ask(request(Opcode::kDup, 3));
    CHECK(cqe.flags == static_cast<int>(CqeOpcode::kRespondWithFd));
    CHECK(cqe.result == 9);
}

TEST_CASE_FIXTURE(Fixture, "a buffer that cannot be is an error of the request") {
    CHECK(error_of(ask(request(Opcode::kRead, 1, {1, 990, 11}))) == static_cast<int>(Errno::kEFAULT));
    CHECK(error_of(ask(request(Opcode::kOpenAt, 1, {0, UINT64_MAX, 2}))) == static_cast<int>(Errno::kEFAULT));
    CHECK(ask(request(Opcode::kRead, 1, {1, 990, 10})).result == 10);
}

TEST_CASE_FIXTURE(Fixture, "a success that looks like an error is none") {
    scheme.value = 0xffff'ffff;
    CHECK(error_of(ask(request(Opcode::kFsize, 1))) == static_cast<int>(Errno::kEOVERFLOW));
    scheme.value = 0x1'ffff'ff00;
    CHECK(ask(request(Opcode::kFsize, 1)).result == 0x1'ffff'ff00);
}

TEST_CASE_FIXTURE(Fixture, "a stat needs room for all of it, in both its forms") {
    CHECK(error_of(ask(request(Opcode::kFstat, 1, {1, 0, 103}))) == static_cast<int>(Errno::kEINVAL));
    CHECK(ask(request(Opcode::kFstat, 1, {1, 0, 104})).result == 0);
    CHECK(transport.memory[offsetof(abi::Stat, st_size)] == 5);
    transport.memory.assign(1000, '\0');
    const auto kind = static_cast<std::uint64_t>(abi::StdFsCallKind::kFstat);
    CHECK(error_of(ask(request(Opcode::kStdFsCall, 1, {1, 0, 103, kind}))) ==
          static_cast<int>(Errno::kEINVAL));
    CHECK(ask(request(Opcode::kStdFsCall, 1, {1, 0, 104, kind})).result == 0);
    CHECK(transport.memory[offsetof(abi::Stat, st_size)] == 5);
}

TEST_CASE_FIXTURE(Fixture, "a request waits until its operation answers") {
    scheme.ready = false;
    tell(request(Opcode::kRead, 5, {1, 0, 10}));
    CHECK(transport.completions.empty());
    CHECK(dispatcher.waiting() == 1);
    // Another request makes it ready: both are answered in that round.
    tell(request(Opcode::kFsync, 6));
    REQUIRE(transport.completions.size() == 2);
    CHECK(transport.completions[0].tag == 6);
    CHECK(transport.completions[1].tag == 5);
    CHECK(transport.completions[1].result == 10);
    CHECK(dispatcher.waiting() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a request that may not wait is EAGAIN") {
    scheme.ready = false;
    CHECK(error_of(ask(request(Opcode::kRead, 5, {1, 0, 10, 0, abi::OpenFlags::kNonblock}))) ==
          static_cast<int>(Errno::kEAGAIN));
    CHECK(error_of(ask(request(Opcode::kOpenAt, 5, {0, 0, 0, abi::OpenFlags::kNonblock}))) ==
          static_cast<int>(Errno::kEAGAIN));
}

TEST_CASE_FIXTURE(Fixture, "a cancelled request is answered once, others never") {
    scheme.ready = false;
    tell(request(Opcode::kRead, 5, {1, 0, 10}));
    CHECK(error_of(ask(request(Opcode::kCancel, 5))) == static_cast<int>(Errno::kECANCELED));
    CHECK(scheme.cancels == std::vector<std::uint64_t>{5});
    tell(request(Opcode::kCancel, 5));
    tell(request(Opcode::kCancel, 1000));
    CHECK(transport.completions.empty());
}

TEST_CASE_FIXTURE(Fixture, "messages are not answered") {
    tell(request(Opcode::kCloseMsg, 0, {8}));
    tell(request(Opcode::kDetach, 0, {8}));
    CHECK(transport.completions.empty());
    CHECK(scheme.closes[8] == 1);
    CHECK(scheme.detaches == std::vector<std::pair<Id, std::uint32_t>>{{8, 77}});
}

TEST_CASE_FIXTURE(Fixture, "events go out with the answers") {
    tell(request(Opcode::kFevent, 2, {8, abi::EventFlags::kEventRead}));
    REQUIRE(transport.completions.size() == 2);
    CHECK(transport.completions[0].result == abi::EventFlags::kEventRead);
    CHECK(transport.completions[1].flags == static_cast<int>(CqeOpcode::kSendFevent));
    CHECK(transport.completions[1].tag == abi::EventFlags::kEventWrite);
    CHECK(transport.completions[1].result == 8);
}

TEST_CASE_FIXTURE(Fixture, "of several runs that share a scheme, each hears of what it has open") {
    FakeTransport other_transport;
    Dispatcher other(scheme, other_transport, 7);
    scheme.value = 12;
    (void)ask(request(Opcode::kOpenAt, 1));
    scheme.value = 13;
    const abi::Sqe open = request(Opcode::kOpenAt, 1);
    other.take(std::span(&open, 1));
    other.send_completions();
    other_transport.completions.clear();
    const std::array<Scheme::Event, 3> events{{{12, 1}, {13, 2}, {14, 3}}};
    for (Dispatcher* const run : {&dispatcher, &other}) {
        run->tell(events);
        run->send_completions();
    }
    CHECK(transport.take_only().result == 12);
    CHECK(other_transport.take_only().result == 13);
    // And a request of one that waits is none of the other's.
    scheme.ready = false;
    const abi::Sqe read = request(Opcode::kRead, 5, {13, 0, 10});
    other.take(std::span(&read, 1));
    tell(request(Opcode::kCancel, 5));
    CHECK(scheme.cancels.empty());
    other.hang_up();
    CHECK(scheme.cancels == std::vector<std::uint64_t>{std::uint64_t{7} << 32 | 5});
    CHECK(scheme.closes == std::map<Id, int>{{13, 1}});
}

TEST_CASE_FIXTURE(Fixture, "a locked handle is told of closes until it is closed itself") {
    constexpr std::uint64_t kHigh = std::uint64_t{1} << 63;
    const auto lock = static_cast<std::uint64_t>(abi::StdFsCallKind::kLock);
    const auto sync = static_cast<std::uint64_t>(abi::StdFsCallKind::kFsync);
    const auto chmod = static_cast<std::uint64_t>(abi::StdFsCallKind::kFchmod);
    constexpr int kNotify = static_cast<int>(CqeOpcode::kRespondAndNotifyOnDetach);
    CHECK(ask(request(Opcode::kStdFsCall, 1, {8, 0, 0, sync})).flags == 0);
    CHECK(ask(request(Opcode::kStdFsCall, 1, {8, 0, 0, lock, 10 | kHigh, 20})).flags == kNotify);
    CHECK(scheme.last_lock.start == 10);
    CHECK(scheme.last_lock.open_file);
    CHECK(!scheme.last_lock.exclusive);
    CHECK(ask(request(Opcode::kStdFsCall, 1, {8, 0, 0, sync})).flags == kNotify);
    const abi::Cqe refused = ask(request(Opcode::kStdFsCall, 1, {8, 0, 0, chmod}));
    CHECK(refused.flags == kNotify);
    CHECK(error_of(refused) == static_cast<int>(Errno::kEOPNOTSUPP));
    CHECK(ask(request(Opcode::kStdFsCall, 1, {9, 0, 0, sync})).flags == 0);
    tell(request(Opcode::kCloseMsg, 0, {8}));
    CHECK(ask(request(Opcode::kStdFsCall, 1, {8, 0, 0, sync})).flags == 0);
}

TEST_CASE_FIXTURE(Fixture, "a lock in the way comes back in the payload") {
    const auto kind = static_cast<std::uint64_t>(abi::StdFsCallKind::kGetLock);
    std::uint64_t words[2] = {100, 50};
    std::memcpy(transport.memory.data(), words, sizeof words);
    CHECK(error_of(ask(request(Opcode::kStdFsCall, 1, {8, 0, 15, kind}))) ==
          static_cast<int>(Errno::kEINVAL));
    CHECK(ask(request(Opcode::kStdFsCall, 1, {8, 0, 16, kind})).result == 33);
    std::memcpy(words, transport.memory.data(), sizeof words);
    CHECK(words[0] == 101);
    CHECK(words[1] == (50 | std::uint64_t{1} << 63));
}

TEST_CASE_FIXTURE(Fixture, "descriptors are given in the number that was asked for") {
    const abi::Cqe one = ask(request(Opcode::kRecvfd, 1, {8, 0, 1}));
    CHECK(one.flags == static_cast<int>(CqeOpcode::kRespondWithMultipleFds));
    CHECK(transport.attached == 1);
    CHECK(error_of(ask(request(Opcode::kRecvfd, 1, {8, 0, 2}))) == static_cast<int>(Errno::kEINVAL));
    CHECK(transport.attached == 1);
    transport.sent = 2;
    CHECK(error_of(ask(request(Opcode::kSendfd, 1, {8, 0, 0, 1}))) == static_cast<int>(Errno::kEINVAL));
}

TEST_CASE_FIXTURE(Fixture, "who hangs up closes what he opened, as often as he did, and cancels what waits") {
    scheme.value = 12;
    (void)ask(request(Opcode::kOpenAt, 1));
    (void)ask(request(Opcode::kOpenAt, 1));
    scheme.value = 13;
    (void)ask(request(Opcode::kOpenAt, 1));
    tell(request(Opcode::kCloseMsg, 0, {12}));
    scheme.ready = false;
    tell(request(Opcode::kRead, 5, {12, 0, 10}));
    dispatcher.hang_up();
    CHECK(scheme.closes == std::map<Id, int>{{12, 2}, {13, 1}});
    CHECK(scheme.cancels == std::vector<std::uint64_t>{5});
    CHECK(dispatcher.waiting() == 0);
    CHECK(transport.completions.empty());
}

TEST_CASE_FIXTURE(Fixture, "descriptors wait with the request they came with (waiting-sendfd-loses-them)") {
    const abi::Sqe send = request(Opcode::kSendfd, 1, {8, 0, 0, 2});
    transport.sent = 2;
    scheme.ready = false;
    tell(send);
    CHECK(transport.completions.empty());
    // They can be fetched once.
    transport.sent = 0;
    tell(request(Opcode::kFsync, 2));
    REQUIRE(transport.completions.size() == 2);
    CHECK(transport.completions[1].tag == 1);
    CHECK(transport.completions[1].result == 2);
    CHECK(scheme.taken == 2);

    // Those of a caller who gave up are not for the next with its tag.
    transport.completions.clear();
    transport.sent = 2;
    scheme.ready = false;
    tell(send);
    CHECK(error_of(ask(request(Opcode::kCancel, 1))) == static_cast<int>(Errno::kECANCELED));
    scheme.ready = true;
    transport.sent = 1;
    CHECK(ask(request(Opcode::kSendfd, 1, {8, 0, 0, 1})).result == 1);
}

TEST_CASE_FIXTURE(Fixture, "a server serves until there is nothing to come") {
    transport.queue.push_back(request(Opcode::kFsize, 1));
    transport.queue.push_back(request(Opcode::kFsize, 2));
    CHECK(dispatcher.serve() == Errno::kENODEV);
    CHECK(transport.completions.size() == 2);
}

}  // namespace halfcell::server
