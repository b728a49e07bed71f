#pragma once

// A kernel with fakes for the host, kernel.proc under its id, and a calling context whose descriptors the
// tests use as a guest would: every call returns what rax would hold, as a signed number.

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <string>

#include "abi/data.h"
#include "abi/flags.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/task/kernel.h"
#include "schemes/kernel/proc/proc_scheme.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_scheme.h"
#include "tests/support/fake_thread.h"

namespace halfcell::test {

// Calls by number, as the test defines them.
class ScriptedCalls : public task::CallHandler {
  public:
    std::optional<std::uint64_t> handle(task::Kernel&, task::Context& context,
                                        const machine::CallTrap& trap) override {
        return bodies.at(trap.number)(context);
    }
    std::map<std::uint32_t, std::function<std::uint64_t(task::Context&)>> bodies;
};

class DescriptionSink : public scheme::EventSink {
  public:
    void deliver(const abi::Event& event) override { events.push_back(event); }
    std::vector<abi::Event> events;
};

constexpr std::int64_t error(Errno code) {
    return -static_cast<std::int64_t>(code);
}

struct ProcFixture {
    static constexpr std::uint64_t kAuthority = abi::kUpperFdtblTag | 9;

    ProcFixture() {
        kernel.schemes.add(SchemeId{9}, proc);
        REQUIRE(caller_context->files()->insert(FdNumber{kAuthority},
                                                {*kernel.schemes.open_root(SchemeId{9}), true}));
        caller_context->set_attributes({.name = "[bootstrap]"});
        self = dup(kAuthority, "cur-context");
    }
    // The test plays the caller's worker, whose last act this is.
    ~ProcFixture() {
        if (caller_context->ending()) caller_context->die(std::nullopt);
    }

    [[nodiscard]] scheme::Caller caller() { return caller_context->caller(); }

    std::int64_t dup(std::int64_t fd, std::string_view name) {
        return value([&]() -> Result<std::uint64_t> {
            const auto base = TRY(caller_context->files()->find(number(fd)));
            scheme::Scheme* const scheme = TRY(base->scheme());
            auto opened = TRY(scheme->dup(caller(), base->number(), mem::UserIn::local(name)));
            auto description = TRY(scheme::describe_opened(*base, std::move(opened), base->flags()));
            const FdNumber added = TRY(caller_context->files()->add({std::move(description)}));
            return added.value();
        });
    }
    std::int64_t read(std::int64_t fd, void* to, std::uint64_t size) {
        return value([&]() -> Result<std::uint64_t> {
            const auto file = TRY(caller_context->files()->find(number(fd)));
            scheme::Scheme* const scheme = TRY(file->scheme());
            const auto out = mem::UserOut::local({static_cast<std::byte*>(to), size});
            const std::uint64_t offset = file->positioned() ? file->offset() : scheme::kNoOffset;
            const std::uint64_t count = TRY(scheme->read_at(caller(), file->number(), out, offset, {}));
            if (file->positioned()) file->advance(count);
            return count;
        });
    }
    std::int64_t write(std::int64_t fd, const void* from, std::uint64_t size) {
        return value([&]() -> Result<std::uint64_t> {
            const auto file = TRY(caller_context->files()->find(number(fd)));
            scheme::Scheme* const scheme = TRY(file->scheme());
            const auto in = mem::UserIn::local({static_cast<const std::byte*>(from), size});
            const std::uint64_t offset = file->positioned() ? file->offset() : scheme::kNoOffset;
            const std::uint64_t count = TRY(scheme->write_at(caller(), file->number(), in, offset, {}));
            if (file->positioned()) file->advance(count);
            return count;
        });
    }
    std::int64_t write_words(std::int64_t fd, std::initializer_list<std::uint64_t> words) {
        return write(fd, std::data(words), words.size() * sizeof(std::uint64_t));
    }
    std::int64_t close(std::int64_t fd) {
        return value([&]() -> Result<std::uint64_t> {
            auto removed = TRY(caller_context->files()->remove(number(fd)));
            TRY(fd::close_descriptor(std::move(removed), 0));
            return 0;
        });
    }
    std::int64_t fmap(std::int64_t fd, const abi::Map& map) {
        return value([&]() -> Result<std::uint64_t> {
            const auto file = TRY(caller_context->files()->find(number(fd)));
            scheme::Scheme* const scheme = TRY(file->scheme());
            return scheme->fmap(caller(), file->number(), file, *caller_context->address_space(), map, false);
        });
    }
    std::int64_t size_of(std::int64_t fd) {
        return value([&]() -> Result<std::uint64_t> {
            const auto file = TRY(caller_context->files()->find(number(fd)));
            return proc->fsize(caller(), file->number());
        });
    }
    // Opens by name, does one thing with it, closes it again.
    std::int64_t write_to(std::int64_t thread, std::string_view name,
                          std::initializer_list<std::uint64_t> words) {
        const std::int64_t fd = dup(thread, name);
        if (fd < 0) return fd;
        const std::int64_t result = write_words(fd, words);
        close(fd);
        return result;
    }
    std::int64_t privileged(std::int64_t thread, std::uint64_t verb) {
        return write_to(thread, "auth-4611686018427387913-status", {verb});
    }
    std::int64_t status(std::int64_t thread) {
        const std::int64_t fd = dup(thread, "status");
        std::uint64_t word = 99;
        const std::int64_t result = read(fd, &word, sizeof word);
        close(fd);
        return result < 0 ? result : static_cast<std::int64_t>(word);
    }
    std::int64_t anonymous(std::uint64_t size, bool write = true,
                           mem::GrantKind kind = mem::GrantKind::kPrivate) {
        return value([&] {
            return caller_context->address_space()->map({.size = size, .protection = {.write = write}},
                                                        {.kind = kind});
        });
    }
    // From now on machines have threads, each played through its script, in the order of their start.
    void give_threads() {
        factory.prepare = [this](FakeMachine& machine) {
            machine.threads = [this](const machine::ThreadRegisters& registers)
                -> Result<std::unique_ptr<machine::GuestThread>> {
                const std::lock_guard lock(scripts_mutex);
                scripts.push_back(std::make_shared<ThreadScript>());
                script_added.notify_all();
                return std::make_unique<FakeThread>(scripts.back(), registers);
            };
        };
    }
    // The script of the thread started as number `index`; waits for it.
    ThreadScript& script(std::size_t index) {
        std::unique_lock lock(scripts_mutex);
        script_added.wait(lock, [&] { return scripts.size() > index; });
        return *scripts[index];
    }
    std::size_t script_count() {
        const std::lock_guard lock(scripts_mutex);
        return scripts.size();
    }
    // A started context in an address space of its own.
    std::int64_t running_thread() {
        const std::int64_t thread = dup(kAuthority, "new-context");
        REQUIRE(write_to(thread, "start", {}) == 0);
        return thread;
    }

    FakePool pool;
    FakeMachineFactory factory;
    ScriptedCalls calls;
    std::mutex scripts_mutex;
    std::condition_variable script_added;
    std::vector<std::shared_ptr<ThreadScript>> scripts;  // guarded by scripts_mutex
    task::Kernel kernel{pool, factory, calls};
    std::shared_ptr<schemes::proc::ProcScheme> proc = std::make_shared<schemes::proc::ProcScheme>(kernel);
    std::shared_ptr<task::Context> caller_context =
        *kernel.contexts.create(mem::AddressSpace::create(pool, factory), std::make_shared<fd::FdTable>());
    std::int64_t self = -1;

  private:
    static FdNumber number(std::int64_t fd) { return FdNumber{static_cast<std::uint64_t>(fd)}; }
    template <typename Body>
    static std::int64_t value(Body&& body) {
        return static_cast<std::int64_t>(mux(body()));
    }
};

}  // namespace halfcell::test
