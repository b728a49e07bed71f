// Redox's own process manager and namespaces: what relibc asks them for.

#include "userland/rt/process.h"
#include "abi/namespace_call.h"
#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;
using Pc = abi::ProcCall;

char buffer[4096];

template <typename... Words>
uint64_t ask(Pc what, Words... more) {
    const std::array<uint64_t, 1 + sizeof...(Words)> words{static_cast<uint64_t>(what), as_word(more)...};
    return call(word(process().process), 0, 0, words.size(), words.data());
}
uint64_t wait_for(uint64_t pid, uint64_t flags, int32_t& status) {
    const std::array<uint64_t, 3> words{static_cast<uint64_t>(Pc::kWaitpid), pid, flags};
    return call(word(process().process), &status, sizeof status, 3, words.data());
}
template <typename Body>
uint32_t fork_child(Body body) {
    const Result<uint32_t> child = fork_process();
    if (!child) fail("cannot fork");
    if (*child == 0) exit_now(body());
    return *child;
}
abi::ProcMeta identity() {
    const Result<abi::ProcMeta> meta = process_identity();
    if (!meta) fail("no identity");
    return *meta;
}
int wait_for_ever() {
    const uint32_t never = 0;
    for (;;)
        futex_wait(&never, 0);
}

constexpr Probe kProcessProbes[] = {
    {"identity", "base:bootstrap/src/procmgr.rs on_read",
     [] {
         abi::ProcMeta meta{};
         EXPECT(read(word(process().process), &meta, sizeof meta), sizeof meta);
         EXPECT(read(word(process().process), &meta, sizeof meta), sizeof meta);
         EXPECT_TRUE(meta.pid != 0 && meta.ppid != 0);
         EXPECT(meta.pgid, meta.pid);
         EXPECT(read(word(process().process), &meta, sizeof meta - 1), kEBADF);
     }},
    {"exit-code", "base:bootstrap/src/procmgr.rs on_waitpid",
     [] {
         const uint32_t child = fork_child([] { return 42; });
         int32_t status = -1;
         EXPECT(wait_for(child, 0, status), child);
         EXPECT(status, abi::wait_status_exited(42));
         EXPECT(wait_for(child, 0, status), kECHILD);
     }},
    {"wait-for-any", "base:bootstrap/src/procmgr.rs on_waitpid",
     [] {
         int32_t status = -1;
         EXPECT(wait_for(0, 0, status), kECHILD);
         const uint32_t child = fork_child([] { return 1; });
         EXPECT(wait_for(0, 0, status), child);
     }},
    {"wait-without-waiting", "base:bootstrap/src/procmgr.rs on_waitpid",
     [] {
         const uint32_t child = fork_child(wait_for_ever);
         int32_t status = -1;
         EXPECT(wait_for(child, abi::WaitFlags::kNohang, status), 0);
         EXPECT(ask(Pc::kKill, child, 9), 0);
         EXPECT(wait_for(child, 0, status), child);
         EXPECT(status, abi::wait_status_signaled(9));
     }},
    {"children-know-their-parent", "base:bootstrap/src/procmgr.rs on_getppid",
     [] {
         const abi::ProcMeta self = identity();
         const uint32_t child = fork_child([&] {
             const abi::ProcMeta meta = identity();
             return meta.ppid == self.pid && meta.pgid == self.pgid && ask(Pc::kGetppid) == self.pid ? 0 : 1;
         });
         int32_t status = -1;
         EXPECT(wait_for(child, 0, status), child);
         EXPECT(status, 0);
     }},
    {"kill-of-nobody", "base:bootstrap/src/procmgr.rs on_kill",
     [] {
         EXPECT(ask(Pc::kKill, 99999, 0), kESRCH);
         EXPECT(ask(Pc::kKill, identity().pid, 0), 0);
         EXPECT(ask(Pc::kKill, identity().pid, 65), kEINVAL);
     }},
    {"stop-and-continue", "base:bootstrap/src/procmgr.rs on_kill_proc",
     [] {
         const uint32_t child = fork_child(wait_for_ever);
         int32_t status = -1;
         EXPECT(ask(Pc::kKill, child, 19), 0);
         EXPECT(wait_for(child, abi::WaitFlags::kUntraced, status), child);
         EXPECT(status, abi::wait_status_stopped(19));
         EXPECT(ask(Pc::kKill, child, 18), 0);
         EXPECT(wait_for(child, abi::WaitFlags::kContinued, status), child);
         EXPECT(status, abi::kWaitStatusContinued);
         EXPECT(ask(Pc::kKill, child, 9), 0);
     }},
    {"groups", "base:bootstrap/src/procmgr.rs on_setpgid",
     [] {
         const uint32_t child = fork_child(wait_for_ever);
         EXPECT(ask(Pc::kSetpgid, child, abi::kQueryPgid), identity().pgid);
         EXPECT(ask(Pc::kSetpgid, child, 0), 0);
         EXPECT(ask(Pc::kSetpgid, child, abi::kQueryPgid), child);
         EXPECT(ask(Pc::kSetpgid, 99999, abi::kQueryPgid), kESRCH);
         EXPECT(ask(Pc::kKill, child, 9), 0);
     }},
    {"group-leaders-get-no-session", "base:bootstrap/src/procmgr.rs on_setsid",
     [] { EXPECT(ask(Pc::kSetsid), kEPERM); }},
    {"session", "base:bootstrap/src/procmgr.rs on_setsid",
     [] {
         const uint32_t child = fork_child([] {
             const abi::ProcMeta meta = identity();
             return abi::demux_errno(ask(Pc::kSetsid)) == 0 && ask(Pc::kGetsid, meta.pid) == meta.pid ? 0 : 1;
         });
         int32_t status = -1;
         EXPECT(wait_for(child, 0, status), child);
         EXPECT(status, 0);
     }},
    {"unknown-calls", "base:bootstrap/src/procmgr.rs on_call",
     [] {
         const std::array<uint64_t, 1> words{999};
         EXPECT(call(word(process().process), 0, 0, 1, words.data()), kEINVAL);
     }},
    {"names", "base:bootstrap/src/procmgr.rs on_dup",
     [] {
         const uint64_t self = word(process().process);
         OK(dup(self, "thread-0"));
         EXPECT(dup(self, "thread-99"), kENOENT);
         EXPECT(dup(self, "thread-x"), kEINVAL);
         EXPECT(dup(self, "bogus"), kEINVAL);
         OK(dup(self, "new-thread"));
     }},
    {"threads-share-everything", "relibc:redox-rt/src/thread.rs rlct_clone_impl",
     [] {
         static uint64_t opened;
         const Context context = Context::started([](uint64_t) { opened = dup(0); });
         context.wait_for_end();
         EXPECT(fcntl(opened, Fcntl::kGetfd), 0);
     }},
    {"a-child-s-descriptors-are-its-own", "relibc:redox-rt/src/proc.rs fork_inner",
     [] {
         const uint64_t fd = OK(dup(0));
         const uint32_t child = fork_child([&] { return close(fd) == 0 && dup2(0, 700) == 700 ? 0 : 1; });
         int32_t status = -1;
         EXPECT(wait_for(child, 0, status), child);
         EXPECT(status, 0);
         EXPECT(fcntl(fd, Fcntl::kGetfd), 0);
         EXPECT(fcntl(700, Fcntl::kGetfd), kEBADF);
     }},
    {"a-child-shares-offsets", "relibc:redox-rt/src/proc.rs fork_inner",
     [] {
         const uint64_t file = open_sys("uname");
         const uint32_t child = fork_child([&] { return lseek(file, 9, 0) == 9 ? 0 : 1; });
         int32_t status = -1;
         EXPECT(wait_for(child, 0, status), child);
         EXPECT(lseek(file, 0, 1), 9);
     }},
};

uint64_t name_space() {
    return word(process().name_space);
}
// A dup request: a number, then text.
uint64_t request(uint64_t fd, abi::NsDup what, std::string_view rest) {
    const auto verb = static_cast<uint64_t>(what);
    std::memcpy(buffer, &verb, 8);
    rest.copy(buffer + 8, rest.size());
    return sc(abi::SYS_DUP, fd, buffer, 8 + rest.size());
}

constexpr Probe kNamespaceProbes[] = {
    {"schemes-by-name", "base:bootstrap/src/initnsmgr.rs openat",
     [] {
         OK(openat(name_space(), "/scheme/sys/uname", Open::kRdonly));
         EXPECT(openat(name_space(), "/scheme/no-such-scheme/x", Open::kRdonly), kENODEV);
     }},
    {"the-list", "base:bootstrap/src/initnsmgr.rs getdents",
     [] {
         const uint64_t list = OK(openat(name_space(), "/scheme", Open::kRdonly | Open::kDirectory));
         const uint64_t size = OK(sc(abi::SYS_GETDENTS, list, buffer, sizeof buffer, 19, 0));
         const std::string_view text(buffer, size);
         EXPECT_TRUE(text.find(std::string_view("sys\0", 4)) != std::string_view::npos);
         EXPECT_TRUE(text.find(std::string_view("pipe\0", 5)) != std::string_view::npos);
         EXPECT(openat(list, "sys"), kENOENT);
     }},
    {"forked-with-fewer", "base:bootstrap/src/initnsmgr.rs fork_namespace",
     [] {
         std::array<char, 11> name{};
         const uint64_t length = 3;
         std::memcpy(name.data(), &length, 8);
         std::memcpy(name.data() + 8, "sys", 3);
         const uint64_t forked =
             OK(request(name_space(), abi::NsDup::kForkNs, std::string_view(name.data(), name.size())));
         OK(openat(forked, "/scheme/sys/uname", Open::kRdonly));
         EXPECT(openat(forked, "/scheme/pipe", Open::kRdonly), kENODEV);
         OK(openat(name_space(), "/scheme/pipe", Open::kRdonly));
         EXPECT(openat(forked, "/scheme/namespace/scheme-creation-cap", Open::kRdwr), kEACCES);
     }},
    {"permissions-shrink", "base:bootstrap/src/initnsmgr.rs shrink_permissions",
     [] {
         const uint64_t kept = abi::NsPermissions::kInsert;
         const uint64_t shrunk =
             OK(request(name_space(), abi::NsDup::kShrinkPermissions,
                        std::string_view(reinterpret_cast<const char*>(&kept), sizeof kept)));
         EXPECT(openat(shrunk, "/scheme", Open::kRdonly), kEACCES);
         OK(openat(shrunk, "/scheme/sys/uname", Open::kRdonly));
         OK(request(shrunk, abi::NsDup::kIssueRegister, "conform-x"));
         const uint64_t nothing = 0;
         const uint64_t bare = OK(request(shrunk, abi::NsDup::kShrinkPermissions,
                                          std::string_view(reinterpret_cast<const char*>(&nothing), 8)));
         EXPECT(request(bare, abi::NsDup::kIssueRegister, "conform-x"), kEACCES);
     }},
    {"registering", "base:bootstrap/src/initnsmgr.rs on_sendfd",
     [] {
         const uint64_t registration = OK(request(name_space(), abi::NsDup::kIssueRegister, "conform-probe"));
         uint64_t root = open_sys("");
         EXPECT(call(registration, &root, 8, Call::kFd | Call::kWrite), 1);
         OK(openat(name_space(), "/scheme/conform-probe/uname", Open::kRdonly));
         const uint64_t again = OK(request(name_space(), abi::NsDup::kIssueRegister, "conform-probe"));
         root = open_sys("");
         EXPECT(call(again, &root, 8, Call::kFd | Call::kWrite), kEEXIST);
         EXPECT(sc(abi::SYS_UNLINKAT, name_space(), "/scheme/conform-probe", 21, 0), 0);
         EXPECT(openat(name_space(), "/scheme/conform-probe/uname", Open::kRdonly), kENODEV);
     }},
    {"wrong-requests", "base:bootstrap/src/initnsmgr.rs dup",
     [] {
         EXPECT(sc(abi::SYS_DUP, name_space(), "short", 5), kEINVAL);
         EXPECT(request(name_space(), static_cast<abi::NsDup>(77), ""), kEINVAL);
         EXPECT(request(name_space(), abi::NsDup::kIssueRegister, "with/slash"), kEINVAL);
         EXPECT(request(name_space(), abi::NsDup::kIssueRegister, ""), kEINVAL);
     }},
};

}  // namespace

Area process_area() {
    return {"processes", "Redox's process manager", kProcessProbes};
}

Area namespace_area() {
    return {"namespaces", "Redox's namespace manager", kNamespaceProbes};
}

}  // namespace halfcell::userland::conform
