#pragma once

// A user scheme with its server and three clients for the fuzz targets. Nobody runs a program: the server's
// calls are made by hand, a client's on a thread of its own, one at a time, or by call_here.

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kernel_shim/base/check.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/task/kernel.h"
#include "kernel_shim/user_scheme/user_scheme.h"
#include "schemes/manager/scheme_manager.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_scheme.h"

namespace halfcell::fuzz {

inline constexpr std::uint64_t kBuffer = 0x100000;
inline constexpr std::uint64_t kBufferSize = 0x8000;
inline constexpr std::uint64_t kPoolLimit = std::uint64_t{32} << 20;

class NoCalls final : public task::CallHandler {
  public:
    std::optional<std::uint64_t> handle(task::Kernel&, task::Context&, const machine::CallTrap&) override {
        return 0;
    }
};

// Makes a call of somebody's on this thread, where it would sleep for its answer. `serve` is what the server
// does meanwhile: it runs once the request is queued. A caller whom it leaves without an answer is killed
// then, and has been interrupted before where `interrupted` says so.
template <typename Call, typename Serve>
void call_here(const scheme::Caller& who, bool interrupted, Call call, Serve serve) {
    wait::Waiter waiter;
    // The channel asks this between the bell and the sleep.
    waiter.set_interruption_check([&] {
        if (waiter.killed()) return false;
        serve();
        waiter.kill();
        return interrupted;
    });
    call(scheme::Caller{who.context, who.pid, who.uid, who.gid, waiter});
}

// One context with memory at kBuffer and a file table.
class Party {
  public:
    Party(task::Kernel& kernel, test::FakePool& pool, test::FakeMachineFactory& machines)
        : space(mem::AddressSpace::create(pool, machines)),
          files(std::make_shared<fd::FdTable>()),
          context(*kernel.contexts.create(space, files)),
          kernel_(kernel) {
        HC_CHECK(space->map({.address = kBuffer,
                             .size = kBufferSize,
                             .placement = mem::Placement::kFixed,
                             .protection = {.write = true}},
                            {}),
                 "no memory for a party");
    }
    ~Party() {
        finish();
        kernel_.contexts.remove(context->id());
    }
    Party(const Party&) = delete;
    Party& operator=(const Party&) = delete;

    [[nodiscard]] scheme::Caller caller() const { return context->caller(); }

    // Makes a call on the thread of the party, where it makes none. Returns when the call has ended or
    // sleeps.
    void start(std::function<void()> call) {
        if (busy()) return;
        done_ = false;
        try {
            thread_ = std::thread([this, call = std::move(call)] {
                context->waiter().adopt_this_thread();
                call();
                done_ = true;
            });
        } catch (const std::system_error&) {
            // The machine is full: a call fewer.
            done_ = true;
        }
        settle();
    }
    // Until its call, if there is one, has ended or sleeps.
    void settle() {
        while (thread_.joinable() && !done_ && context->waiter().reason() == nullptr)
            std::this_thread::yield();
    }
    // Until its call has ended.
    void finish() {
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] bool busy() {
        if (done_) finish();
        return thread_.joinable();
    }

    const std::shared_ptr<mem::AddressSpace> space;
    const std::shared_ptr<fd::FdTable> files;
    const std::shared_ptr<task::Context> context;

  private:
    task::Kernel& kernel_;
    std::thread thread_;
    std::atomic<bool> done_{false};
};

// The kernel of a world, and files of a scheme that it is not about.
class KernelOfWorld {
  public:
    // An open description of some other scheme.
    scheme::DescriptionRef open() { return others_.open(opened_++); }

  protected:
    KernelOfWorld() = default;
    ~KernelOfWorld() = default;

    test::FakePool pool_{kPoolLimit};
    test::FakeMachineFactory machines_;
    NoCalls calls_;
    test::RegisteredScheme<> others_;
    std::uint64_t opened_ = 0;
    task::Kernel kernel_{pool_, machines_, calls_};
};

class World : public KernelOfWorld {
  public:
    World() {
        kernel_.schemes.add(scheme::kSchemeManagerId, manager);
        server = party();
        for (auto& client : clients)
            client = party();
        const auto name = mem::UserIn::local("create-scheme");
        socket =
            std::get<scheme::OpenedHandle>(*manager->dup(server->caller(), HandleNumber{0}, name)).number;
        const SchemeId id{static_cast<std::uint32_t>(socket.value())};
        user = std::static_pointer_cast<user_scheme::UserScheme>(*kernel_.schemes.find(id));
    }
    // Whatever was answered: who waits is told when the server goes, and nothing stays of a request.
    ~World() {
        close_socket();
        for (auto& client : clients)
            client.reset();
        HC_CHECK(user->channel().in_use() == 0, "a request was left behind");
        user.reset();
        server.reset();
        HC_CHECK(others_.scheme->closed().size() == opened_, "a description was lost, or closed twice");
        HC_CHECK(pool_.used() == 0, "memory was left behind");
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void close_socket() { (void)manager->close(socket); }
    // What a descriptor of the socket refers to; the last one closes it.
    [[nodiscard]] scheme::DescriptionRef socket_description() const {
        return scheme::DescriptionRef::create(
            {.scheme = manager, .scheme_id = manager->id(), .number = socket});
    }
    // Another context, with no part in the scheme.
    std::unique_ptr<Party> party() { return std::make_unique<Party>(kernel_, pool_, machines_); }
    // A client is killed, and another takes its place.
    void kill(std::size_t which) {
        clients[which]->context->waiter().kill();
        clients[which].reset();
        clients[which] = party();
    }
    // The scheme's handle, as a description.
    [[nodiscard]] scheme::DescriptionRef file() const {
        return scheme::DescriptionRef::create(
            {.scheme = user, .scheme_id = user->id(), .number = HandleNumber{42}});
    }

    const std::shared_ptr<schemes::SchemeManager> manager = std::make_shared<schemes::SchemeManager>(kernel_);
    std::unique_ptr<Party> server;
    std::array<std::unique_ptr<Party>, 3> clients;
    HandleNumber socket;
    std::shared_ptr<user_scheme::UserScheme> user;
};

}  // namespace halfcell::fuzz
