// links: halfcell_schemes_manager halfcell_test_support
// inputs: 4000
//
// What a scheme's server may do to the kernel and to its clients: completions of any bytes, for tags that
// wait and tags that never were, descriptors sent, fetched, put back and minted at random, memory taken away,
// clients that are interrupted and killed meanwhile, and the end of the server. Whatever it does: nothing may
// crash or hang, every client gets a value or an errno, and at the end no request, no memory and no
// descriptor is left.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/data.h"
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
std::uint64_t completions = 0;
std::uint64_t accepted = 0;

class Actor {
  public:
    Actor(World& world, const Input& input) : world_(world), input_(input) {}

    void act() {
        const std::uint8_t choice = input_.byte();
        if (choice < 110) return start_call();
        if (choice < 225) return act_as_server();
        if (choice < 240) return disturb_client();
        if (choice < 254) return unmap_by_client();
        world_.close_socket();
    }
    [[nodiscard]] bool done() const { return input_.empty(); }
    void settle() {
        for (const auto& client : world_.clients)
            client->settle();
    }

  private:
    using Descriptions = std::vector<scheme::DescriptionRef>;

    std::uint64_t any_address() {
        const std::uint64_t near = kBuffer + input_.byte() * std::uint64_t{137};
        return input_.chance(90) ? near : input_.word();
    }
    std::uint64_t any_page() { return machine::page_round_down(any_address()); }
    std::uint64_t any_tag() {
        if (tags_.empty() || input_.chance(15)) return input_.chance(50) ? input_.byte() % 8U : input_.word();
        return tags_[input_.byte() % tags_.size()];
    }
    std::uint64_t any_result() {
        const std::uint8_t choice = input_.byte();
        if (choice < 90) return input_.byte() % 32U;
        if (choice < 140) return any_page();
        if (choice < 170) return any_address();
        if (choice < 220) return abi::mux_error(static_cast<Errno>(input_.byte() % 140U));
        return input_.word();
    }
    Descriptions any_descriptions() {
        Descriptions list;
        for (int count = input_.byte() % 4; count > 0; --count)
            list.push_back(world_.open());
        return list;
    }

    void act_as_server() {
        const std::uint8_t choice = input_.byte();
        if (choice < 40) return receive();
        if (choice < 160) return complete_many();
        if (choice < 200) return exchange_descriptors();
        if (choice < 215) return mint();
        if (choice < 235) return change_memory();
        return add_descriptor();
    }

    void start_call() {
        Party& client = *world_.clients[input_.byte() % world_.clients.size()];
        if (client.busy()) return;
        const std::uint64_t address = any_address();
        const std::uint64_t size = input_.byte() * std::uint64_t{67};
        const std::uint64_t argument = input_.byte();
        mem::AddressSpace& space = *client.space;
        const auto user = world_.user;
        const auto in = mem::UserIn::create(space, address, size);
        const auto out = mem::UserOut::create(space, address, size);
        const auto both = mem::UserInOut::create(space, address, size);
        if (!in || !out || !both) return;
        const scheme::Caller self = client.caller();
        // Threads cost more than everything else here, so few calls get one.
        const bool own_thread = !serving_ && input_.chance(5);
        const auto start = [&](auto call) {
            if (own_thread) return client.start([=]() mutable { call(self); });
            if (serving_) return;
            serving_ = true;
            call_here(self, input_.chance(20), call, [this] { serve(); });
            serving_ = false;
        };
        switch (input_.byte() % 16) {
            case 0:
                return start([=](auto caller) { (void)user->openat(caller, kHandle, "name", argument, 0); });
            case 1:
                return start([=](auto caller) { (void)user->dup(caller, kHandle, *in); });
            case 2:
                return start([=](auto caller) { (void)user->read_at(caller, kHandle, *out, argument, {}); });
            case 3:
                return start([=](auto caller) { (void)user->write_at(caller, kHandle, *in, argument, {}); });
            case 4:
                return start([=](auto caller) { (void)user->fstat(caller, kHandle, *out); });
            case 5:
                return start([=](auto caller) { (void)user->fpath(caller, kHandle, *out); });
            case 6:
                return start([=](auto caller) { (void)user->getdents(caller, kHandle, *out, 8, argument); });
            case 7:
                return start([=](auto caller) { (void)user->fevent(caller, kHandle, argument); });
            case 8:
                return start([=](auto caller) { (void)user->call(caller, kHandle, *both, 0, {}); });
            case 9:
                return start([=](auto caller) {
                    scheme::DetachWish detach{};
                    (void)user->std_fs_call(caller, kHandle, *both, {}, detach);
                });
            case 10:
            case 11:
                return start([=, sent = any_descriptions()](auto caller) mutable {
                    (void)user->fd_write(caller, kHandle, std::move(sent), argument, 5, {});
                });
            case 12:
                return start([=, room = input_.byte() % 4 * std::uint64_t{8}](auto caller) {
                    (void)user->fd_read(caller, kHandle, room, 0, {});
                });
            default:
                return start(
                    [space = client.space, user, file = world_.file(), map = any_map()](auto caller) {
                        (void)user->fmap(caller, kHandle, file, *space, map, false);
                    });
        }
    }
    // What the server does while somebody waits on this thread.
    void serve() {
        if (input_.chance(80)) receive();
        for (int acts = input_.byte() % 4; acts > 0; --acts)
            act_as_server();
    }
    abi::Map any_map() {
        constexpr std::uint64_t kFlags[] = {abi::MapFlags::kMapShared, abi::MapFlags::kMapPrivate,
                                            abi::MapFlags::kMapShared | abi::MapFlags::kProtWrite,
                                            abi::MapFlags::kMapPrivate | abi::MapFlags::kProtWrite};
        return {.offset = any_page(),
                .size = 1 + input_.byte() * std::uint64_t{97},
                .flags = input_.one_of(kFlags) | abi::MapFlags::kProtRead,
                .address = 0};
    }

    // The server reads requests, as many as fit, and remembers their tags.
    void receive() {
        std::array<abi::Sqe, 4> sqes{};
        const auto bytes =
            std::as_writable_bytes(std::span(sqes)).first(input_.byte() % 5 * sizeof(abi::Sqe));
        const auto size =
            world_.manager->read_at(world_.server->caller(), world_.socket, mem::UserOut::local(bytes), 0,
                                    {.call = abi::OpenFlags::kNonblock});
        if (!size) return;
        HC_CHECK(*size <= bytes.size(), "more was read than there is room for");
        for (std::size_t i = 0; i < *size / sizeof(abi::Sqe); ++i)
            tags_.push_back(sqes[i].tag);
        while (tags_.size() > 16)
            tags_.erase(tags_.begin());
    }
    // A stream of completions. Requests that come meanwhile are read, so that the next ones have tags to hit.
    void complete_many() {
        const Burst burst(input_);
        const Input whole = std::exchange(input_, burst.input());
        for (int rounds = 1 + input_.byte() % 32; rounds > 0; --rounds) {
            complete();
            if (input_.chance(10)) receive();
        }
        input_ = whole;
    }
    // Completions, whole or not, from the server's memory.
    void complete() {
        std::array<abi::Cqe, 3> cqes;
        for (abi::Cqe& cqe : cqes) {
            cqe = {.flags = input_.chance(95) ? static_cast<std::uint8_t>(input_.byte() % 6) : input_.byte(),
                   .tag = static_cast<std::uint32_t>(any_tag()),
                   .result = any_result()};
            for (std::uint8_t& extra : cqe.extra_raw)
                extra = input_.chance(70) ? std::uint8_t{0} : input_.byte();
        }
        const std::uint64_t size =
            input_.chance(90) ? (1 + input_.byte() % 3) * sizeof(abi::Cqe) : input_.byte() % 50U;
        const std::uint64_t address = input_.chance(95) ? kBuffer + kBufferSize - sizeof cqes : any_address();
        (void)world_.server->space->write(address, std::as_bytes(std::span(cqes)));
        const auto from = mem::UserIn::create(*world_.server->space, address, std::min(size, sizeof cqes));
        if (!from) return;
        const auto written = world_.manager->write(world_.server->caller(), world_.socket, *from, {});
        const std::uint64_t taken = written ? *written / sizeof(abi::Cqe) : 0;
        completions += taken + (taken < size / sizeof(abi::Cqe) ? 1 : 0);
        accepted += taken;
    }
    void exchange_descriptors() {
        const std::vector<std::uint64_t> words{input_.byte() % 3U, any_tag(), any_result()};
        const auto metadata = std::span(words).first(input_.chance(95) ? 2 : input_.byte() % 4);
        if (input_.chance(50)) {
            (void)world_.manager->fd_write(world_.server->caller(), world_.socket, any_descriptions(), 0, 0,
                                           metadata);
            return;
        }
        const std::uint64_t room = input_.chance(95) ? input_.byte() % 4 * 8U : input_.word();
        auto got = world_.manager->fd_read(world_.server->caller(), world_.socket, room, 0, metadata);
        if (got && input_.chance(50)) world_.manager->fd_unread(world_.socket, std::move(*got), metadata);
    }
    void mint() {
        abi::NewFdParams params{};
        std::array<std::uint64_t, sizeof params / 8> words{};
        for (std::uint64_t& word : words)
            word = any_result();
        std::memcpy(&params, words.data(), sizeof words);
        if (input_.chance(70)) params.internal_flags = input_.byte() % 2;
        const auto bytes = std::as_bytes(std::span(&params, 1)).first(input_.chance(95) ? sizeof params : 31);
        auto minted = world_.manager->dup(world_.server->caller(), world_.socket, mem::UserIn::local(bytes));
        if (!minted) return;
        if (auto* const description = std::get_if<scheme::DescriptionRef>(&*minted))
            (void)world_.server->files->add({std::move(*description), false});
    }
    void disturb_client() {
        const std::size_t which = input_.byte() % world_.clients.size();
        if (input_.chance(70))
            (void)world_.clients[which]->context->waiter().interrupt();
        else
            world_.kill(which);
    }
    // The server takes its own pages away, and loans with them, or gives itself new ones.
    void change_memory() {
        const machine::PageRange range{any_page(), (1 + input_.byte() % 4) * machine::kPageSize};
        if (input_.chance(50)) {
            (void)world_.server->space->unmap(range);
        } else {
            (void)world_.server->space->map({.address = range.base,
                                             .size = range.size,
                                             .placement = mem::Placement::kFixed,
                                             .protection = {.write = input_.chance(70)}},
                                            {});
        }
    }
    void add_descriptor() {
        const auto numbers = world_.server->files->numbers();
        if (numbers.size() > 16 || (!numbers.empty() && input_.chance(20)))
            (void)world_.server->files->remove(FdNumber{numbers[input_.byte() % numbers.size()]});
        else
            (void)world_.server->files->add({world_.open(), input_.chance(50)});
    }
    // Of a mapped file the server is told, by the client's own thread or by another one.
    void unmap_by_client() {
        Party& client = *world_.clients[input_.byte() % world_.clients.size()];
        std::vector<machine::PageRange> ranges;
        for (const auto& grant : client.space->grants())
            ranges.push_back(grant.range);
        if (ranges.empty()) return;
        machine::PageRange range = ranges[input_.byte() % ranges.size()];
        if (range.base == kBuffer) return;
        if (range.size > machine::kPageSize && input_.chance(50)) range.size = machine::kPageSize;
        if (input_.chance(50)) return (void)client.space->unmap(range);
        client.start([space = client.space, range] { (void)space->unmap(range); });
    }

    World& world_;
    Input input_;
    std::vector<std::uint64_t> tags_;
    bool serving_ = false;  // a caller waits on this thread
};

void report() {
    std::printf("%llu completions, %llu of them accepted\n", static_cast<unsigned long long>(completions),
                static_cast<unsigned long long>(accepted));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int registered = std::atexit(report);
    Input input(data, size);
    World world;
    Actor actor(world, input);
    for (int i = 0; i < kMostActions && !actor.done(); ++i) {
        actor.act();
        actor.settle();
    }
    return 0;
}
