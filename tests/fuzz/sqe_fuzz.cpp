// links: halfcell_schemes_manager halfcell_test_support
// inputs: 1500
//
// What readers of a scheme socket may do: buffers of any size, at addresses that are there in part or not at
// all, with and without waiting, two at once on threads of their own, through copies of the descriptor that
// are closed meanwhile, interrupted and killed. Whatever they do: every request is read once, whole and in
// order, a read that failed has taken nothing, and no byte is written past what a read says.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "abi/error.h"
#include "abi/flags.h"
#include "abi/scheme_msg.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/scheme_world.h"

namespace {

using namespace halfcell;
using namespace halfcell::fuzz;

constexpr int kMostActions = 120;
constexpr HandleNumber kHandle{42};
constexpr std::uint64_t kHoles = 0x200000;  // every second page is there
constexpr std::uint64_t kHolePages = 8;
constexpr std::uint64_t kReadOnlyPage = 0x300000;
std::uint64_t requests_read = 0;
std::uint64_t reads_made = 0;

class Actor {
  public:
    Actor(World& world, const Input& input) : world_(world), input_(input) {
        using mem::Placement;
        const auto map = [&](std::uint64_t address, bool writable) {
            HC_CHECK(world_.server->space->map({.address = address,
                                                .size = machine::kPageSize,
                                                .placement = Placement::kFixed,
                                                .protection = {.write = writable}},
                                               {}),
                     "no memory for a reader");
        };
        for (std::uint64_t page = 0; page < kHolePages; page += 2)
            map(kHoles + page * machine::kPageSize, true);
        map(kReadOnlyPage, false);
        copies_.push_back(world_.socket_description());
    }

    void act() {
        const std::uint8_t choice = input_.byte();
        if (choice < 90) return ask_many();
        if (choice < 200) return read_many();
        if (choice < 215) return answer_some();
        if (choice < 235) return two_readers();
        if (choice < 250) return read_elsewhere();
        close_or_copy();
    }
    [[nodiscard]] bool done() const { return input_.empty(); }

  private:
    using Bytes = std::vector<std::byte>;

    // A socket is open as long as one descriptor of it is.
    [[nodiscard]] bool closed() const { return copies_.empty(); }
    void close_or_copy() {
        if (closed()) return;
        if (input_.chance(60))
            copies_.push_back(copies_.back());
        else
            copies_.pop_back();
    }

    // Requests of every kind with a buffer or without, by callers that are killed while they wait, and
    // messages that have no answer.
    void ask() {
        Party& client = *world_.clients[input_.byte() % world_.clients.size()];
        const auto user = world_.user;
        const std::uint64_t size = input_.byte() * std::uint64_t{67};
        const auto in = mem::UserIn::create(*client.space, kBuffer, size);
        const auto out = mem::UserOut::create(*client.space, kBuffer, size);
        HC_CHECK(in && out, "a client's buffer is there");
        const std::uint64_t argument = input_.word();
        const auto start = [&](auto call) { call_here(client.caller(), input_.chance(20), call, [] {}); };
        switch (input_.byte() % 7) {
            case 0:
                return start([&](auto caller) { (void)user->read_at(caller, kHandle, *out, argument, {}); });
            case 1:
                return start([&](auto caller) { (void)user->write_at(caller, kHandle, *in, argument, {}); });
            case 2:
                return start([&](auto caller) { (void)user->openat(caller, kHandle, "name", argument, 0); });
            case 3:
                return start([&](auto caller) { (void)user->fsize(caller, kHandle); });
            case 4:
                return (void)user->close(HandleNumber{argument});
            case 5:
                return (void)user->detach(kHandle, static_cast<std::uint32_t>(argument));
            default:
                return start([&](auto caller) { (void)user->fevent(caller, kHandle, argument); });
        }
    }
    void ask_many() {
        const Burst burst(input_);
        const Input whole = std::exchange(input_, burst.input());
        for (int count = input_.byte() % 64; count > 0; --count)
            ask();
        input_ = whole;
    }
    void read_many() {
        const Burst burst(input_);
        const Input whole = std::exchange(input_, burst.input());
        for (int count = 1 + input_.byte() % 32; count > 0; --count)
            read_once();
        input_ = whole;
    }

    std::uint64_t any_size() {
        constexpr std::uint64_t kRecord = sizeof(abi::Sqe);
        const std::uint8_t choice = input_.byte();
        if (choice < 120) return input_.byte() % 5 * kRecord;
        if (choice < 190) return input_.byte() % 200U;
        if (choice < 230) return input_.byte() * std::uint64_t{131};
        if (choice < 250) return kRecord * (1 + input_.byte() % 4) + (input_.chance(50) ? 1 : UINT64_MAX);
        return input_.word();
    }
    std::uint64_t any_address() {
        const std::uint8_t choice = input_.byte();
        if (choice < 110) return kBuffer + input_.byte() * std::uint64_t{61};
        if (choice < 170) return kHoles + input_.byte() * std::uint64_t{127};
        if (choice < 200) return kReadOnlyPage - 64 + input_.byte();
        if (choice < 240) return kBuffer + kBufferSize - input_.byte();
        return input_.word();
    }
    // The bytes of the server's from an address on, as far as they are there.
    Bytes bytes_at(std::uint64_t address, std::uint64_t size) {
        Bytes bytes(size);
        return world_.server->space->read(address, bytes) ? bytes : Bytes{};
    }

    // A read without waiting, by the same server or somebody with a copy of its socket. What it says has to
    // be what it did.
    void read_once() {
        ++reads_made;
        const std::uint64_t size = any_size();
        const std::uint64_t address = any_address();
        const auto to = mem::UserOut::create(*world_.server->space, address, size);
        if (!to) return;
        const std::uint64_t looked_at = std::min<std::uint64_t>(size, 16384) + 64;
        const Bytes before = bytes_at(address, looked_at);
        const bool queued = world_.user->channel().readable();
        const auto read = world_.manager->read_at(world_.server->caller(), world_.socket, *to, input_.word(),
                                                  {.call = abi::OpenFlags::kNonblock});
        if (closed()) {
            HC_CHECK(!read, "a closed socket answers");
            return;
        }
        const bool still_queued = world_.user->channel().readable();
        if (!read) {
            HC_CHECK(queued == still_queued, "a failed read took something");
            const bool expected = queued ? read.error() == Errno::kEFAULT
                                         : read.error() == Errno::kEAGAIN || read.error() == Errno::kEINVAL;
            HC_CHECK(expected, "a read failed for another reason");
            return;
        }
        HC_CHECK(*read <= size, "more was read than there is room for");
        HC_CHECK(*read != 0 || size == 0, "nothing was read, and that called a success");
        const Bytes after = bytes_at(address, *read);
        HC_CHECK(after.size() == *read, "what was read is not there");
        if (!before.empty() && *read < looked_at) {
            const Bytes whole = bytes_at(address, looked_at);
            HC_CHECK(std::equal(whole.begin() + static_cast<std::ptrdiff_t>(*read), whole.end(),
                                before.begin() + static_cast<std::ptrdiff_t>(*read)),
                     "a byte was written past the end");
        }
        take(after);
    }
    // Whole records are gone from the queue, and those that were cut off come again.
    void take(const Bytes& bytes) {
        for (std::size_t at = 0; at + sizeof(abi::Sqe) <= bytes.size(); at += sizeof(abi::Sqe)) {
            abi::Sqe sqe{};
            std::memcpy(&sqe, bytes.data() + at, sizeof sqe);
            if (!cut_off_.empty()) {
                HC_CHECK(std::equal(cut_off_.begin(), cut_off_.end(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(at)),
                         "a record that was cut off came as another one");
                cut_off_.clear();
            }
            saw(sqe);
        }
        const std::size_t rest = bytes.size() % sizeof(abi::Sqe);
        if (rest == 0) return;
        const auto from = bytes.end() - static_cast<std::ptrdiff_t>(rest);
        if (!cut_off_.empty() && bytes.size() == rest) {
            const std::size_t common = std::min(rest, cut_off_.size());
            HC_CHECK(std::equal(from, from + static_cast<std::ptrdiff_t>(common), cut_off_.begin()),
                     "a record that was cut off came as another one");
        }
        cut_off_.assign(from, bytes.end());
    }
    void saw(const abi::Sqe& sqe) {
        ++requests_read;
        HC_CHECK(sqe.opcode <= static_cast<int>(abi::Opcode::kDetach), "a request that nobody made");
        const bool message = (sqe.sqe_flags & abi::SqeFlags::kOneway) != 0 ||
                             sqe.opcode == static_cast<int>(abi::Opcode::kCloseMsg) ||
                             sqe.opcode == static_cast<int>(abi::Opcode::kDetach) ||
                             sqe.opcode == static_cast<int>(abi::Opcode::kCancel);
        if (message) return;
        HC_CHECK(std::find(waiting_.begin(), waiting_.end(), sqe.tag) == waiting_.end(),
                 "a tag was given twice");
        waiting_.push_back(sqe.tag);
    }
    void answer_some() {
        for (int count = input_.byte(); count > 0 && !waiting_.empty() && !closed(); --count) {
            const std::uint32_t tag = waiting_.front();
            waiting_.pop_front();
            const abi::Cqe cqe{.tag = tag, .result = input_.byte()};
            HC_CHECK(world_.manager->write(world_.server->caller(), world_.socket,
                                           mem::UserIn::local(std::as_bytes(std::span(&cqe, 1))), {}),
                     "an answer to a request that was read is taken");
        }
    }

    // Two readers that wait, in odd pieces, while requests come: each gets to exactly one. They are
    // interrupted or killed when nothing comes any more.
    void two_readers() {
        if (closed()) return;
        read_up();
        std::mutex mutex;
        std::vector<Bytes> pieces;
        const auto reader = [&](std::uint64_t size) {
            return [&, size, copy = copies_.back()](const scheme::Caller& caller) {
                for (;;) {
                    Bytes bytes(size);
                    const auto read =
                        (*copy->scheme())->read_at(caller, copy->number(), mem::UserOut::local(bytes), 0, {});
                    if (!read) return;
                    bytes.resize(*read);
                    const std::lock_guard lock(mutex);
                    pieces.push_back(std::move(bytes));
                }
            };
        };
        const std::uint64_t first_size = (1 + input_.byte() % 4) * sizeof(abi::Sqe);
        const std::uint64_t second_size = (1 + input_.byte() % 4) * sizeof(abi::Sqe);
        {
            const auto first = world_.party();
            const auto second = world_.party();
            first->start([&, read = reader(first_size)] { read(first->caller()); });
            second->start([&, read = reader(second_size)] { read(second->caller()); });
            ask_many();
            while (world_.user->channel().readable())
                std::this_thread::yield();
            // Closed in the middle: the readers have what they read from.
            if (input_.chance(10)) copies_.clear();
            for (Party* const party : {first.get(), second.get()}) {
                party->settle();
                if (input_.chance(50))
                    party->context->waiter().kill();
                else
                    (void)party->context->waiter().interrupt();
            }
            // Party's end waits for its call's.
            first->context->waiter().kill();
            second->context->waiter().kill();
        }
        for (const Bytes& piece : pieces) {
            HC_CHECK(piece.size() % sizeof(abi::Sqe) == 0, "a piece of a request");
            take(piece);
        }
    }
    void read_up() {
        cut_off_.clear();
        std::array<abi::Sqe, 16> sqes{};
        const auto bytes = std::as_writable_bytes(std::span(sqes));
        while (const auto read =
                   world_.manager->read_at(world_.server->caller(), world_.socket, mem::UserOut::local(bytes),
                                           0, {.call = abi::OpenFlags::kNonblock}))
            for (std::size_t i = 0; i < *read / sizeof(abi::Sqe); ++i)
                saw(sqes[i]);
    }
    // A reader that has a copy of the descriptor and no rights to anything else, and numbers that are no
    // sockets.
    void read_elsewhere() {
        const HandleNumber other{input_.chance(50) ? input_.byte() % 64U : input_.word()};
        if (other == world_.socket) return;
        const auto to = mem::UserOut::create(*world_.server->space, any_address(), any_size());
        if (!to) return;
        const auto read = world_.manager->read_at(world_.clients[0]->caller(), other, *to, 0,
                                                  {.call = abi::OpenFlags::kNonblock});
        HC_CHECK(!read, "something else than the socket was read");
    }

    World& world_;
    Input input_;
    std::deque<std::uint32_t> waiting_;  // tags read and not answered
    Bytes cut_off_;                      // the front of the next record, where a read got no more
    std::vector<scheme::DescriptionRef> copies_;
};

void report() {
    std::printf("%llu requests read, in %llu reads\n", static_cast<unsigned long long>(requests_read),
                static_cast<unsigned long long>(reads_made));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int registered = std::atexit(report);
    World world;
    Actor actor(world, Input(data, size));
    for (int i = 0; i < kMostActions && !actor.done(); ++i)
        actor.act();
    return 0;
}
