// A scheme server's socket: requests read from it, completions written to it.

#include "userland/conform/areas.h"
#include "userland/conform/scheme_server.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

alignas(4096) char buffer[2 * 4096];

constexpr Probe kSocketProbes[] = {
    {"empty-socket", "kernel:src/scheme/user.rs UserInner::read",
     [] {
         const Server server;
         abi::Sqe sqe{};
         EXPECT(read(server.socket, &sqe, 64), kEAGAIN);
         EXPECT(read(server.socket, &sqe, 63), kEINVAL);
         EXPECT(read(server.socket, &sqe, 0), 0);
         EXPECT(fevent(server.socket, 3), 0);
     }},
    {"socket-metadata", "kernel:src/scheme/mod.rs SchemeList",
     [] {
         const Server server;
         EXPECT(sc(abi::SYS_FPATH, server.socket, buffer, 40), 7);
         EXPECT_TRUE(std::string_view(buffer, 7) == "/scheme");
         EXPECT(sc(abi::SYS_FSTAT, server.socket, buffer, 104), kEBADF);
         EXPECT(sc(abi::SYS_FSYNC, server.socket), 0);
         EXPECT(lseek(server.socket, 0, 2), kESPIPE);
         EXPECT(write2(server.socket, buffer, 16, 0, kAll), kESPIPE);
         EXPECT(write(server.socket, buffer, 0), 0);
         EXPECT(openat(server.socket, "x"), kEOPNOTSUPP);
     }},
    {"creation-names", "kernel:src/scheme/mod.rs SchemeList::kdup",
     [] {
         const Server server;
         const uint64_t capability =
             OK(openat(word(process().name_space), "/scheme/namespace/scheme-creation-cap", Open::kRdwr));
         OK(dup(capability, "create-scheme-and-more"));
         EXPECT(dup(capability, "create-schem"), kEINVAL);
         EXPECT(dup(capability, "x"), kEINVAL);
     }},
    {"new-descriptors", "kernel:src/scheme/mod.rs SchemeList::kdup",
     [] {
         const Server server;
         EXPECT(sc(abi::SYS_DUP, server.socket, buffer, 31), kEINVAL);
         EXPECT(server.make_fd(5, 0x80), kEINVAL);
         EXPECT(fcntl(OK(server.make_fd(5, 1)), Fcntl::kGetfd), 0);
     }},
    {"partial-reads", "kernel:src/scheme/user.rs UserInner::read",
     [] {
         const Server server;
         const Context opener = ask(abi::SYS_OPENAT, server.root, "held", 4, Open::kRdonly, 0);
         opener.wait_for(Status::kBlocked);
         EXPECT(fevent(server.socket, 3), Ready::kEventRead);
         EXPECT(read(server.socket, buffer, 10), 10);
         EXPECT(read(server.socket, buffer, 0), 0);
         EXPECT(read(server.socket, buffer, 64), 64);
         EXPECT(read(server.socket, buffer, 64), kEAGAIN);
     }},
    {"batches", "kernel:src/scheme/user.rs UserInner::read",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context first = ask(abi::SYS_FSYNC, file);
         first.wait_for(Status::kBlocked);
         const Context second = Context::started(make_request);
         second.wait_for(Status::kBlocked);
         EXPECT(read(server.socket, buffer, 256), 128);
         abi::Sqe two[2];
         std::memcpy(two, buffer, sizeof two);
         EXPECT_TRUE(two[0].tag != two[1].tag);
         server.respond(two[0], 0);
         server.respond(two[1], 0);
         first.wait_for_end();
         second.wait_for_end();
     }},
    {"batch-with-a-bad-entry", "kernel:src/scheme/user.rs UserInner::write",
     [] {
         const Server server;
         const Context opener = ask(abi::SYS_OPENAT, server.root, "held", 4, Open::kRdonly, 0);
         const abi::Sqe sqe = server.next(Opcode::kOpenAt);
         abi::Cqe two[2]{};
         two[0].tag = sqe.tag;
         two[0].result = 7;
         two[1].tag = 999;
         EXPECT(write(server.socket, two, sizeof two), 16);
         opener.wait_for_end();
         EXPECT_TRUE(abi::demux_errno(answer.load()) == 0);
     }},
    {"unknown-tags", "kernel:src/scheme/user.rs UserInner::write",
     [] {
         const Server server;
         EXPECT(server.complete(CqeOpcode::kRespondRegular, 999, 0), kEBADFD);
         EXPECT(write(server.socket, buffer, 15), 0);
     }},
    {"read-waits", "kernel:src/scheme/user.rs UserInner::read",
     [] {
         static Server server(0);
         const Context reader = Context::started([](uint64_t) { answer = read(server.socket, buffer, 64); });
         reader.wait_for(Status::kBlocked);
         EXPECT(reader.verb(Verb::kInterrupt), 8);
         expect_answer(reader, kEINTR);
     }},
    {"closed-socket", "kernel:src/scheme/mod.rs SchemeList::close",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t copy = OK(dup(file));
         EXPECT(close(server.socket), 0);
         EXPECT(read(file, buffer, 1), kENODEV);
         EXPECT(openat(server.root, "x"), kENODEV);
         EXPECT(close(copy), 0);
         EXPECT(close(file), kENODEV);
         EXPECT(fcntl(file, Fcntl::kGetfd), kEBADF);
     }},
    {"closed-under-a-waiting-caller", "kernel:src/scheme/user.rs UserInner::call_inner",
     [] {
         beware("leaves the caller waiting for ever");
         const Server server;
         const Context caller = ask(abi::SYS_FSYNC, server.root);
         (void)server.next(Opcode::kFsync);
         EXPECT(close(server.socket), 0);
         caller.wait_for_end();
         EXPECT_DEVIATION(answer.load(), kAll, kENODEV);
     },
     Deviation::kSafer},
};

}  // namespace

Area socket_area() {
    return {"socket", "a server's socket: requests out, completions in", kSocketProbes};
}

}  // namespace halfcell::userland::conform
