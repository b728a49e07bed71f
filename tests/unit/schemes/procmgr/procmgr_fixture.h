#pragma once

// The process manager over fakes, with the calling context as the first thread of a process.

#include <cstring>

#include "abi/proc_call.h"
#include "abi/sigabi.h"
#include "schemes/procmgr/procmgr_scheme.h"
#include "tests/unit/schemes/proc/proc_fixture.h"

namespace halfcell::test {

// The calling context of ProcFixture is the first thread of a process; it never runs, and calls by hand.
struct ProcmgrFixture : ProcFixture {
    ProcmgrFixture() {
        give_threads();
        REQUIRE(kernel.schemes.add(manager));
        auto made = manager->create_initial(caller_context, {.euid = 5, .egid = 6, .name = "first"});
        pid = made.pid;
        process = add(std::move(made.proc_fd));
        thread = add(std::move(made.thread_fd));
    }

    std::int64_t add(scheme::DescriptionRef description) {
        return static_cast<std::int64_t>(
            caller_context->files()->add({std::move(description), false})->value());
    }
    [[nodiscard]] scheme::DescriptionRef file(std::int64_t fd) const {
        return *caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(fd)});
    }
    std::int64_t call(std::int64_t fd, std::vector<std::uint64_t> words, std::span<std::byte> payload = {}) {
        return static_cast<std::int64_t>(
            mux(manager->call(caller(), file(fd)->number(), mem::UserInOut::local(payload), 0, words)));
    }
    std::int64_t call(abi::ProcCall verb, std::vector<std::uint64_t> words = {},
                      std::span<std::byte> payload = {}) {
        words.insert(words.begin(), static_cast<std::uint64_t>(verb));
        return call(process, std::move(words), payload);
    }
    std::int64_t call(abi::ThreadCall verb, std::vector<std::uint64_t> words = {}) {
        words.insert(words.begin(), static_cast<std::uint64_t>(verb));
        return call(thread, std::move(words));
    }
    std::int64_t set_ids(std::array<std::uint32_t, 6> ids) {
        return call(abi::ProcCall::kSetResugid, {}, std::as_writable_bytes(std::span(ids)));
    }
    abi::ProcMeta meta() {
        abi::ProcMeta result{};
        CHECK(read(process, &result, sizeof result) == 44);
        return result;
    }
    // A second process with one unstarted thread; returns its descriptor.
    std::int64_t other_process(std::uint32_t uid = 5) {
        other_context = *kernel.contexts.create(mem::AddressSpace::create(pool, factory),
                                                std::make_shared<fd::FdTable>());
        auto made = manager->create_initial(other_context, {.euid = uid, .egid = 6, .name = "second"});
        other_pid = made.pid;
        return add(std::move(made.proc_fd));
    }
    // Registers control pages for the calling thread and tells the manager.
    abi::SigProcControl& register_signals() {
        const auto pages = static_cast<std::uint64_t>(anonymous(0x2000));
        REQUIRE(write_to(thread, "sighandler", {0x4000, 0, pages, pages + 0x1000}) == 32);
        REQUIRE(call(abi::ProcCall::kSyncSigPctl) == 0);
        REQUIRE(call(abi::ThreadCall::kSyncSigTctl) == 0);
        control = caller_context->signals()->thread_control.structure<abi::Sigcontrol>();
        return *caller_context->signals()->proc_control.structure<abi::SigProcControl>();
    }
    void allow(std::uint32_t signal) {
        control->word[(signal - 1) / 32] |= abi::signal_bit((signal - 1) % 32 + 1) << 32;
    }

    std::shared_ptr<schemes::procmgr::ProcmgrScheme> manager =
        std::make_shared<schemes::procmgr::ProcmgrScheme>(kernel, proc);
    std::uint32_t pid = 0;
    std::int64_t process = -1;
    std::int64_t thread = -1;
    std::shared_ptr<task::Context> other_context;
    std::uint32_t other_pid = 0;
    abi::Sigcontrol* control = nullptr;
};

}  // namespace halfcell::test
