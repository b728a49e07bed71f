// Tests that two processes find each other by a file, and pass bytes, descriptors and memory.

#include <array>
#include <cstring>
#include <string>

#include "abi/socket_call.h"
#include "tests/guests/check.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"

namespace halfcell::userland {
namespace {

using abi::CallFlags;
using abi::OpenFlags;
using abi::SocketCall;

constexpr std::uint64_t kNewSocket = OpenFlags::kRdwr | OpenFlags::kCreat;

std::string text_of(const auto& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

Result<std::uint64_t> call(Fd socket, SocketCall what, std::string& payload) {
    const std::array words{static_cast<std::uint64_t>(what), std::uint64_t{0}};
    return sys_call(socket, std::as_writable_bytes(std::span(payload)), CallFlags::kRead | CallFlags::kWrite,
                    words);
}

// As relibc's bind: the socket gets its path, then the directory gets the socket.
void bind_to(Fd socket, std::string path) {
    need(call(socket, SocketCall::kBind, path), "bind");
    const UniqueFd directory = need(open_file("/tmp", OpenFlags::kRdonly | OpenFlags::kDirectory), "/tmp");
    const Fd sent = need(sys_dup(socket, ""), "dup");
    need(checked_syscall(abi::SYS_SENDFD, word(directory.fd()), word(sent), std::uint64_t{0},
                         std::uint64_t{0}),
         "send the socket to the directory");
}

void connect_to(Fd socket, const std::string& path) {
    const UniqueFd file = need(open_file(path, OpenFlags::kRdwr), path);
    std::string token(16, '\0');
    const std::array words{static_cast<std::uint64_t>(abi::FsCall::kConnect)};
    need(sys_call(file.fd(), std::as_writable_bytes(std::span(token)), CallFlags::kRead, words),
         "ask the file for its token");
    need(call(socket, SocketCall::kConnect, token), "connect");
}

std::string read_text(Fd fd) {
    std::string text(100, '\0');
    text.resize(need(sys_read(fd, std::as_writable_bytes(std::span(text))), "read"));
    return text;
}

void write_text(Fd fd, std::string_view text) {
    check(need(sys_write(fd, std::as_bytes(std::span(text))), "write") == text.size(), "all is written");
}

void test_stream() {
    const UniqueFd server = need(open_file("/scheme/uds_stream", kNewSocket), "socket");
    bind_to(server.fd(), "tmp/stream.sock");
    check((need(stat_file("/tmp/stream.sock"), "stat").st_mode & abi::Mode::kType) == abi::Mode::kSock,
          "the file is a socket");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        const UniqueFd client = need(open_file("/scheme/uds_stream", kNewSocket), "socket");
        connect_to(client.fd(), "/tmp/stream.sock");
        write_text(client.fd(), "ping");
        check(read_text(client.fd()) == "pong", "the answer arrives");

        // A descriptor, and the message that tells of it.
        const UniqueFd file = need(open_file("/tmp/sent", kNewSocket), "a file");
        write_text(file.fd(), "content");
        std::uint64_t number = word(file.fd());
        need(sys_call(client.fd(), std::as_writable_bytes(std::span(&number, 1)),
                      CallFlags::kWrite | CallFlags::kFd | CallFlags::kFdClone, {}),
             "send a descriptor");
        std::string message = text_of(std::uint64_t{1}) + "m" + text_of(abi::AncillaryHeader{1, 1, 8}) +
                              text_of(std::uint64_t{1});
        check(need(call(client.fd(), SocketCall::kSendMsg, message), "send a message") == 1,
              "one byte is sent");
        exit_program(0);
    }
    const UniqueFd accepted{need(sys_dup(server.fd(), "listen"), "accept")};
    check(read_text(accepted.fd()) == "ping", "the client's bytes arrive");
    write_text(accepted.fd(), "pong");
    std::string message(200, '\0');
    const abi::ReceiveHeader header{0, 10, 60};
    std::memcpy(message.data(), &header, sizeof header);
    message.resize(need(call(accepted.fd(), SocketCall::kRecvMsg, message), "receive a message"));
    check(message == text_of(std::uint64_t{0}) + text_of(std::uint64_t{1}) + "m" +
                         text_of(abi::AncillaryHeader{1, 1, 8}) + text_of(std::uint64_t{1}),
          "the message tells of a descriptor");
    std::uint64_t number = 0;
    need(sys_call(accepted.fd(), std::as_writable_bytes(std::span(&number, 1)),
                  CallFlags::kRead | CallFlags::kFd, {}),
         "receive a descriptor");
    const UniqueFd file{Fd{number}};
    need(sys_lseek(file.fd(), 0, abi::SeekWhence::kSet), "seek");
    check(read_text(file.fd()) == "content", "it is the client's file");
    check(read_text(accepted.fd()).empty(), "the client's end is an end");
    check(need(wait_for_child(child, 0), "wait").status == 0, "the client is content");
    need(remove_file("/tmp/stream.sock"), "remove the socket's file");
}

void test_dgram() {
    const UniqueFd server = need(open_file("/scheme/uds_dgram", kNewSocket), "socket");
    bind_to(server.fd(), "tmp/dgram.sock");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        const UniqueFd client = need(open_file("/scheme/uds_dgram", kNewSocket), "socket");
        connect_to(client.fd(), "/tmp/dgram.sock");
        write_text(client.fd(), "one");
        write_text(client.fd(), "two");
        exit_program(0);
    }
    check(read_text(server.fd()) == "one", "the first message");
    check(read_text(server.fd()) == "two", "the second message");
    check(need(wait_for_child(child, 0), "wait").status == 0, "the client is content");
}

void test_memory() {
    const UniqueFd memory = need(open_file("/scheme/shm/talk", kNewSocket), "shm");
    need(sys_ftruncate(memory.fd(), 4096), "give it a size");
    abi::Map map{};
    map.size = 4096;
    map.flags = abi::MapFlags::kMapShared | abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
    const std::byte* const here = need(sys_fmap(memory.fd(), map), "map it");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        const UniqueFd again = need(open_file("/scheme/shm/talk", OpenFlags::kRdwr), "shm in the child");
        std::byte* const there = need(sys_fmap(again.fd(), map), "map it in the child");
        std::memcpy(there, "shared", 6);
        exit_program(0);
    }
    check(need(wait_for_child(child, 0), "wait").status == 0, "the child is content");
    check(std::memcmp(here, "shared", 6) == 0, "the child's bytes are seen");
    need(remove_file("/scheme/shm/talk"), "unlink it");
}

void test_channel() {
    const UniqueFd listener = need(open_file("/scheme/chan/talk", kNewSocket), "chan");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        const UniqueFd client = need(open_file("/scheme/chan/talk", OpenFlags::kRdwr), "connect");
        write_text(client.fd(), "hello");
        exit_program(0);
    }
    const UniqueFd accepted{need(sys_dup(listener.fd(), "listen"), "accept")};
    check(read_text(accepted.fd()) == "hello", "the channel's bytes arrive");
    check(need(wait_for_child(child, 0), "wait").status == 0, "the client is content");
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    test_stream();
    test_dgram();
    test_memory();
    test_channel();
    return passed();
}

}  // namespace halfcell::userland
