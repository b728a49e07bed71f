#pragma once

// A server and a client, each with an address space and no guest program: what theirs would do is done by
// hand, the client's calls on threads of their own.

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <thread>

#include "abi/scheme_msg.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/task/kernel.h"
#include "kernel_shim/user_scheme/scheme_socket.h"
#include "schemes/manager/scheme_manager.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_scheme.h"

namespace halfcell::test {

constexpr std::uint64_t kPage = machine::kPageSize;

class NoCalls final : public task::CallHandler {
  public:
    std::optional<std::uint64_t> handle(task::Kernel&, task::Context&, const machine::CallTrap&) override {
        return 0;
    }
};

// One guest thread with eight writable pages at `buffer`.
struct Party {
    static constexpr std::uint64_t kPages = 8;

    Party(task::Kernel& kernel, FakePool& pool, FakeMachineFactory& machines)
        : space(mem::AddressSpace::create(pool, machines)),
          files(std::make_shared<fd::FdTable>()),
          context(*kernel.contexts.create(space, files)) {
        buffer = *space->map({.size = kPages * kPage, .protection = {.write = true}}, {});
    }
    [[nodiscard]] scheme::Caller caller() const { return context->caller(); }
    [[nodiscard]] mem::UserIn in(std::uint64_t offset, std::uint64_t size) const {
        return *mem::UserIn::create(*space, buffer + offset, size);
    }
    [[nodiscard]] mem::UserOut out(std::uint64_t offset, std::uint64_t size) const {
        return *mem::UserOut::create(*space, buffer + offset, size);
    }
    [[nodiscard]] mem::UserInOut both(std::uint64_t offset, std::uint64_t size) const {
        return *mem::UserInOut::create(*space, buffer + offset, size);
    }
    void put(std::uint64_t address, std::string_view text) const {
        REQUIRE(space->write(address, std::as_bytes(std::span(text))));
    }
    [[nodiscard]] std::string text(std::uint64_t address, std::size_t size) const {
        std::string bytes(size, '\0');
        const auto read = space->read(address, std::as_writable_bytes(std::span(bytes)));
        return read ? bytes : std::string("error ") + abi::errno_name(read.error());
    }
    [[nodiscard]] std::size_t grants() const { return space->grants().size(); }
    void await_block() const {
        while (context->waiter().reason() == nullptr)
            std::this_thread::yield();
    }

    std::shared_ptr<mem::AddressSpace> space;
    std::shared_ptr<fd::FdTable> files;
    std::shared_ptr<task::Context> context;
    std::uint64_t buffer = 0;
};

// A call of the client's on a thread of its own; `join` gives its result.
template <typename T>
class Pending {
  public:
    template <typename Call>
    explicit Pending(Call call) : thread_([this, call] { result_.emplace(call()); }) {}
    ~Pending() {
        if (thread_.joinable()) thread_.join();
    }
    Result<T> join() {
        thread_.join();
        return std::move(*result_);
    }

  private:
    std::optional<Result<T>> result_;
    std::thread thread_;
};

struct UserSchemeFixture {
    UserSchemeFixture() {
        kernel.schemes.add(scheme::kSchemeManagerId, manager);
        client.context->set_attributes({.pid = 77, .euid = 5, .egid = 6, .name = "client"});
        auto created = manager->dup(server.caller(), HandleNumber{0}, mem::UserIn::local("create-scheme"));
        REQUIRE(created.has_value());
        socket = std::get<scheme::OpenedHandle>(*created).number;
        user = std::static_pointer_cast<user_scheme::UserScheme>(
            *kernel.schemes.find(SchemeId{static_cast<std::uint32_t>(socket.value())}));
    }
    ~UserSchemeFixture() { close_socket(); }
    void close_socket() { (void)manager->close(socket); }

    // The next request, waiting for it.
    abi::Sqe next() {
        abi::Sqe sqe{};
        const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(&sqe, 1)));
        CHECK(manager->read_at(server.caller(), socket, to, scheme::kNoOffset, {}) == 64);
        return sqe;
    }
    bool queued() { return user->channel().readable(); }
    Result<std::uint64_t> complete(const abi::Cqe& cqe) {
        return manager->write(server.caller(), socket, mem::UserIn::local(std::as_bytes(std::span(&cqe, 1))),
                              {});
    }
    Result<std::uint64_t> answer(std::uint32_t tag, std::uint64_t value, std::uint8_t extra = 0) {
        return complete({.extra_raw = {extra}, .tag = tag, .result = value});
    }
    Result<std::uint64_t> answer_error(std::uint32_t tag, Errno error) {
        return answer(tag, abi::mux_error(error));
    }
    Result<std::uint64_t> answer_as(abi::CqeOpcode opcode, std::uint32_t tag, std::uint64_t value) {
        return complete({.flags = static_cast<std::uint8_t>(opcode), .tag = tag, .result = value});
    }

    FakePool pool;
    FakeMachineFactory machines;
    NoCalls calls;
    task::Kernel kernel{pool, machines, calls};
    Party server{kernel, pool, machines};
    Party client{kernel, pool, machines};
    std::shared_ptr<schemes::SchemeManager> manager = std::make_shared<schemes::SchemeManager>(kernel);
    HandleNumber socket;
    std::shared_ptr<user_scheme::UserScheme> user;
};

template <typename T>
std::string error_of(const Result<T>& result) {
    return result ? "ok" : abi::errno_name(result.error());
}

}  // namespace halfcell::test
