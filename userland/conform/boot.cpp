// What the first context finds, and the authority over contexts that only it is given.

#include <atomic>

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

// The name of the authority's own descriptor, 1<<62 | 9, in other names.
constexpr std::string_view kAttributes = "auth-4611686018427387913-attrs";
constexpr std::string_view kPrivileged = "auth-4611686018427387913-status";

char buffer[128];
std::atomic<uint64_t> answer{kAll};
std::atomic<uint64_t> turns{0};
std::atomic<bool> enough{false};
uint32_t word = 0;

void write_at(uint64_t address) {
    store(address, 1);
}
void spin(uint64_t) {
    while (!enough.load())
        turns.fetch_add(1);
}
void read_one(uint64_t fd) {
    answer = read(fd, buffer, 1);
}
void wait_on_word(uint64_t) {
    answer = futex(&word, Futex::kWait, 0);
}

uint64_t privileged(uint64_t thread, Verb verb) {
    return write_word(thread, kPrivileged, static_cast<uint64_t>(verb));
}
uint64_t status_word(Status status) {
    return static_cast<uint64_t>(status);
}

constexpr Probe kProbes[] = {
    {"capabilities", "kernel:src/syscall/process.rs usermode_bootstrap",
     [] {
         for (uint64_t id = 1; id <= 10; ++id) {
             EXPECT(fcntl(kTag | id, Fcntl::kGetfl), Open::kCreat | Open::kRdwr);
             EXPECT(fcntl(kTag | id, Fcntl::kGetfd), id == 9 ? Open::kCloexec : 0);
         }
         EXPECT(fcntl(kTag | 11, Fcntl::kGetfl), kENODEV);
         EXPECT(fcntl(kTag | 11, Fcntl::kGetfd), 0);
         EXPECT(fcntl(kTag | 16, Fcntl::kGetfl), Open::kCreat | Open::kRdwr);
         EXPECT(fcntl(kTag | 12, Fcntl::kGetfd), kEBADF);
         EXPECT(fcntl(kTag, Fcntl::kGetfd), kEBADF);
     }},
    {"metadata", "kernel:src/syscall/process.rs usermode_bootstrap",
     [] {
         const uint64_t area = kUserEnd - abi::kKernelMetadataSize;
         EXPECT(load(area), 11);
         for (uint64_t i = 0; i < 11; ++i) {
             EXPECT(load(area + 8 + 16 * i) & 0xff, i + 1);
             EXPECT(load(area + 16 + 16 * i), kTag | (i + 1));
         }
         EXPECT(load(area + 184), kTag | 16);
         EXPECT(load(area + 192), 0);
     }},
    {"metadata-is-read-only", "kernel:src/syscall/process.rs usermode_bootstrap",
     [] {
         const uint64_t area = kUserEnd - abi::kKernelMetadataSize;
         EXPECT(load(area), 11);
         expect_fault("a write", write_at, area, {14, 7, area});
     }},
    {"roots-answer-no-reads", "kernel:src/scheme/mod.rs KernelScheme::kread",
     [] {
         EXPECT(read(kTag | 4, buffer, 1), kEBADF);
         EXPECT(read(kAuthority, buffer, 1), kEBADF);
         EXPECT(fmap(kTag | 3, 0, kPage, kRw), kEBADF);
         EXPECT(dup(kTag | 8, "x"), kEOPNOTSUPP);
     }},
    {"paths-of-roots", "kernel:src/scheme/mod.rs KernelScheme::kfpath",
     [] {
         EXPECT(sc(abi::SYS_FPATH, kTag | 2, buffer, 100), 14);
         EXPECT(sc(abi::SYS_FPATH, kTag | 3, buffer, 100), 15);
         EXPECT(sc(abi::SYS_FPATH, kTag | 4, buffer, 100), 13);
         EXPECT(sc(abi::SYS_FPATH, kTag | 16, buffer, 100), 7);
         EXPECT(sc(abi::SYS_FPATH, kAuthority, buffer, 100), 20);
         for (const uint64_t id : {5, 6, 7, 8})
             EXPECT(sc(abi::SYS_FPATH, kTag | id, buffer, 100), kEBADF);
         EXPECT(sc(abi::SYS_FPATH, kTag | 1, buffer, 100), kEINVAL);
     }},
    {"openat-on-roots", "kernel:src/scheme/mod.rs KernelScheme::kopenat",
     [] {
         EXPECT(openat(kTag | 4, "nope"), kENOENT);
         OK(openat(kTag | 4, "///"));
         OK(openat(kTag | 2, "anything"));
         EXPECT(openat(kTag | 7, "/4"), kENOENT);
         EXPECT(openat(kTag | 11, ""), kENODEV);
         EXPECT(openat(kTag | 16, "x"), kEOPNOTSUPP);
         EXPECT(openat(kTag | 8, "nope"), kENOENT);
         OK(openat(kTag | 3, "/zeroed"));
     }},
    {"no-openat-on-contexts", "kernel:src/scheme/proc.rs ProcScheme",
     [] {
         EXPECT(openat(kAuthority, "x"), kEOPNOTSUPP);
         EXPECT(openat(own_thread(), "status"), kEOPNOTSUPP);
     }},
    {"names-of-the-authority", "kernel:src/scheme/proc.rs KernelScheme::kdup",
     [] {
         OK(dup(kAuthority, "new-context"));
         OK(dup(kAuthority, "cur-context"));
         EXPECT(dup(kAuthority, "bogus"), kENOENT);
         EXPECT(dup(kAuthority, "addrspace"), kENOENT);
         EXPECT(write(kAuthority, buffer, 8), kEBADF);
     }},
    {"names-that-need-it", "kernel:src/scheme/proc.rs open_inner",
     [] {
         const uint64_t thread = own_thread();
         EXPECT(dup2(open_sys("uname"), 200), 200);
         EXPECT(dup2(thread, 201), 201);
         EXPECT(dup(thread, "auth-x-attrs"), kENOENT);
         EXPECT(dup(thread, "auth-200-attrs"), kEBADF);
         EXPECT(dup(thread, "auth-201-attrs"), kENOENT);
         EXPECT(dup(thread, "auth-9999-attrs"), kEBADF);
         EXPECT(dup(thread, "auth-4611686018427387913-bogus"), kENOENT);
         EXPECT(dup(thread, "auth-4611686018427387913"), kENOENT);
         OK(dup(thread, kAttributes));
         OK(dup(thread, kPrivileged));
     }},
    {"attributes-of-a-new-context", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         abi::ProcSchemeAttrs attributes{};
         attributes.pid = 77;
         const uint64_t handle = OK(dup(OK(new_context()), kAttributes));
         EXPECT(read(handle, &attributes, sizeof attributes), 48);
         EXPECT(attributes.pid, 0);
         EXPECT(attributes.euid, 0);
         EXPECT(attributes.egid, 0);
         EXPECT(attributes.prio, 20);
         EXPECT(attributes.debug_name[0], 0);
         EXPECT(read(handle, &attributes, 10), 10);
         EXPECT(write(handle, &attributes, 47), kEINVAL);
         EXPECT(dup(handle, "x"), kEINVAL);
     }},
    {"attributes-written", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t handle = OK(dup(OK(new_context()), kAttributes));
         abi::ProcSchemeAttrs attributes{.pid = 5, .euid = 6, .egid = 7, .prio = 99, .debug_name = "abc"};
         EXPECT(write(handle, &attributes, sizeof attributes), 48);
         attributes = {};
         EXPECT(read(handle, &attributes, sizeof attributes), 48);
         EXPECT(attributes.pid, 5);
         EXPECT(attributes.egid, 7);
         EXPECT(attributes.prio, 39);
         EXPECT_TRUE(std::string_view(reinterpret_cast<const char*>(attributes.debug_name)) == "abc");
         attributes.debug_name[0] = 0xff;
         attributes.pid = 8;
         EXPECT(write(handle, &attributes, sizeof attributes), kEINVAL);
         EXPECT(read(handle, &attributes, sizeof attributes), 48);
         EXPECT(attributes.pid, 5);
     }},
    {"rights-follow-the-user", "kernel:src/scheme/memory.rs kopenat",
     [] {
         const uint64_t handle = OK(dup(own_thread(), kAttributes));
         const abi::ProcSchemeAttrs user{.pid = 1, .euid = 1000, .egid = 1000, .prio = 20, .debug_name = {}};
         EXPECT(write(handle, &user, sizeof user), 48);
         EXPECT(openat(kTag | 3, "physical"), kEACCES);
         EXPECT(openat(kTag | 3, "zeroed@?phys_contiguous"), kEACCES);
         EXPECT(openat(kTag | 3, "zeroed@wc"), kEACCES);
         OK(openat(kTag | 3, "zeroed"));
         EXPECT(openat(kTag | 1, ""), kEPERM);
         EXPECT(openat(kTag | 5, "0"), kEPERM);
         EXPECT(openat(kTag | 6, "", Open::kDirectory), kEACCES);
         EXPECT(openat(kTag | 10, "", Open::kRdonly | Open::kDirectory), kEACCES);
         EXPECT(openat(kTag | 8, "update_time_offset", Open::kWronly), kEPERM);
         EXPECT(dup(kTag | 16, "create-scheme"), kEACCES);
     }},
    {"stop-and-unstop", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const Context context = Context::started(spin);
         while (turns.load() == 0)
             pause();
         EXPECT(privileged(context.fd(), Verb::kStop), 8);
         EXPECT(status_word(context.status()), status_word(Status::kStopped));
         pause();
         const uint64_t before = turns.load();
         for (int i = 0; i < 10; ++i)
             pause();
         EXPECT(turns.load(), before);
         EXPECT(privileged(context.fd(), Verb::kStop), 8);
         EXPECT(privileged(context.fd(), Verb::kUnstop), 8);
         EXPECT(status_word(context.status()), status_word(Status::kRunnable));
         while (turns.load() == before)
             pause();
         enough = true;
         context.wait_for_end();
         EXPECT(privileged(context.fd(), Verb::kStop), kEOWNERDEAD);
         EXPECT(privileged(context.fd(), Verb::kUnstop), 8);
     }},
    {"stopped-reader", "kernel:src/context/context.rs Context::unblock",
     [] {
         const Context reader = Context::started(read_one, open_pipe().reader);
         reader.wait_for(Status::kBlocked);
         EXPECT(privileged(reader.fd(), Verb::kStop), 8);
         EXPECT(privileged(reader.fd(), Verb::kUnstop), 8);
         reader.wait_for_end();
         EXPECT(answer.load(), kEINTR);
     }},
    {"stopped-reader-with-data", "kernel:src/context/context.rs Context::unblock",
     [] {
         const PipeEnds pipe = open_pipe();
         const Context reader = Context::started(read_one, pipe.reader);
         reader.wait_for(Status::kBlocked);
         EXPECT(privileged(reader.fd(), Verb::kStop), 8);
         EXPECT(write(pipe.writer, "q", 1), 1);
         EXPECT(answer.load(), kAll);
         EXPECT(privileged(reader.fd(), Verb::kUnstop), 8);
         reader.wait_for_end();
         EXPECT(answer.load(), 1);
     }},
    {"stopped-futex-waiter", "kernel:src/syscall/futex.rs futex",
     [] {
         const Context waiter = Context::started(wait_on_word);
         waiter.wait_for(Status::kBlocked);
         EXPECT(privileged(waiter.fd(), Verb::kStop), 8);
         EXPECT(privileged(waiter.fd(), Verb::kUnstop), 8);
         waiter.wait_for_end();
         EXPECT(answer.load(), 0);
         EXPECT(futex(&word, Futex::kWake, 9), 1);
     }},
    {"stopped-before-its-start", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t thread = OK(new_context());
         EXPECT(privileged(thread, Verb::kStop), 8);
         EXPECT(write(OK(dup(thread, "start")), "", 0), kEINVAL);
         EXPECT(privileged(thread, Verb::kUnstop), 8);
         // Its space is empty: the first instruction is a fault.
         abi::CtxtStsBuf status{};
         const uint64_t handle = OK(dup(thread, "status"));
         for (int i = 0; i < 2000 && status.status != status_word(Status::kUnhandledExcp); ++i) {
             pause();
             OK(read(handle, &status, sizeof status));
         }
         EXPECT(status.status, status_word(Status::kUnhandledExcp));
         EXPECT(status.excp.kind, 14);
         EXPECT(status.excp.code, 0x14);
         EXPECT(status.excp.address, 0);
     }},
    {"verbs-of-a-thread-descriptor", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t self = own_thread();
         const uint64_t interrupt = 3;
         EXPECT(write(self, &interrupt, 8), kEINVAL);
         EXPECT(write(self, &interrupt, 7), kEINVAL);
         EXPECT(write(OK(new_context()), &kAll, 8), kEPERM);
         const std::array<uint64_t, 3> range{kAll, 0x1001, kPage};
         EXPECT(write(self, range.data(), 16), kEINVAL);
         EXPECT(write(self, range.data(), 24), kEINVAL);
         EXPECT(read(self, buffer, 8), kEBADF);
     }},
    {"death-is-an-event", "kernel:src/syscall/process.rs exit_this_context",
     [] {
         const Context context(wait_on_word);
         const uint64_t queue = OK(openat(kTag | 2, "", Open::kRdwr));
         abi::Event event{context.fd(), Ready::kEventRead, 5};
         EXPECT(write(queue, &event, sizeof event), sizeof event);
         EXPECT(context.start(), 0);
         context.wait_for(Status::kBlocked);
         EXPECT(context.verb(Verb::kForceKill), 8);
         event = {};
         EXPECT(read(queue, &event, sizeof event), sizeof event);
         EXPECT(event.id, context.fd());
         EXPECT(event.flags, Ready::kEventRead);
         EXPECT(event.data, 5);
     }},
    {"death-before-the-registration", "kernel:src/scheme/proc.rs fevent",
     [] {
         const Context context = Context::started(wait_on_word);
         context.wait_for(Status::kBlocked);
         EXPECT(context.verb(Verb::kForceKill), 8);
         context.wait_for_end();
         pause();
         const uint64_t queue = OK(openat(kTag | 2, "", Open::kRdwr | Open::kNonblock));
         abi::Event event{context.fd(), Ready::kEventRead, 5};
         EXPECT(write(queue, &event, sizeof event), sizeof event);
         EXPECT(read(queue, &event, sizeof event), kEAGAIN);
         EXPECT(fevent(context.fd(), 3), 0);
     }},
    {"first-mxcsr", "kernel:src/context/arch/x86_64.rs Context::new",
     [] {
         // A context that looks before it sets anything.
         static uint32_t mxcsr;
         static const auto code = reinterpret_cast<uint64_t>(+[] {
             __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
             for (;;)
                 __asm__ volatile("ud2");
         });
         const uint64_t thread = OK(new_context());
         const uint64_t stack = OK(anon(4 * kPage, kRw)) + 4 * kPage - 8;
         const std::array<uint64_t, 3> image{OK(dup(own_thread(), "addrspace")), stack, code};
         const uint64_t selector = OK(dup(thread, "current-addrspace"));
         EXPECT(write(selector, image.data(), sizeof image), 24);
         EXPECT(close(selector), 0);
         mxcsr = 1;
         EXPECT(write(OK(dup(thread, "start")), "", 0), 0);
         for (int i = 0; i < 4000 && mxcsr == 1; ++i)
             pause();
         EXPECT_DEVIATION(mxcsr, 0, 0x1f80);
     },
     Deviation::kSafer},
    {"the-last-page", "kernel:src/context/memory.rs PageSpan::validate_nonempty",
     [] {
         const uint64_t last = kUserEnd - kPage;
         EXPECT(anon(kPage, kRw | kFixed, last), last);
         EXPECT(funmap(last, kPage), 0);
     }},
    {"the-last-page-can-be-used", "kernel:src/context/memory.rs PageSpan::validate_nonempty",
     [] {
         const uint64_t last = kUserEnd - kPage;
         EXPECT(anon(kPage, kRw | kFixed, last), last);
         const Context writer = Context::started(write_at, last);
         EXPECT_DEVIATION(status_word(writer.wait_for_end()), status_word(Status::kDead),
                          status_word(Status::kUnhandledExcp));
     },
     Deviation::kHost},
    {"closing-scheme-creation", "kernel:src/scheme/mod.rs SchemeList::close",
     [] {
         OK(dup(kTag | 16, "create-scheme"));
         EXPECT(close(kTag | 16), 0);
         EXPECT(dup(kTag | 16, "create-scheme"), kEBADF);
     }},
};

}  // namespace

Area boot_area() {
    return {"boot", "the first context and its capabilities", kProbes, Surroundings::kBoot};
}

}  // namespace halfcell::userland::conform
