// What a scheme's server sees of each call, and what callers see of its answer.

#include "userland/conform/areas.h"
#include "userland/conform/scheme_server.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

alignas(4096) char buffer[2 * 4096];

constexpr Probe kRequestProbes[] = {
    {"openat", "kernel:src/scheme/user.rs KernelScheme::kopenat",
     [] {
         const Server server;
         const Context opener =
             ask(abi::SYS_OPENAT, server.root, "held", 4, Open::kRdonly | Open::kCreat, 0x40000);
         const abi::Sqe sqe = server.next(Opcode::kOpenAt);
         EXPECT(sqe.args[0], kRootNumber);
         EXPECT_TRUE(std::string_view(reinterpret_cast<const char*>(sqe.args[1]), 4) == "held");
         EXPECT(sqe.args[2], 4);
         EXPECT(sqe.args[3], Open::kRdonly | Open::kCreat);
         EXPECT(sqe.args[4], 0x40000);
         EXPECT(funmap(sqe.args[1] & ~(kPage - 1), kPage), kEBUSY);
         EXPECT(mprotect(sqe.args[1] & ~(kPage - 1), kPage, kR), kEBUSY);
         server.respond(sqe, 7, 1);
         opener.wait_for_end();
         EXPECT(fcntl(answer.load(), Fcntl::kGetfd), 0);
     }},
    {"empty-path", "kernel:src/scheme/user.rs UserInner::copy_and_capture_tail",
     [] {
         const Server server;
         const Context opener = ask(abi::SYS_OPENAT, server.root, "", 0, Open::kRdonly, 0);
         const abi::Sqe sqe = server.next(Opcode::kOpenAt);
         EXPECT(sqe.args[2], 0);
         server.respond(sqe, kENOENT);
         expect_answer(opener, kENOENT);
     }},
    {"read-and-write", "kernel:src/scheme/user.rs KernelScheme::kreadoff",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         // In one address space, the buffer is the caller's.
         expect_sqe(exchange(server, 2, abi::SYS_READ, file, buffer + 8, 5), Opcode::kRead,
                    {7, as_word(buffer + 8), 5});
         expect_sqe(exchange(server, 3, abi::SYS_WRITE, file, buffer + 8, 5), Opcode::kWrite,
                    {7, as_word(buffer + 8), 5});
     }},
    {"offsets", "kernel:src/syscall/fs.rs sys_read",
     [] {
         const Server server;
         const uint64_t plain = OK(server.make_fd(7, 0));
         const uint64_t positioned = OK(server.make_fd(8, 1));
         EXPECT(exchange(server, 2, abi::SYS_READ, plain, buffer, 5).args[3], kAll);
         EXPECT(exchange(server, 2, abi::SYS_READ, positioned, buffer, 5).args[3], 0);
         EXPECT(exchange(server, 2, abi::SYS_READ, positioned, buffer, 5).args[3], 2);
         const abi::Sqe sqe = exchange(server, 2, abi::SYS_READ2, positioned, buffer, 5, 77, 1);
         EXPECT(sqe.args[3], 77);
         EXPECT(sqe.args[4], Open::kRdwr | Open::kNonblock);
         EXPECT(lseek(positioned, 0, 1), 4);
     }},
    {"metadata", "kernel:src/scheme/user.rs KernelScheme",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         expect_sqe(exchange(server, 0, abi::SYS_FCHMOD, file, 0x10644), Opcode::kFchmod, {7, 0x0644, 0});
         expect_sqe(exchange(server, 0, abi::SYS_FTRUNCATE, file, 12), Opcode::kFtruncate, {7, 12, 0});
         expect_sqe(exchange(server, 0, abi::SYS_FSYNC, file), Opcode::kFsync, {7, 0, 0});
         expect_sqe(exchange(server, 0, abi::SYS_FCHOWN, file, 3, 4), Opcode::kFchown, {7, 3, 4});
         expect_sqe(exchange(server, 9, abi::SYS_FPATH, file, buffer, 40), Opcode::kFpath,
                    {7, as_word(buffer), 40});
         expect_sqe(exchange(server, 0, abi::SYS_FSTATVFS, file, buffer, 32), Opcode::kFstatvfs,
                    {7, as_word(buffer), 32});
         expect_sqe(exchange(server, 0, abi::SYS_FUTIMENS, file, buffer, 32), Opcode::kFutimens,
                    {7, as_word(buffer), 32});
     }},
    {"fstat-names-the-scheme", "kernel:src/syscall/fs.rs fstat",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         std::memset(buffer, 0, 104);
         (void)exchange(server, 0, abi::SYS_FSTAT, file, buffer, 104);
         EXPECT_TRUE(*reinterpret_cast<uint64_t*>(buffer) > 16);
     }},
    {"seek-end", "kernel:src/scheme/user.rs KernelScheme::fsize",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_LSEEK, file, 5, 2);
         const abi::Sqe sqe = server.next(Opcode::kFsize);
         server.respond(sqe, 100);
         expect_answer(caller, 105);
     }},
    {"fcntl", "kernel:src/syscall/fs.rs fcntl",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_FCNTL, file, 99, 5);
         const abi::Sqe sqe = server.next(Opcode::kFcntl);
         expect_sqe(sqe, Opcode::kFcntl, {7, 99, 5});
         server.respond(sqe, 3);
         expect_answer(caller, kEINVAL);
         EXPECT(fcntl(file, Fcntl::kGetfd), 0);
     }},
    {"dup", "kernel:src/scheme/user.rs KernelScheme::kdup",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_DUP, file, "name", 4);
         const abi::Sqe sqe = server.next(Opcode::kDup);
         EXPECT(sqe.args[0], 7);
         EXPECT(sqe.args[2], 4);
         server.respond(sqe, 8);
         caller.wait_for_end();
         const uint64_t copy = answer.load();
         EXPECT(exchange(server, 0, abi::SYS_FSYNC, copy).args[0], 8);
     }},
    {"call", "kernel:src/scheme/user.rs KernelScheme::kcall",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         static constexpr std::array<uint64_t, 3> kWords{10, 20, 30};
         const abi::Sqe sqe = exchange(server, 77, abi::SYS_CALL, file, buffer, 16, 2, kWords.data());
         expect_sqe(sqe, Opcode::kCall, {7, as_word(buffer), 16});
         EXPECT(sqe.args[3], 10);
         EXPECT(sqe.args[4], 20);
         EXPECT(sqe.args[5], 0);
     }},
    {"std-fs-call", "kernel:src/scheme/user.rs KernelScheme::kstdfscall",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         static constexpr std::array<uint64_t, 3> kWords{4, 20, 30};
         const abi::Sqe sqe =
             exchange(server, 0, abi::SYS_CALL, file, buffer, 104, Call::kStdFs | 3, kWords.data());
         expect_sqe(sqe, Opcode::kStdFsCall, {7, as_word(buffer), 104});
         EXPECT(sqe.args[3], 4);
         EXPECT(sqe.args[4], 20);
         EXPECT(sqe.args[5], 30);
     }},
    {"getdents", "kernel:src/scheme/user.rs KernelScheme::getdents",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const abi::Sqe sqe = exchange(server, 0, abi::SYS_GETDENTS, file, buffer, 104, 19, 5);
         expect_sqe(sqe, Opcode::kGetdents, {7, as_word(buffer), 104});
         EXPECT(sqe.args[3], 19);
         EXPECT(sqe.args[4], 5);
     }},
    {"unlinkat", "kernel:src/scheme/user.rs KernelScheme::unlinkat",
     [] {
         const Server server;
         const abi::Sqe sqe = exchange(server, 0, abi::SYS_UNLINKAT, server.root, "gone", 4, 0x200);
         EXPECT(sqe.opcode, static_cast<uint64_t>(Opcode::kUnlinkAt));
         EXPECT(sqe.args[2], 4);
         EXPECT(sqe.args[3], 0x200);
     }},
    {"frename-and-flink", "kernel:src/syscall/fs.rs frename",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         Context caller = ask(abi::SYS_FRENAME, file, "/scheme/other/a/b", 17);
         abi::Sqe sqe = server.next(Opcode::kFrename);
         EXPECT(sqe.args[2], 3);
         EXPECT_TRUE(std::string_view(reinterpret_cast<const char*>(sqe.args[1]), 3) == "a/b");
         server.respond(sqe, 0);
         expect_answer(caller, 0);
         caller = ask(abi::SYS_FLINK, file, "/plain", 6);
         sqe = server.next(Opcode::kFlink);
         EXPECT(sqe.args[2], 5);
         server.respond(sqe, kEPERM);
         expect_answer(caller, kEPERM);
     }},
    {"close-message", "kernel:src/scheme/user.rs KernelScheme::close",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t copy = OK(dup(file));
         EXPECT(close(file), 0);
         abi::Sqe sqe{};
         EXPECT(read(server.socket, &sqe, sizeof sqe), kEAGAIN);
         EXPECT(close(copy), 0);
         sqe = server.next(Opcode::kCloseMsg);
         EXPECT(sqe.args[0], 7);
         EXPECT(sqe.tag, 0);
     }},
    {"caller-s-ids", "kernel:src/scheme/user.rs UserInner::call_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const abi::Sqe sqe = exchange(server, 0, abi::SYS_FSYNC, file);
         EXPECT(sqe.args[5], 0);
         const Result<abi::ProcMeta> self = process_identity();
         EXPECT_TRUE(self && sqe.caller == self->pid);
     }},
    {"open-answered-with-a-descriptor", "kernel:src/scheme/user.rs Response::Fd",
     [] {
         const Server server;
         const Context opener = ask(abi::SYS_OPENAT, server.root, "x", 1, Open::kRdonly, 0);
         const abi::Sqe sqe = server.next(Opcode::kOpenAt);
         EXPECT(server.complete(CqeOpcode::kRespondWithFd, sqe.tag, open_sys("uname")), 16);
         opener.wait_for_end();
         EXPECT(read(answer.load(), buffer, 5), 5);
         EXPECT_TRUE(std::string_view(buffer, 5) == kUname);
     }},
    {"number-answered-with-a-descriptor", "kernel:src/scheme/user.rs Response::as_regular",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_FSYNC, file);
         const abi::Sqe sqe = server.next(Opcode::kFsync);
         EXPECT(server.complete(CqeOpcode::kRespondWithFd, sqe.tag, open_sys("uname")), 16);
         expect_answer(caller, kEIO);
     }},
    {"unknown-flags-of-a-new-handle", "kernel:src/scheme/user.rs KernelScheme::kopenat",
     [] {
         const Server server;
         const Context opener = ask(abi::SYS_OPENAT, server.root, "x", 1, Open::kRdonly, 0);
         server.respond(server.next(Opcode::kOpenAt), 9, 0x80);
         expect_answer(opener, kEINVAL);
     }},
    {"cancel", "kernel:src/scheme/user.rs UserInner::call_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_FSYNC, file);
         const abi::Sqe sqe = server.next(Opcode::kFsync);
         caller.wait_for(Status::kBlocked);
         EXPECT(caller.verb(Verb::kInterrupt), 8);
         const abi::Sqe cancel = server.next(Opcode::kCancel);
         EXPECT(cancel.tag, sqe.tag);
         EXPECT(cancel.sqe_flags, abi::SqeFlags::kOneway);
         server.respond(sqe, kECANCELED);
         expect_answer(caller, kEINTR);
     }},
    {"interrupted-without-a-cancel", "kernel:src/scheme/user.rs UserInner::call_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_FSYNC, file);
         server.respond(server.next(Opcode::kFsync), kEINTR);
         expect_answer(caller, kEIO);
     }},
    {"events", "kernel:src/scheme/user.rs UserInner::handle_parsed",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t queue =
             OK(open_kernel(abi::GlobalSchemes::kEvent, "", Open::kRdwr | Open::kNonblock));
         static abi::Event event;
         event = {file, Ready::kEventRead, 5};
         const abi::Sqe sqe = [&] {
             const Context caller = ask(abi::SYS_WRITE, queue, &event, sizeof event);
             const abi::Sqe asked = server.next(Opcode::kFevent);
             server.respond(asked, 0);
             expect_answer(caller, sizeof event);
             return asked;
         }();
         expect_sqe(sqe, Opcode::kFevent, {7, Ready::kEventRead, 0});
         EXPECT(read(queue, &event, sizeof event), kEAGAIN);
         abi::Cqe cqe{};
         cqe.flags = static_cast<uint8_t>(CqeOpcode::kSendFevent);
         cqe.tag = static_cast<uint32_t>(Ready::kEventRead);
         cqe.result = 7;
         EXPECT(write(server.socket, &cqe, sizeof cqe), 16);
         EXPECT(read(queue, &event, sizeof event), sizeof event);
         EXPECT(event.id, file);
         EXPECT(event.data, 5);
     }},
    {"descriptors-sent", "kernel:src/scheme/user.rs KernelScheme::kfdwrite",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context sender = ask(abi::SYS_SENDFD, file, open_sys("uname"), 0, 55);
         const abi::Sqe sqe = server.next(Opcode::kSendfd);
         expect_sqe(sqe, Opcode::kSendfd, {7, 0, 55});
         EXPECT(sqe.args[3], 1);
         const std::array<uint64_t, 2> words{0, sqe.tag};  // ObtainFd
         uint64_t taken = kAll;
         EXPECT(call(server.socket, &taken, 8, kTake | 2, words.data()), 1);
         EXPECT(read(taken, buffer, 5), 5);
         server.respond(sqe, 44);
         expect_answer(sender, 44);
     }},
    {"obtaining-from-unknown-requests", "kernel:src/scheme/mod.rs SchemeList::kfdread",
     [] {
         const Server server;
         uint64_t taken = kAll;
         const std::array<uint64_t, 2> words{0, 999};
         EXPECT(call(server.socket, &taken, 8, kTake | 2, words.data()), kEINVAL);
         EXPECT(call(server.socket, &taken, 8, kTake | 1, words.data()), kEINVAL);
         EXPECT(sendfd(server.socket, open_sys("uname"), 0), kEINVAL);
     }},
    {"mapped-by-another-space", "kernel:src/scheme/user.rs UserInner::fmap_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t pages = OK(anon(3 * kPage, kRw));
         store(pages, 0x41);
         const Result<uint32_t> child = fork_process();
         EXPECT_TRUE(static_cast<bool>(child));
         if (*child == 0) {
             const uint64_t mapped = fmap(file, 0, 3 * kPage - 100, kRw | kShared);
             if (mapped % kPage != 0 || load(mapped) != 0x41) exit_now(1);
             store(mapped + 8, 9);
             if (close(file) != 0 || funmap(mapped + kPage, kPage) != 0) exit_now(2);
             exit_now(funmap(mapped, 3 * kPage) == 0 ? 0 : 3);
         }
         EXPECT(close(file), 0);
         abi::Sqe sqe = server.next(Opcode::kMmapPrep);
         expect_sqe(sqe, Opcode::kMmapPrep, {7, 3 * kPage - 100, kRw | kShared});
         EXPECT(sqe.args[3], 0);
         server.respond(sqe, pages);
         // The descriptor is closed by now; the mapping holds what is behind it.
         for (const uint64_t offset : {kPage, uint64_t{0}, 2 * kPage}) {
             sqe = server.next(Opcode::kMunmap);
             expect_sqe(sqe, Opcode::kMunmap, {7, kPage, abi::MunmapFlags::kNeedsSync});
             EXPECT(sqe.args[3], offset);
             server.respond(sqe, 0);
         }
         EXPECT(server.next(Opcode::kCloseMsg).args[0], 7);
         EXPECT(load(pages + 8), 9);
         const auto news = wait_for_child(*child, 0);
         EXPECT_TRUE(news && news->status == 0);
     }},
    {"read-only-mapping-needs-no-sync", "kernel:src/context/memory.rs AddrSpace::munmap",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t pages = OK(anon(kPage, kRw));
         const Result<uint32_t> child = fork_process();
         EXPECT_TRUE(static_cast<bool>(child));
         if (*child == 0) {
             const uint64_t mapped = fmap(file, kPage, kPage, kR | kShared);
             if (mprotect(mapped, kPage, kRw) != abi::mux_error(kEACCES)) exit_now(1);
             exit_now(funmap(mapped, kPage) == 0 ? 0 : 2);
         }
         abi::Sqe sqe = server.next(Opcode::kMmapPrep);
         EXPECT(sqe.args[3], kPage);
         server.respond(sqe, pages);
         sqe = server.next(Opcode::kMunmap);
         expect_sqe(sqe, Opcode::kMunmap, {7, kPage, 0});
         server.respond(sqe, 0);
         const auto news = wait_for_child(*child, 0);
         EXPECT_TRUE(news && news->status == 0);
     }},
    {"mapping-answered-with-an-odd-address", "kernel:src/scheme/user.rs UserInner::fmap_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Result<uint32_t> child = fork_process();
         EXPECT_TRUE(static_cast<bool>(child));
         if (*child == 0) exit_now(fmap(file, 0, kPage, kR | kShared) == abi::mux_error(kEINVAL) ? 0 : 1);
         server.respond(server.next(Opcode::kMmapPrep), 0x1001);
         const auto news = wait_for_child(*child, 0);
         EXPECT_TRUE(news && news->status == 0);
     }},
    {"mapping-one-s-own-scheme", "kernel:src/scheme/user.rs UserInner::fmap_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         EXPECT(fmap(file, 0, kPage, kR | kShared), kEBUSY);
         EXPECT(fmap(file, 0, 0, kR), kEINVAL);
         EXPECT(fmap(file, 1, kPage, kR), kEINVAL);
         EXPECT(fmap(file, 0, kPage, kR, 1), kEINVAL);
     }},
};

}  // namespace

Area request_area() {
    return {"requests", "what servers see of each call, and what callers see of the answer", kRequestProbes};
}

}  // namespace halfcell::userland::conform
