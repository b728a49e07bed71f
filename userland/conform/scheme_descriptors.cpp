// Descriptors between a scheme's server and its callers, and what a server is told of those that are closed.

#include "userland/conform/areas.h"
#include "userland/conform/objects.h"
#include "userland/conform/scheme_server.h"
#include "userland/rt/child.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

using Pair = std::array<uint64_t, 2>;

// The two words that name a request to the scheme's socket.
Pair words_for(abi::SchemeSocketCall verb, const abi::Sqe& sqe) {
    return {static_cast<uint64_t>(verb), sqe.tag};
}
uint64_t obtain(const Server& server, const abi::Sqe& sqe, uint64_t* numbers, uint64_t size,
                uint64_t flags = 0) {
    const Pair words = words_for(abi::SchemeSocketCall::kObtainFd, sqe);
    return call(server.socket, numbers, size, kTake | flags | 2, words.data());
}
uint64_t move(const Server& server, const abi::Sqe& sqe, const uint64_t* numbers, uint64_t size,
              uint64_t flags = 0) {
    const Pair words = words_for(abi::SchemeSocketCall::kMoveFd, sqe);
    return call(server.socket, numbers, size, kGive | flags | 2, words.data());
}

Pair two_files() {
    return {open_sys("uname"), open_sys("env")};
}
bool shows_uname(uint64_t fd) {
    char text[5]{};
    return read(fd, text, sizeof text) == sizeof text && std::string_view(text, sizeof text) == kUname;
}

// A caller in the middle of giving two files to number 7, and what the server has read of it.
struct Giving {
    Server server;
    uint64_t file = OK(server.make_fd(7, 0));
    Pair given = two_files();
    Context caller = ask(abi::SYS_CALL, file, given.data(), 16, kGive, 0);
    abi::Sqe sqe = server.next(Opcode::kSendfd);
};
// The same of one that asks for `count`.
struct Taking {
    explicit Taking(uint64_t count, uint64_t flags = 0)
        : caller(ask(abi::SYS_CALL, file, taken.data(), 8 * count, kTake | flags, 0)),
          sqe(server.next(Opcode::kRecvfd)) {}
    void respond_with_them() const {
        EXPECT(server.complete(CqeOpcode::kRespondWithMultipleFds, sqe.tag, 0), 16);
    }

    Server server;
    uint64_t file = OK(server.make_fd(7, 0));
    Pair taken{kClosed, kClosed};
    Context caller;
    abi::Sqe sqe;
};

// No request is there.
void expect_silence(const Server& server) {
    abi::Sqe sqe{};
    EXPECT(read(server.socket, &sqe, sizeof sqe), kEAGAIN);
}

constexpr Probe kTransferProbes[] = {
    {"give-a-list", "kernel:src/scheme/user.rs KernelScheme::kfdwrite",
     [] {
         const Giving giving;
         expect_sqe(giving.sqe, Opcode::kSendfd, {7, 0, 0});
         EXPECT(giving.sqe.args[3], 2);
         EXPECT(fcntl(giving.given[0], Fcntl::kGetfd), kEBADF);
         Pair numbers{};
         EXPECT(obtain(giving.server, giving.sqe, numbers.data(), 16), 2);
         EXPECT_TRUE(shows_uname(numbers[0]));
         EXPECT(fcntl(numbers[1], Fcntl::kGetfd), 0);
         // Whatever the server says, the caller hears how many went.
         giving.server.respond(giving.sqe, 77);
         expect_answer(giving.caller, 2);
     }},
    {"obtain-nothing-more", "kernel:src/scheme/user.rs UserInner::call_fdread",
     [] {
         const Giving giving;
         Pair numbers{};
         EXPECT(obtain(giving.server, giving.sqe, numbers.data(), 16), 2);
         EXPECT(obtain(giving.server, giving.sqe, numbers.data(), 0), 0);
         EXPECT(obtain(giving.server, giving.sqe, numbers.data(), 8), kEINVAL);
     }},
    {"obtain-too-few", "kernel:src/scheme/user.rs UserInner::call_fdread",
     [] {
         const Giving giving;
         Pair numbers{};
         EXPECT(obtain(giving.server, giving.sqe, numbers.data(), 8), kEINVAL);
         // Redox has dropped them by now.
         EXPECT_DEVIATION(obtain(giving.server, giving.sqe, numbers.data(), 16), kEINVAL, 2);
     },
     Deviation::kSafer},
    {"obtain-into-the-upper-table", "kernel:src/context/context.rs bulk_insert_fds",
     [] {
         const Giving giving;
         Pair numbers{kAll, 0};
         EXPECT(obtain(giving.server, giving.sqe, numbers.data(), 16, Call::kFdUpper | Call::kFdCloexec), 2);
         EXPECT_TRUE((numbers[0] & kTag) != 0);
         EXPECT(numbers[1], numbers[0] + 1);
         EXPECT(fcntl(numbers[0], Fcntl::kGetfd), Open::kCloexec);
     }},
    {"obtain-by-completion", "kernel:src/scheme/user.rs UserInner::handle_parsed",
     [] {
         const Giving giving;
         static uint64_t number;
         number = kClosed;
         EXPECT(giving.server.complete(CqeOpcode::kObtainFd, giving.sqe.tag, as_word(&number)), 16);
         EXPECT_TRUE(shows_uname(number));
         EXPECT(fcntl(number, Fcntl::kGetfd), Open::kCloexec);
         constexpr uint8_t kManual = 1;
         EXPECT(giving.server.complete(CqeOpcode::kObtainFd, giving.sqe.tag, 500, kManual), 16);
         EXPECT(fcntl(500, Fcntl::kGetfd), Open::kCloexec);
         EXPECT(giving.server.complete(CqeOpcode::kObtainFd, giving.sqe.tag, as_word(&number)), kENOENT);
         EXPECT(giving.server.complete(CqeOpcode::kObtainFd, giving.sqe.tag, as_word(&number), 0x10),
                kEINVAL);
         EXPECT(giving.server.complete(CqeOpcode::kObtainFd, giving.sqe.tag + 100, as_word(&number)),
                kEINVAL);
     }},
    {"what-is-not-obtained-is-closed", "kernel:src/scheme/user.rs UserInner::respond",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const PipeEnds pipe = open_pipe(Open::kRdwr | Open::kNonblock);
         const Context caller = ask(abi::SYS_CALL, file, &pipe.writer, 8, kGive, 0);
         const abi::Sqe sqe = server.next(Opcode::kSendfd);
         char byte = 0;
         EXPECT(read(pipe.reader, &byte, 1), kEAGAIN);
         server.respond(sqe, kEPERM);
         expect_answer(caller, kEPERM);
         EXPECT(read(pipe.reader, &byte, 1), 0);
     }},
    {"give-what-others-hold", "kernel:src/syscall/fs.rs fdwrite_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t alone = open_sys("uname");
         const Context caller = ask(abi::SYS_SENDFD, file, alone, abi::SendFdFlags::kExclusive, 5);
         const abi::Sqe sqe = server.next(Opcode::kSendfd);
         expect_sqe(sqe, Opcode::kSendfd, {7, abi::SendFdFlags::kExclusive, 5});
         server.respond(sqe, 0);
         expect_answer(caller, 0);
         const uint64_t held = open_sys("uname");
         OK(dup(held));
         EXPECT(sendfd(file, held, abi::SendFdFlags::kExclusive), kEBUSY);
         expect_silence(server);
     }},
    {"take-a-list", "kernel:src/scheme/user.rs KernelScheme::kfdread",
     [] {
         const Taking taking(2);
         expect_sqe(taking.sqe, Opcode::kRecvfd, {7, 0, 2});
         const Pair files = two_files();
         EXPECT(move(taking.server, taking.sqe, files.data(), 16), 2);
         EXPECT(fcntl(files[0], Fcntl::kGetfd), kEBADF);
         taking.respond_with_them();
         expect_answer(taking.caller, 2);
         EXPECT_TRUE(shows_uname(taking.taken[0]));
         EXPECT(fcntl(taking.taken[1], Fcntl::kGetfd), 0);
     }},
    {"take-with-flags", "kernel:src/scheme/user.rs KernelScheme::kfdread",
     [] {
         const Taking taking(1, Call::kFdUpper | Call::kFdCloexec);
         expect_sqe(taking.sqe, Opcode::kRecvfd,
                    {7, abi::RecvFdFlags::kUpperTbl | abi::RecvFdFlags::kCloexec, 1});
     }},
    {"take-half-a-number", "kernel:src/scheme/user.rs KernelScheme::kfdread",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         Pair numbers{};
         EXPECT(call(file, numbers.data(), 12, kTake), kEINVAL);
         expect_silence(server);
     }},
    {"take-nothing", "kernel:src/scheme/user.rs KernelScheme::kfdread",
     [] {
         const Taking taking(0);
         expect_sqe(taking.sqe, Opcode::kRecvfd, {7, 0, 0});
         taking.respond_with_them();
         expect_answer(taking.caller, 0);
     }},
    {"take-what-is-not-sent", "kernel:src/context/context.rs bulk_insert_fds",
     [] {
         const Taking taking(2);
         const Pair files = two_files();
         EXPECT(move(taking.server, taking.sqe, files.data(), 8), 1);
         taking.respond_with_them();
         expect_answer(taking.caller, kEINVAL);
     }},
    {"take-and-hear-a-number", "kernel:src/scheme/user.rs KernelScheme::kfdread",
     [] {
         const Taking taking(1);
         taking.server.respond(taking.sqe, 1);
         expect_answer(taking.caller, kEIO);
     }},
    {"take-and-hear-an-error", "kernel:src/scheme/user.rs KernelScheme::kfdread",
     [] {
         const Taking taking(1);
         taking.server.respond(taking.sqe, kENOTCONN);
         expect_answer(taking.caller, kENOTCONN);
     }},
    {"move-again", "kernel:src/scheme/user.rs UserInner::call_fdwrite",
     [] {
         const Taking taking(1);
         const Pair files = two_files();
         EXPECT(move(taking.server, taking.sqe, &files[1], 8), 1);
         // What was moved before makes room for it.
         EXPECT(move(taking.server, taking.sqe, &files[0], 8), 1);
         taking.respond_with_them();
         expect_answer(taking.caller, 1);
         EXPECT_TRUE(shows_uname(taking.taken[0]));
     }},
    {"move-and-keep", "kernel:src/syscall/fs.rs fdwrite_inner",
     [] {
         const Taking taking(1);
         const uint64_t file = open_sys("uname");
         EXPECT(move(taking.server, taking.sqe, &file, 8, Call::kFdClone), 1);
         EXPECT(fcntl(file, Fcntl::kGetfd), 0);
         taking.respond_with_them();
         expect_answer(taking.caller, 1);
         // It is the same file: they share the offset.
         EXPECT_TRUE(shows_uname(taking.taken[0]));
         EXPECT(lseek(file, 0, 1), lseek(taking.taken[0], 0, 1));
     }},
    {"move-to-whom", "kernel:src/scheme/user.rs UserInner::call_fdwrite",
     [] {
         const Taking taking(1);
         const uint64_t file = open_sys("uname");
         const Pair other_verb{7, taking.sqe.tag};
         abi::Sqe unknown = taking.sqe;
         unknown.tag += 100;
         EXPECT(call(taking.server.socket, &file, 8, kGive | Call::kFdClone | 2, other_verb.data()), kEINVAL);
         EXPECT(call(taking.server.socket, &file, 8, kGive | Call::kFdClone | 1, other_verb.data()), kEINVAL);
         EXPECT(move(taking.server, unknown, &file, 8, Call::kFdClone), kEINVAL);
         EXPECT(move(taking.server, taking.sqe, &file, 8, Call::kFdClone), 1);
     }},
    {"an-answer-of-many-to-one-that-asked-for-none", "kernel:src/scheme/user.rs Response::as_regular",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_FSYNC, file);
         const abi::Sqe sqe = server.next(Opcode::kFsync);
         EXPECT(server.complete(CqeOpcode::kRespondWithMultipleFds, sqe.tag, 0), 16);
         expect_answer(caller, kEIO);
     }},
};

// A call that the server answers so that it hears of the next close.
void mark(const Server& server, uint64_t file, CqeOpcode opcode = CqeOpcode::kRespondAndNotifyOnDetach) {
    static constexpr std::array<uint64_t, 3> kWords{static_cast<uint64_t>(abi::StdFsCallKind::kFsync), 0, 0};
    const Context caller = ask(abi::SYS_CALL, file, 0, 0, Call::kStdFs | Call::kWrite | 3, kWords.data());
    const abi::Sqe sqe = server.next(Opcode::kStdFsCall);
    EXPECT(server.complete(opcode, sqe.tag, 3), 16);
    expect_answer(caller, 3);
}
void expect_detach(const Server& server) {
    const abi::Sqe sqe = server.next(Opcode::kDetach);
    EXPECT(sqe.args[0], 7);
    EXPECT(sqe.tag, 0);
    const Result<abi::ProcMeta> self = process_identity();
    EXPECT_TRUE(self && sqe.caller == self->pid);
}

constexpr Probe kDetachProbes[] = {
    {"every-close-is-told", "kernel:src/scheme/user.rs KernelScheme::detach",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t first = OK(dup(file)), second = OK(dup(file));
         mark(server, file);
         EXPECT(close(first), 0);
         expect_detach(server);
         expect_silence(server);
         EXPECT(close(second), 0);
         expect_detach(server);
         EXPECT(close(file), 0);
         expect_detach(server);
         EXPECT(server.next(Opcode::kCloseMsg).args[0], 7);
     }},
    {"until-it-is-answered-otherwise", "kernel:src/scheme/user.rs KernelScheme::kstdfscall",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         mark(server, file);
         mark(server, file, CqeOpcode::kRespondRegular);
         EXPECT(close(OK(dup(file))), 0);
         expect_silence(server);
     }},
    {"other-answers-mark-nothing", "kernel:src/scheme/user.rs Response::as_regular",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const Context caller = ask(abi::SYS_FSYNC, file);
         const abi::Sqe sqe = server.next(Opcode::kFsync);
         EXPECT(server.complete(CqeOpcode::kRespondAndNotifyOnDetach, sqe.tag, 0), 16);
         expect_answer(caller, 0);
         EXPECT(close(file), 0);
         EXPECT(server.next(Opcode::kCloseMsg).args[0], 7);
     }},
    {"moving-is-not-closing", "kernel:src/syscall/fs.rs fdwrite_inner",
     [] {
         const Server server;
         const uint64_t file = OK(server.make_fd(7, 0));
         const uint64_t copy = OK(dup(file));
         mark(server, file);
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, &copy, 8, kGive), 1);
         expect_silence(server);
         uint64_t taken = 0;
         EXPECT(call(pipe.reader, &taken, 8, kTake), 1);
         EXPECT(close(taken), 0);
         expect_detach(server);
     }},
};

}  // namespace

Area transfer_area() {
    return {"transfers", "descriptors between a scheme's server and its callers", kTransferProbes};
}
Area detach_area() {
    return {"detach", "what a server is told of descriptors that are closed", kDetachProbes};
}

}  // namespace halfcell::userland::conform
