// links: halfcell_host_server halfcell_test_support
// inputs: 4000
//
// What a server of the host may do to the supervisor and to its clients over the memory they share: answers
// of any bytes for tags that wait and tags that never were, counters that jump, go back or claim too much,
// slots that change after they were published and while they are read, packets of every kind and size with
// files that no guest may have, buffers that change, and a hang-up at any moment. Whatever it does: nothing
// may crash or hang, every client gets a value or an errno, and at the end no request, no memory and no
// descriptor is left.

#include <fcntl.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "abi/error.h"
#include "abi/flags.h"
#include "abi/scheme_msg.h"
#include "tests/fuzz/host_files.h"
#include "tests/fuzz/ring_world.h"

namespace {

using namespace halfcell;
using namespace halfcell::fuzz;
using server::Packet;
using server::PacketKind;

constexpr int kMostActions = 120;
constexpr std::uint64_t kPages = 8;
std::uint64_t answers_made = 0;
std::uint64_t packets_sent = 0;
std::uint64_t calls_made = 0;
std::uint64_t calls_well = 0;

class Actor {
  public:
    Actor(RingWorld& world, const Files& files, const Input& input)
        : world_(world), files_(files), input_(input) {}

    void act() {
        const std::uint8_t choice = input_.byte();
        if (choice < 110) {
            call();
        } else if (choice < 235) {
            act_as_server();
        } else if (choice < 252) {
            use_what_was_given();
        } else {
            scribble_meanwhile();
        }
        world_.serve();
        for (const auto& client : world_.clients)
            client->settle();
        if (!world_.lost) return;
        given_.clear();
        world_.end_connection();
        world_.connect();
        tags_.clear();
        made_ = taken_ = 0;
    }
    [[nodiscard]] bool done() const { return input_.empty(); }
    void let_go() { given_.clear(); }

  private:
    // --- a client

    void call() {
        Party& client = *world_.clients[input_.byte() % world_.clients.size()];
        if (client.busy() || serving_) return;
        const std::uint64_t size = input_.byte() * std::uint64_t{67};
        const std::uint64_t argument = input_.byte();
        const auto user = world_.scheme;
        const HandleNumber handle{42};
        const auto in = mem::UserIn::create(*client.space, kBuffer, size);
        const auto out = mem::UserOut::create(*client.space, kBuffer, size);
        const auto both = mem::UserInOut::create(*client.space, kBuffer, size);
        HC_CHECK(in && out && both, "a client's buffer is there");
        ++calls_made;
        const scheme::Caller self = client.caller();
        const bool own_thread = input_.chance(4);
        const auto start = [&](auto ask) {
            if (own_thread) return client.start([=]() mutable { (void)ask(self); });
            serving_ = true;
            call_here(
                self, input_.chance(20),
                [&](const scheme::Caller& caller) {
                    if (ask(caller)) ++calls_well;
                },
                [this] { answer(); });
            serving_ = false;
        };
        switch (input_.byte() % 12) {
            case 0:
            case 1:
            case 2:
                return start([=, this, own = !own_thread](auto caller) {
                    return keep(user->openat(caller, handle, "name", argument, 0), own);
                });
            case 3:
                return start([=](auto caller) {
                    const auto read = user->read_at(caller, handle, *out, argument, {});
                    HC_CHECK(!read || *read <= size, "more was read than there is room for");
                    return read;
                });
            case 4:
                return start([=](auto caller) {
                    const auto written = user->write_at(caller, handle, *in, argument, {});
                    HC_CHECK(!written || *written <= size, "more was written than there is");
                    return written;
                });
            case 5:
                return start([=](auto caller) { return user->getdents(caller, handle, *out, 8, argument); });
            case 6:
                return start([=](auto caller) { return user->call(caller, handle, *both, 0, {}); });
            case 7:
                return start([=, sent = any_descriptions()](auto caller) mutable {
                    return user->fd_write(caller, handle, std::move(sent), argument, 5, {});
                });
            case 8:
                return start(
                    [=, this, own = !own_thread, room = input_.byte() % 4 * std::uint64_t{8}](auto caller) {
                        auto got = user->fd_read(caller, handle, room, 0, {});
                        if (got && own)
                            for (auto& description : *got)
                                given_.push_back(std::move(description));
                        return got;
                    });
            case 9:
                return start([=](auto caller) { return user->fstat(caller, handle, *out); });
            case 10:
                return start([=](auto caller) { return user->dup(caller, handle, *in); });
            default:
                return start(
                    [space = client.space, user, root = world_.root, handle, map = any_map()](auto caller) {
                        return user->fmap(caller, handle, root, *space, map, false);
                    });
        }
    }
    Result<void> keep(Result<scheme::OpenResult> opened, bool own) {
        if (!opened) return fail(opened.error());
        if (auto* const description = std::get_if<scheme::DescriptionRef>(&*opened); description && own)
            given_.push_back(std::move(*description));
        return {};
    }
    std::vector<scheme::DescriptionRef> any_descriptions() {
        std::vector<scheme::DescriptionRef> list;
        for (int count = input_.byte() % 4; count > 0; --count)
            list.push_back(world_.open());
        return list;
    }
    abi::Map any_map() {
        constexpr std::uint64_t kFlags[] = {abi::MapFlags::kMapShared, abi::MapFlags::kMapPrivate,
                                            abi::MapFlags::kMapShared | abi::MapFlags::kProtWrite,
                                            abi::MapFlags::kMapPrivate | abi::MapFlags::kProtWrite};
        return {.offset = input_.byte() % 4 * machine::kPageSize,
                .size = 1 + input_.byte() * std::uint64_t{97},
                .flags = input_.one_of(kFlags) | abi::MapFlags::kProtRead,
                .address = 0};
    }
    // A client reads, writes and maps the files it got.
    void use_what_was_given() {
        while (given_.size() > 24)
            given_.erase(given_.begin());
        if (given_.empty()) return;
        const auto description = given_[input_.byte() % given_.size()];
        if (description->scheme_id() != world_.files()->id()) return;
        Party& client = *world_.clients[0];
        const auto files = world_.files();
        const HandleNumber number = description->number();
        wait::Waiter waiter;
        const scheme::Caller own = client.caller();
        const scheme::Caller caller{own.context, own.pid, own.uid, own.gid, waiter};
        const std::uint64_t offset = description->positioned() ? input_.byte() : scheme::kNoOffset;
        const scheme::TransferFlags flags{.call = abi::OpenFlags::kNonblock};
        const auto in = mem::UserIn::create(*client.space, kBuffer, input_.byte());
        const auto out = mem::UserOut::create(*client.space, kBuffer, input_.byte());
        switch (input_.byte() % 5) {
            case 0:
                return (void)files->read_at(caller, number, *out, offset, flags);
            case 1:
                return (void)files->write_at(caller, number, *in, offset, flags);
            case 2:
                return (void)files->fstat(caller, number, *out);
            case 3:
                return (void)files->fevent(caller, number, input_.byte() % 4);
            default:
                return (void)files->fmap(caller, number, description, *client.space, any_map(), false);
        }
    }

    // --- the server

    // While a client waits on this thread, who has not let its request go yet.
    void answer() {
        world_.serve();
        for (int acts = 1 + input_.byte() % 4; acts > 0; --acts)
            act_as_server();
        world_.serve();
    }
    void act_as_server() {
        take_requests();
        act_as_server(input_.byte());
        ring();
    }
    void act_as_server(std::uint8_t choice) {
        if (choice < 150) return answer_many();
        if (choice < 205) return send_packet();
        if (choice < 215) return jump();
        if (choice < 225) return scribble_slots();
        if (choice < 235) return scribble_buffers();
        if (choice < 250)
            return world_.server->answers->sleep.store(static_cast<server::Sleep>(input_.byte() % 4));
        if (choice < 253) world_.server->hang_up();
    }
    // For a client who takes answers itself; the supervisor's thread looks anyway.
    void ring() {
        if (world_.server->requests->sleep.load() == server::Sleep::kOnBell && !input_.chance(5))
            world_.server->ring_bell();
    }
    // What has come, as far as it is believable even to a server: it takes the requests or leaves them.
    void take_requests() {
        const server::RequestPage& page = *world_.server->requests;
        const std::uint32_t produced = page.produced.load();
        for (; taken_ != produced; ++taken_)
            tags_.push_back(page.requests[taken_ % server::kRequestSlots].tag);
        while (tags_.size() > 16)
            tags_.erase(tags_.begin());
        if (input_.chance(90)) world_.server->answers->requests_consumed.store(taken_);
    }
    std::uint32_t any_tag() {
        if (tags_.empty() || input_.chance(15))
            return static_cast<std::uint32_t>(input_.chance(50) ? input_.byte() % 8U : input_.word());
        return tags_[input_.byte() % tags_.size()];
    }
    std::uint64_t any_result() {
        const std::uint8_t choice = input_.byte();
        if (choice < 60) return input_.byte() % 32U;
        if (choice < 110) return server::kTokenBit | input_.byte() % 24U;
        if (choice < 130) return server::kTokenBit | input_.word();
        if (choice < 170) return input_.byte() * std::uint64_t{67};
        if (choice < 190) return input_.byte() % 8U * machine::kPageSize;
        if (choice < 225) return abi::mux_error(static_cast<Errno>(input_.byte() % 140U));
        return input_.word();
    }
    void answer_many() {
        const Burst burst(input_);
        const Input whole = std::exchange(input_, burst.input());
        server::AnswerPage& page = *world_.server->answers;
        for (int count = 1 + input_.byte() % 40; count > 0; --count) {
            abi::Cqe cqe{
                .flags = input_.chance(95) ? static_cast<std::uint8_t>(input_.byte() % 8) : input_.byte(),
                .tag = any_tag(),
                .result = any_result()};
            for (std::uint8_t& extra : cqe.extra_raw)
                extra = input_.chance(70) ? std::uint8_t{0} : static_cast<std::uint8_t>(input_.byte() % 5);
            std::memcpy(&page.answers[made_++ % server::kAnswerSlots], &cqe, sizeof cqe);
            ++answers_made;
        }
        page.produced.store(made_);
        input_ = whole;
    }
    void jump() {
        server::AnswerPage& page = *world_.server->answers;
        std::atomic<std::uint32_t>& counter = input_.chance(50) ? page.produced : page.requests_consumed;
        const std::uint8_t choice = input_.byte();
        if (choice < 60)
            counter.fetch_add(input_.byte());
        else if (choice < 120)
            counter.fetch_sub(input_.byte() % 4U);
        else if (choice < 180)
            counter.fetch_add(server::kAnswerSlots + input_.byte() % 3U - 1);
        else
            counter.store(static_cast<std::uint32_t>(input_.word()));
        made_ = page.produced.load();
    }
    void scribble_slots() {
        server::AnswerPage& page = *world_.server->answers;
        for (int count = input_.byte() % 32; count > 0; --count) {
            const std::uint64_t word = input_.word();
            std::memcpy(reinterpret_cast<std::byte*>(page.answers) + input_.byte() * std::size_t{8}, &word,
                        8);
        }
    }
    void scribble_buffers() {
        for (int count = input_.byte() % 32; count > 0; --count)
            world_.server->buffers[input_.byte() * std::size_t{293}] = std::byte{input_.byte()};
        // Pages that are taken out read as zero, whoever looks.
        if (input_.chance(20))
            (void)::fallocate(world_.server->regions[2].get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                              kPages * 4096);
    }
    void send_packet() {
        ++packets_sent;
        std::array<int, 6> files{};
        for (int& file : files)
            file = input_.chance(85) ? files_.any(input_)
                                     : world_.server->regions[input_.byte() % server::kRegions].get();
        const Packet packet{
            .kind = static_cast<PacketKind>(input_.chance(95) ? 3 + input_.byte() % 2 : input_.byte()),
            .tag = any_tag(),
            .value = input_.byte()};
        const bool descriptor = packet.kind == PacketKind::kDescriptor;
        std::size_t count = descriptor ? 1 : 0;
        std::size_t size = sizeof packet;
        if (input_.chance(2)) count = input_.byte() % files.size();
        if (input_.chance(2)) size = input_.byte() % (sizeof packet + 2);
        std::array<std::byte, sizeof packet + 8> bytes{};
        std::memcpy(bytes.data(), &packet, sizeof packet);
        (void)send_with_files(world_.socket, std::span(bytes).first(size), std::span(files).first(count));
        if (!descriptor || !input_.chance(70)) return;
        // With the answer that names it, and sometimes another one.
        const std::uint8_t opcodes[] = {2, 2, server::kMoveFd};
        const abi::Cqe cqe{.flags = input_.one_of(opcodes), .tag = packet.tag, .result = 0};
        server::AnswerPage& page = *world_.server->answers;
        std::memcpy(&page.answers[made_++ % server::kAnswerSlots], &cqe, sizeof cqe);
        page.produced.store(made_);
        ++answers_made;
    }
    // The whole answer page changes while the supervisor reads it.
    void scribble_meanwhile() {
        std::atomic<bool> stop{false};
        const auto scribble = [this, &stop, state = input_.word() | 1, produced = made_]() mutable {
            server::AnswerPage& page = *world_.server->answers;
            auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(page.answers);
            while (!stop.load(std::memory_order_relaxed)) {
                state = state * 6364136223846793005U + 1442695040888963407U;
                words[(state >> 33) % (2 * server::kAnswerSlots)].store(state, std::memory_order_relaxed);
                if (state >> 60 == 0) page.produced.store(produced += 7);
            }
        };
        std::thread scribbler;
        try {
            scribbler = std::thread(scribble);
        } catch (const std::system_error&) {
            return;  // the machine is full
        }
        for (int rounds = 0; rounds < 64 && !world_.lost; ++rounds)
            world_.serve();
        stop.store(true);
        scribbler.join();
        made_ = world_.server->answers->produced.load();
    }

    RingWorld& world_;
    const Files& files_;
    Input input_;
    std::vector<std::uint32_t> tags_;
    std::vector<scheme::DescriptionRef> given_;  // to clients
    std::uint32_t made_ = 0;
    std::uint32_t taken_ = 0;
    bool serving_ = false;  // a client waits on this thread
};

void report() {
    std::printf("%llu answers, %llu packets, %llu calls, %llu of them answered well\n",
                static_cast<unsigned long long>(answers_made), static_cast<unsigned long long>(packets_sent),
                static_cast<unsigned long long>(calls_made), static_cast<unsigned long long>(calls_well));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int registered = std::atexit(report);
    static const Files files;
    static const std::size_t open_before = files_open();
    {
        RingWorld world;
        Actor actor(world, files, Input(data, size));
        for (int i = 0; i < kMostActions && !actor.done(); ++i)
            actor.act();
        actor.let_go();
    }
    HC_CHECK(files_open() == open_before, "a descriptor was left behind");
    return 0;
}
