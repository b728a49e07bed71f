// The process manager's protocol: spec/userland-contract section 2.

#include <thread>

#include "tests/unit/schemes/procmgr/procmgr_fixture.h"

namespace halfcell::test {
namespace {

using abi::ProcCall;
using abi::ThreadCall;
using schemes::procmgr::ExitStatus;

constexpr std::uint64_t kKeep = abi::kKeepId;

TEST_CASE_FIXTURE(ProcmgrFixture, "a process reads as its numbers, again and again") {
    const abi::ProcMeta first = meta();
    CHECK(first.pid == 2);
    CHECK(first.ppid == 1);
    CHECK(first.pgid == 1);
    CHECK(first.ruid == 5);
    CHECK(first.suid == 5);
    CHECK(first.egid == 6);
    CHECK(first.ens == 1);
    CHECK(meta().pid == 2);
    std::array<char, 43> small{};
    CHECK(read(process, small.data(), small.size()) == error(Errno::kEBADF));
    CHECK(call(ProcCall::kGetppid) == 1);
    CHECK(caller_context->attributes().pid == 2);
    CHECK(caller_context->attributes().euid == 5);
    CHECK(caller_context->attributes().name == "first");
    std::array<char, 20> path{};
    CHECK(manager->fpath(caller(), file(process)->number(),
                         mem::UserOut::local(std::as_writable_bytes(std::span(path)))) == 13);
    CHECK(std::string(path.data()) == "/scheme/proc/");
}

TEST_CASE_FIXTURE(ProcmgrFixture, "a thread descriptor opens what kernel.proc knows of the thread") {
    const std::int64_t env = dup(thread, "regs/env");
    CHECK(file(env)->scheme_id() == SchemeId{9});
    CHECK(write_words(env, {0x10, 0}) == 16);
    CHECK(caller_context->initial_registers().fs_base == 0x10);
    CHECK(file(dup(thread, "addrspace"))->positioned());
    CHECK(dup(thread, "bogus") == error(Errno::kEINVAL));
    CHECK(dup(thread, std::string(65, 'a')) == error(Errno::kEINVAL));
    CHECK(dup(thread, "auth-99-attrs") == error(Errno::kEBADF));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "threads join the process and are found by index") {
    CHECK(dup(process, "bogus") == error(Errno::kEINVAL));
    CHECK(dup(process, "thread-") == error(Errno::kEINVAL));
    CHECK(dup(process, "thread-x") == error(Errno::kEINVAL));
    CHECK(dup(process, "thread-1") == error(Errno::kENOENT));
    const std::int64_t fresh = dup(process, "new-thread");
    REQUIRE(fresh >= 0);
    const auto context = kernel.contexts.all().back();
    CHECK(context->attributes().pid == 2);
    CHECK(context->attributes().name == "first");
    CHECK(status(fresh) == 2);
    CHECK(status(dup(process, "thread-1")) == 2);
    // The death of a thread takes it off the list, and closing its descriptor does not.
    CHECK(close(fresh) == 0);
    const std::int64_t again = dup(process, "thread-1");
    CHECK(write_to(again, "status", {UINT64_MAX}) == 8);
    CHECK(dup(process, "thread-1") == error(Errno::kENOENT));
    CHECK(call(again, {0}) == error(Errno::kEOWNERDEAD));
    CHECK(dup(process, "thread-0") >= 0);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "Exit ends every thread and says with what") {
    const std::int64_t fresh = dup(process, "new-thread");
    REQUIRE(write_to(fresh, "start", {}) == 0);
    const std::int64_t unstarted = dup(process, "new-thread");
    CHECK(call(ProcCall::kExit, {0x4100}) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kExit, {}) == error(Errno::kEINVAL));
    const auto keep_process = file(process);
    const auto keep_thread = file(unstarted);
    CHECK(call(ProcCall::kExit, {7}) == 0);
    const auto ended = manager->wait_initial(pid);
    REQUIRE(ended.has_value());
    CHECK(ended->kind == ExitStatus::Kind::kExited);
    CHECK(ended->code == 7);
    CHECK(ended->wait_status() == 0x700);
    kernel.workers.wait_all();  // the status is known before the last worker has cleaned up
    CHECK(kernel.contexts.all().empty());
    CHECK(manager->wait_initial(pid).error() == Errno::kESRCH);
    abi::ProcMeta gone{};
    CHECK(manager
              ->read_at(caller(), keep_process->number(),
                        mem::UserOut::local(std::as_writable_bytes(std::span(&gone, 1))), 0, {})
              .error() == Errno::kESRCH);
    CHECK(manager->dup(caller(), keep_process->number(), mem::UserIn::local("new-thread")).error() ==
          Errno::kEBADFD);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "an exit word above 255 names a signal") {
    CHECK(call(ProcCall::kExit, {11 << 8}) == 0);
    const auto ended = manager->wait_initial(pid);
    REQUIRE(ended.has_value());
    CHECK(ended->kind == ExitStatus::Kind::kSignaled);
    CHECK(ended->signal == 11);
    CHECK(ended->wait_status() == 11);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "the last thread decides where nobody called Exit") {
    const std::int64_t second = other_process();
    (void)second;
    SUBCASE("it left") {
        other_context->kill(false);
        other_context->die(std::nullopt);
        CHECK(manager->wait_initial(other_pid)->code == 0);
    }
    SUBCASE("it was killed") {
        kernel.workers.kill(other_context, true);
        CHECK(manager->wait_initial(other_pid)->signal == 9);
    }
    SUBCASE("it met a fault") {
        other_context->die(abi::Exception{.kind = 14, .code = 4, .address = 8});
        const auto ended = manager->wait_initial(other_pid);
        REQUIRE(ended.has_value());
        CHECK(ended->kind == ExitStatus::Kind::kException);
        CHECK(+ended->exception.kind == 14);
        CHECK(ended->wait_status() == 0x100);
    }
}

TEST_CASE_FIXTURE(ProcmgrFixture, "wait_initial wakes when the process ends in another thread") {
    other_process();
    std::thread waiter([&] { CHECK(manager->wait_initial(other_pid)->signal == 15); });
    CHECK(manager->terminate(other_pid, 15).has_value());
    waiter.join();
    CHECK(manager->terminate(other_pid, 15).error() == Errno::kESRCH);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "there is nobody to wait for") {
    CHECK(call(ProcCall::kWaitpid, {0, 4}) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kWaitpid, {pid, 0}) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kWaitpid, {0, 1}) == error(Errno::kECHILD));
    CHECK(call(ProcCall::kWaitpgid, {0, 11}) == error(Errno::kECHILD));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "ids move among themselves, and root's freely") {
    std::array<std::byte, 23> small{};
    CHECK(call(ProcCall::kSetResugid, {}, small) == error(Errno::kEINVAL));
    CHECK(set_ids({0, kKeep, kKeep, kKeep, kKeep, kKeep}) == error(Errno::kEPERM));
    CHECK(set_ids({kKeep, kKeep, kKeep, kKeep, 5, kKeep}) == error(Errno::kEPERM));
    CHECK(set_ids({5, 5, 5, 6, kKeep, 6}) == 0);
    const std::int64_t root = other_process(0);
    std::array<std::uint32_t, 6> ids{7, 8, 9, 10, 11, 12};
    CHECK(call(root, {static_cast<std::uint64_t>(ProcCall::kSetResugid)},
               std::as_writable_bytes(std::span(ids))) == 0);
    CHECK(other_context->attributes().euid == 8);
    CHECK(other_context->attributes().egid == 11);
    ids = {9, 7, 8, abi::kKeepId, abi::kKeepId, abi::kKeepId};
    CHECK(call(root, {static_cast<std::uint64_t>(ProcCall::kSetResugid)},
               std::as_writable_bytes(std::span(ids))) == 0);
    CHECK(other_context->attributes().euid == 7);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "a name is at most 32 bytes of UTF-8") {
    const auto rename = [&](std::string name) {
        return call(ProcCall::kRename, {}, std::as_writable_bytes(std::span(name)));
    };
    CHECK(rename(std::string("short\0rest", 10)) == 0);
    CHECK(caller_context->attributes().name == "short");
    CHECK(rename(std::string(40, 'x')) == 0);
    CHECK(caller_context->attributes().name == std::string(32, 'x'));
    CHECK(rename("\xff") == error(Errno::kEINVAL));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "priorities have 40 steps") {
    CHECK(call(ProcCall::kGetProcPriority, {0}) == 20);
    CHECK(call(ProcCall::kSetProcPriority, {0, 40}) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kSetProcPriority, {0, 39}) == 0);
    CHECK(caller_context->attributes().priority == 39);
    CHECK(call(ProcCall::kGetProcPriority, {pid}) == 39);
    CHECK(call(ProcCall::kGetProcPriority, {99}) == error(Errno::kESRCH));
    other_process(1);
    CHECK(call(ProcCall::kSetProcPriority, {other_pid, 3}) == error(Errno::kEPERM));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "groups and sessions") {
    CHECK(call(ProcCall::kSetpgid, {0, abi::kQueryPgid}) == 1);
    CHECK(call(ProcCall::kGetsid, {0}) == 1);
    CHECK(call(ProcCall::kGetsid, {99}) == error(Errno::kESRCH));
    CHECK(call(ProcCall::kSetpgid, {99, 0}) == error(Errno::kESRCH));
    CHECK(call(ProcCall::kSetpgid, {0, 99}) == error(Errno::kEPERM));
    CHECK(call(ProcCall::kSetpgid, {0, 0}) == 0);
    CHECK(meta().pgid == pid);
    CHECK(call(ProcCall::kSetsid) == error(Errno::kEPERM));
    CHECK(call(ProcCall::kSetpgid, {0, 1}) == 0);
    other_process();
    CHECK(call(ProcCall::kSetpgid, {other_pid, 0}) == error(Errno::kESRCH));  // no child of ours
}

TEST_CASE_FIXTURE(ProcmgrFixture, "setsid makes a session and a group, once") {
    CHECK(call(ProcCall::kSetsid) == 0);
    CHECK(meta().pgid == pid);
    CHECK(call(ProcCall::kGetsid, {pid}) == pid);
    CHECK(call(ProcCall::kSetsid) == error(Errno::kEPERM));
    CHECK(call(ProcCall::kSetpgid, {0, 0}) == error(Errno::kEPERM));
    other_process();
    CHECK(call(ProcCall::kGetsid, {other_pid}) == error(Errno::kEPERM));
    CHECK(call(ProcCall::kSetpgid, {other_pid, abi::kQueryPgid}) == error(Errno::kEPERM));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "a first process may lead a session from the start") {
    other_context =
        *kernel.contexts.create(mem::AddressSpace::create(pool, factory), std::make_shared<fd::FdTable>());
    auto made = manager->create_initial(other_context, {.name = "login"},
                                        schemes::procmgr::ProcmgrScheme::InitialSession::kOwn);
    const std::int64_t leader = add(std::move(made.proc_fd));
    const auto verb = [](ProcCall call) { return static_cast<std::uint64_t>(call); };
    CHECK(call(leader, {verb(ProcCall::kGetsid), 0}) == made.pid);
    CHECK(call(leader, {verb(ProcCall::kSetpgid), 0, abi::kQueryPgid}) == made.pid);
    CHECK(call(leader, {verb(ProcCall::kSetsid)}) == error(Errno::kEPERM));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "what no process may do, and what no call is") {
    CHECK(call(ProcCall::kSetrens) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kGetProcCredentials, {2}) == error(Errno::kEACCES));
    CHECK(call(process, {99}) == error(Errno::kEINVAL));
    CHECK(call(process, {}) == error(Errno::kEINVAL));
    CHECK(call(thread, {99}) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kDisableSetpgid) == 0);
    CHECK(call(ProcCall::kSyncSigPctl) == error(Errno::kEBADF));
    CHECK(call(ThreadCall::kSyncSigTctl) == error(Errno::kEBADF));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "a new program ends the threads of the old one") {
    const std::int64_t second = dup(process, "new-thread");
    REQUIRE(second >= 0);
    CHECK(dup(process, "thread-1") >= 0);
    // Whoever is no thread of it ends none.
    const std::int64_t other = other_process();
    CHECK(call(other, {static_cast<std::uint64_t>(ProcCall::kDisableSetpgid)}) == 0);
    CHECK(other_context->status().first == abi::ContextStatus::kNotYetStarted);
    CHECK(call(ProcCall::kDisableSetpgid) == 0);
    CHECK(dup(process, "thread-1") == error(Errno::kENOENT));
    CHECK(dup(process, "thread-0") >= 0);
    CHECK(meta().pid == pid);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "the root lists processes and hands out credentials to root") {
    const auto root = *manager->root();
    CHECK(manager->openat(caller(), root.number, "nothing", 0, 0).error() == Errno::kENOENT);
    CHECK(manager->openat(caller(), root.number, "init", 0, 0).error() == Errno::kEEXIST);
    CHECK(manager->openat(caller(), file(process)->number(), "ps", 0, 0).error() == Errno::kEACCES);
    CHECK(
        manager->openat(caller(), root.number, "proc-creds-capability", abi::OpenFlags::kRdonly, 0).error() ==
        Errno::kEACCES);
    const auto ps = std::get<scheme::OpenedHandle>(*manager->openat(caller(), root.number, "ps", 0, 0));
    CHECK(ps.positioned);
    std::string text(1000, '\0');
    const auto size = manager->read_at(caller(), ps.number,
                                       mem::UserOut::local(std::as_writable_bytes(std::span(text))), 0, {});
    REQUIRE(size.has_value());
    CHECK(manager->fsize(caller(), ps.number) == *size);
    text.resize(*size);
    CHECK(text ==
          "PID   PGID  PPID  SID   RUID  RGID  EUID  EGID  NTHRD STATUS  NAME            \n"
          "1     1     1     1     0     0     0     0     0     R       init            \n"
          "2     1     1     1     5     6     5     6     1     R       first           \n");
    other_process(0);
    const auto privileged_caller = other_context->caller();
    CHECK(manager->openat(privileged_caller, root.number, "proc-creds-capability", abi::OpenFlags::kRdwr, 0)
              .error() == Errno::kEINVAL);
    const auto credentials = std::get<scheme::OpenedHandle>(*manager->openat(
        privileged_caller, root.number, "proc-creds-capability", abi::OpenFlags::kRdonly, 0));
    abi::ProcMeta found{};
    const std::array<std::uint64_t, 2> words{15, pid};
    CHECK(manager->call(caller(), credentials.number,
                        mem::UserInOut::local(std::as_writable_bytes(std::span(&found, 1))), 0, words) == 44);
    CHECK(found.pid == pid);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "signals without control pages do what is default") {
    CHECK(call(ProcCall::kKill, {pid, 65}) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kKill, {pid, 0}) == 0);
    CHECK(call(ProcCall::kKill, {99, 0}) == error(Errno::kESRCH));
    CHECK(call(ProcCall::kKill, {std::uint64_t{1} << 63, 0}) == error(Errno::kESRCH));  // no group's negative
    CHECK(call(ProcCall::kKill, {pid, abi::Signal::kChld}) == 0);
    CHECK(call(ProcCall::kKill, {pid, abi::Signal::kStop}) == 0);
    CHECK(caller_context->state() == task::RunState::kStopped);
    other_process();
    CHECK(call(ProcCall::kKill, {other_pid, abi::Signal::kTerm}) == 0);
    CHECK(manager->wait_initial(other_pid)->signal == 15);
    other_process(7);
    CHECK(call(ProcCall::kKill, {other_pid, abi::Signal::kTerm}) == error(Errno::kEPERM));
    // One of the group may be signalled.
    CHECK(call(ProcCall::kKill, {0, 0}) == 0);
    const auto everybody = static_cast<std::uint64_t>(-1);
    CHECK(call(ProcCall::kKill, {everybody, abi::Signal::kKill}) == error(Errno::kERESTART));
    CHECK(manager->wait_initial(pid)->signal == 9);
}

TEST_CASE_FIXTURE(ProcmgrFixture, "a signal to a process with control pages sets its bit") {
    abi::SigProcControl& page = register_signals();
    CHECK(call(ProcCall::kKill, {pid, abi::Signal::kUsr1}) == 0);
    CHECK(page.pending == abi::signal_bit(abi::Signal::kUsr1));
    CHECK(page.sender_infos[abi::Signal::kUsr1 - 1] == (std::uint64_t{5} << 32 | pid));
    allow(abi::Signal::kUsr2);
    CHECK(call(ProcCall::kKill, {pid, abi::Signal::kUsr2}) == error(Errno::kERESTART));
    CHECK(caller_context->waiter().interruption_pending());
    page.actions[abi::Signal::kHup - 1].first = abi::ActionBits::kIgnored;
    CHECK(call(ProcCall::kKill, {pid, abi::Signal::kHup}) == 0);
    CHECK((page.pending & abi::signal_bit(abi::Signal::kHup)) == 0);
    CHECK(call(ProcCall::kKill, {pid, 40}) == error(Errno::kESRCH));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "queued signals keep what their sender added, up to a limit") {
    abi::SigProcControl& page = register_signals();
    abi::RtSigInfo info{.arg = 77, .code = -1, .uid = 99, .pid = 99};
    const auto payload = std::as_writable_bytes(std::span(&info, 1));
    CHECK(call(ProcCall::kSigq, {pid, 40}, payload.first(23)) == error(Errno::kEINVAL));
    CHECK(call(ProcCall::kSigq, {pid, 10}, payload) == error(Errno::kESRCH));
    for (int i = 0; i < 32; ++i)
        REQUIRE(call(ProcCall::kSigq, {pid, 40}, payload) == 0);
    CHECK(call(ProcCall::kSigq, {pid, 40}, payload) == error(Errno::kEAGAIN));
    CHECK(page.pending == abi::signal_bit(40));
    for (int i = 0; i < 32; ++i) {
        CHECK(page.pending == abi::signal_bit(40));
        abi::RtSigInfo out{.arg = 40 - 33};
        REQUIRE(call(ProcCall::kSigdeq, {}, std::as_writable_bytes(std::span(&out, 1))) == 0);
        CHECK(out.arg == 77);
        CHECK(out.code == -1);
        CHECK(out.pid == pid);
        CHECK(out.uid == 5);
    }
    CHECK(page.pending == 0);
    abi::RtSigInfo out{.arg = 40 - 33};
    CHECK(call(ProcCall::kSigdeq, {}, std::as_writable_bytes(std::span(&out, 1))) == error(Errno::kEAGAIN));
    out = {.arg = 32};
    CHECK(call(ProcCall::kSigdeq, {}, std::as_writable_bytes(std::span(&out, 1))) == error(Errno::kEINVAL));
}

TEST_CASE_FIXTURE(ProcmgrFixture, "a signal to a thread goes into the thread's own word") {
    register_signals();
    CHECK(call(ThreadCall::kSignalThread, {65}) == error(Errno::kEINVAL));
    CHECK(call(ThreadCall::kSignalThread, {0}) == 0);
    CHECK(call(ThreadCall::kSignalThread, {abi::Signal::kUsr1}) == 0);
    CHECK(control->word[0] == abi::signal_bit(abi::Signal::kUsr1));
    allow(40);
    CHECK(call(ThreadCall::kSignalThread, {40}) == error(Errno::kERESTART));
    CHECK((control->word[1] & abi::signal_bit(40 - 32)) != 0);
}

}  // namespace
}  // namespace halfcell::test
