// What programs talk to each other through: chan, uds_stream, uds_dgram, and the memory of shm.

#include "abi/proc_call.h"
#include "abi/socket_call.h"
#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;
using abi::SocketCall;
using Socket = abi::SocketConstant;

constexpr uint64_t kMade = Open::kRdwr | Open::kCreat | Open::kNonblock;

char buffer[256];

uint64_t open_made(std::string_view path) {
    return open_scheme(path, kMade);
}
// A name that no other run has: it may outlive the probe.
std::string_view own_name() {
    static char text[40];
    abi::ProcMeta meta{};
    OK(read(word(process().process), &meta, sizeof meta));
    const std::string made = concat("conform-", meta.pid);
    EXPECT_TRUE(made.size() <= sizeof text);
    std::memcpy(text, made.data(), made.size());
    return {text, made.size()};
}
void expect_text(uint64_t fd, std::string_view wanted, uint64_t most = sizeof buffer) {
    EXPECT(read(fd, buffer, most), wanted.size());
    EXPECT_TRUE(std::string_view(buffer, wanted.size()) == wanted);
}
void put_text(uint64_t fd, std::string_view text) {
    EXPECT(write(fd, text.data(), text.size()), text.size());
}

// SYS_CALL as libc makes it of a socket function.
template <typename Payload>
uint64_t ask_socket(uint64_t socket, SocketCall what, Payload payload, uint64_t size, uint64_t argument = 0) {
    const std::array<uint64_t, 2> words{static_cast<uint64_t>(what), argument};
    return call(socket, payload, size, Call::kRead | Call::kWrite | 2, words.data());
}
uint64_t bind(uint64_t socket, std::string_view path) {
    std::memcpy(buffer, path.data(), path.size());
    return ask_socket(socket, SocketCall::kBind, buffer, path.size());
}
uint64_t connect_to(uint64_t socket, uint64_t listener) {
    uint64_t token = 0;
    EXPECT(ask_socket(listener, SocketCall::kGetToken, &token, sizeof token), sizeof token);
    return ask_socket(socket, SocketCall::kConnect, &token, sizeof token);
}

// Two ends of one connection, as socketpair() makes them.
struct Ends {
    explicit Ends(std::string_view scheme) {
        const uint64_t first = OK(open_made(scheme));
        left = OK(dup(first, "connect"));
        right = scheme == "uds_dgram" ? first : OK(dup(first, "listen"));
        EXPECT(fcntl(left, Fcntl::kSetfl, Open::kRdwr | Open::kNonblock), 0);
        EXPECT(fcntl(right, Fcntl::kSetfl, Open::kRdwr | Open::kNonblock), 0);
    }
    uint64_t left = kClosed;
    uint64_t right = kClosed;
};

// The length of a message, and the message.
struct Message {
    uint64_t size = 0;
    char text[8]{};
};

constexpr Probe kChanProbes[] = {
    {"names", "base:ipcd/src/chan.rs openat",
     [] {
         const std::string path = concat("chan/", own_name());
         EXPECT(open_scheme(path, Open::kRdwr), kENOENT);
         const uint64_t listener = OK(open_made(path));
         EXPECT(open_scheme(path, kMade | Open::kExcl), kEEXIST);
         const uint64_t client = OK(open_scheme(path, Open::kRdwr | Open::kNonblock));
         const uint64_t server = OK(dup(listener, "listen"));
         put_text(client, "hello");
         expect_text(server, "hello");
         EXPECT(close(listener), 0);
         EXPECT(open_scheme(path, Open::kRdwr), kENOENT);
     }},
    {"pair", "base:ipcd/src/chan.rs dup",
     [] {
         const Ends ends("chan");
         put_text(ends.left, "one");
         put_text(ends.left, "two");
         expect_text(ends.right, "onet", 4);
         expect_text(ends.right, "wo");
         EXPECT(read(ends.right, buffer, 1), kEAGAIN);
         EXPECT(dup(ends.left, "listen"), kEBADF);
     }},
    {"end", "base:ipcd/src/chan.rs on_close",
     [] {
         const Ends ends("chan");
         put_text(ends.left, "last");
         EXPECT(close(ends.left), 0);
         expect_text(ends.right, "last");
         EXPECT(read(ends.right, buffer, 1), 0);
         EXPECT(write(ends.right, "x", 1), kEPIPE);
     }},
    {"nobody-connects", "base:ipcd/src/chan.rs dup",
     [] { EXPECT(dup(OK(open_made("chan")), "listen"), kEWOULDBLOCK); }},
};

constexpr Probe kStreamProbes[] = {
    {"only-made", "base:ipcd/src/uds/stream.rs openat",
     [] {
         EXPECT(open_scheme("uds_stream", Open::kRdwr), kEINVAL);
         EXPECT(open_made("uds_stream/name"), kEINVAL);
         abi::Stat stat{};
         EXPECT(sc(abi::SYS_FSTAT, OK(open_made("uds_stream")), &stat, sizeof stat), 0);
         EXPECT(stat.st_mode & abi::Mode::kType, abi::Mode::kSock);
     }},
    {"bytes", "base:ipcd/src/uds/stream.rs write_inner",
     [] {
         const Ends ends("uds_stream");
         put_text(ends.left, "abc");
         put_text(ends.left, "def");
         expect_text(ends.right, "abcd", 4);
         expect_text(ends.right, "ef");
         EXPECT(read(ends.right, buffer, 1), kEAGAIN);
         EXPECT(close(ends.left), 0);
         EXPECT(read(ends.right, buffer, 1), 0);
         EXPECT(write(ends.right, "x", 1), kEPIPE);
     }},
    {"unconnected", "base:ipcd/src/uds/stream.rs get_connected_peer",
     [] {
         const uint64_t socket = OK(open_made("uds_stream"));
         EXPECT(write(socket, "x", 1), kEPROTO);
         EXPECT(read(socket, buffer, 1), kENOTCONN);
         EXPECT(ask_socket(socket, SocketCall::kGetPeerName, buffer, 99), kEPROTO);
         EXPECT(ask_socket(socket, SocketCall::kShutdown, buffer, 0), kEOPNOTSUPP);
     }},
    {"bind", "base:ipcd/src/uds/stream.rs handle_bind",
     [] {
         const uint64_t first = OK(open_made("uds_stream")), second = OK(open_made("uds_stream"));
         EXPECT(bind(first, own_name()), 0);
         EXPECT(bind(first, "other"), kEINVAL);
         EXPECT(bind(second, own_name()), kEADDRINUSE);
         EXPECT(bind(second, ""), kEINVAL);
         const std::string path = concat("/scheme/uds_stream/", own_name());
         EXPECT(sc(abi::SYS_FPATH, first, buffer, sizeof buffer), path.size());
         EXPECT_TRUE(std::string_view(buffer, path.size()) == path);
         EXPECT(close(first), 0);
         EXPECT(bind(second, own_name()), 0);
     }},
    {"token", "base:ipcd/src/uds/stream.rs handle_get_token",
     [] {
         const uint64_t listener = OK(open_made("uds_stream"));
         uint64_t token = 0;
         EXPECT(ask_socket(listener, SocketCall::kGetToken, &token, 8), kEINVAL);
         EXPECT(bind(listener, own_name()), 0);
         EXPECT(ask_socket(listener, SocketCall::kGetToken, &token, 4), kENOBUFS);
         EXPECT(ask_socket(listener, SocketCall::kGetToken, &token, 8), 8);
         const uint64_t client = OK(open_made("uds_stream"));
         EXPECT(ask_socket(client, SocketCall::kConnect, &token, 4), kEINVAL);
         token += 1000;
         EXPECT(ask_socket(client, SocketCall::kConnect, &token, 8), kECONNREFUSED);
     }},
    {"domain", "base:ipcd/src/uds/stream.rs handle_getsockopt",
     [] {
         int value = 0;
         const uint64_t socket = OK(open_made("uds_stream"));
         EXPECT(ask_socket(socket, SocketCall::kGetSockOpt, &value, sizeof value, Socket::kSoDomain),
                sizeof value);
         EXPECT(value, Socket::kAfUnix);
         EXPECT(ask_socket(socket, SocketCall::kGetSockOpt, &value, sizeof value, 4711), kENOPROTOOPT);
     }},
    {"descriptors", "base:ipcd/src/uds/stream.rs sendfd_inner",
     [] {
         const Ends ends("uds_stream");
         const std::array<uint64_t, 2> given{open_sys("uname"), open_sys("env")};
         EXPECT(call(ends.left, given.data(), 16, kGive), 2);
         EXPECT(is_open(given[0]), false);
         std::array<uint64_t, 2> taken{};
         EXPECT(call(ends.right, taken.data(), 16, kTake), 2);
         expect_text(taken[0], kUname, kUname.size());
         EXPECT(is_open(taken[1]), true);
     }},
    {"one-descriptor", "base:ipcd/src/uds/stream.rs handle_recvfd",
     [] {
         const Ends ends("uds_stream");
         // It waits, also where reads would not.
         static uint64_t answer;
         const Context taker =
             Context::started([](uint64_t socket) { answer = dup(socket, "recvfd"); }, ends.right);
         taker.wait_for(Status::kBlocked);
         EXPECT(sendfd(ends.left, open_sys("uname"), 0), 1);
         taker.wait_for_end();
         expect_text(OK(answer), kUname, kUname.size());
         EXPECT(dup(ends.right, "other"), kEINVAL);
     }},
};

constexpr Probe kDatagramProbes[] = {
    {"one-read-one-message", "base:ipcd/src/uds/dgram.rs read_inner",
     [] {
         const Ends ends("uds_dgram");
         put_text(ends.left, "first");
         put_text(ends.left, "");
         put_text(ends.left, "third");
         expect_text(ends.right, "fir", 3);
         expect_text(ends.right, "");
         expect_text(ends.right, "third");
         EXPECT(read(ends.right, buffer, 1), kEAGAIN);
     }},
    {"long-messages", "base:ipcd/src/uds/dgram.rs write_inner",
     [] {
         static char much[65537];
         const Ends ends("uds_dgram");
         EXPECT(write(ends.left, much, 65537), kEMSGSIZE);
         EXPECT(write(ends.left, much, 65536), 65536);
     }},
    {"connect", "base:ipcd/src/uds/dgram.rs handle_connect",
     [] {
         const uint64_t server = OK(open_made("uds_dgram"));
         const uint64_t one = OK(open_made("uds_dgram")), two = OK(open_made("uds_dgram"));
         EXPECT(write(one, "x", 1), kENOTCONN);
         EXPECT(bind(server, own_name()), 0);
         EXPECT(connect_to(one, server), 0);
         EXPECT(connect_to(two, server), 0);
         put_text(one, "1");
         put_text(two, "2");
         expect_text(server, "1");
         expect_text(server, "2");
         EXPECT(close(server), 0);
         EXPECT(write(one, "x", 1), kEPIPE);
     }},
    {"messages", "base:ipcd/src/uds/dgram.rs handle_recvmsg",
     [] {
         const Ends ends("uds_dgram");
         Message sent{.size = 5, .text = {'h', 'e', 'l', 'l', 'o'}};
         EXPECT(ask_socket(ends.left, SocketCall::kSendMsg, &sent, 13), 5);
         // Room for no name, for two bytes, and for nothing that came along.
         struct {
             abi::ReceiveHeader header{0, 2, 0};
             char rest[64]{};
         } received;
         EXPECT(ask_socket(ends.right, SocketCall::kRecvMsg, &received, sizeof received), 18);
         EXPECT(load(as_word(&received)), 0);
         // It says how long the message was, whatever there was room for.
         EXPECT(load(as_word(&received) + 8), 5);
         EXPECT(load(as_word(&received) + 16) & 0xffff, 'h' | 'e' << 8);
         received.header = {0, 2, 0};
         EXPECT(
             ask_socket(ends.right, SocketCall::kRecvMsg, &received, sizeof received, Socket::kMsgDontwait),
             kEAGAIN);
     }},
};

constexpr Probe kShmProbes[] = {
    {"names", "base:ipcd/src/shm.rs unlinkat",
     [] {
         const std::string path = concat("shm/", own_name());
         EXPECT(open_scheme(path, Open::kRdwr), kENOENT);
         const uint64_t memory = OK(open_made(path));
         EXPECT(open_scheme(path, kMade | Open::kExcl), kEEXIST);
         put_text(memory, "hello");
         const uint64_t again = OK(open_scheme(path, Open::kRdwr));
         expect_text(again, "hello");
         const std::string whole = concat("/scheme/", path);
         EXPECT(sc(abi::SYS_UNLINKAT, word(process().name_space), whole.data(), whole.size(), 0), 0);
         // The name goes with the last who has it open.
         EXPECT(close(memory), 0);
         EXPECT(close(OK(open_scheme(path, Open::kRdwr))), 0);
         EXPECT(close(again), 0);
         EXPECT(open_scheme(path, Open::kRdwr), kENOENT);
     }},
    {"mappings-share", "base:ipcd/src/shm.rs mmap_prep",
     [] {
         const uint64_t memory = OK(open_made(concat("shm/", own_name())));
         EXPECT(sc(abi::SYS_FTRUNCATE, memory, 2 * kPage), 0);
         const uint64_t one = OK(fmap(memory, 0, 2 * kPage, kRw | kShared));
         const uint64_t two = OK(fmap(memory, kPage, kPage, kRw | kShared));
         store(one + kPage + 16, 0x1234);
         EXPECT(load(two + 16), 0x1234);
         EXPECT(load(one + 16), 0);
     }},
};

}  // namespace

Area chan_area() {
    return {"chan", "connections by name", kChanProbes};
}
Area stream_area() {
    return {"uds_stream", "sockets of streams", kStreamProbes};
}
Area datagram_area() {
    return {"uds_dgram", "sockets of messages", kDatagramProbes};
}
Area shm_area() {
    return {"shm", "memory by name", kShmProbes};
}

}  // namespace halfcell::userland::conform
