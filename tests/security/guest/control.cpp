// The control socket of the very run, for somebody who knows its name.

#include <array>
#include <cstring>

#include "abi/flags.h"
#include "abi/number.h"
#include "abi/socket_call.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

using Flags = abi::OpenFlags;

constexpr std::string_view kOrder = "lock\n";

// As a process of Linux, by a socket. '@' begins an abstract name.
void order_by_socket(std::string_view path) {
    constexpr Word kUnix = 1, kStream = 1;
    char address[110] = {kUnix};
    std::memcpy(address + 2, path.data(), path.size());
    const bool abstract = path.starts_with('@');
    if (abstract) address[2] = 0;
    const Word socket = call(linux_call::kSocket, kUnix, kStream, 0);
    call(linux_call::kConnect, socket, word(address), 2 + path.size() + (abstract ? 0 : 1));
    call(linux_call::kSendto, socket, word(kOrder.data()), kOrder.size(), 0, 0, 0);
    char answer[64];
    call(linux_call::kRead, socket, word(answer), sizeof answer);
}

// Whatever a handle may be good for.
void order_by_handle(Word handle) {
    write_file(handle, kOrder.data(), kOrder.size());
    for (const std::string_view how : {"connect", "listen", "", "write"}) {
        const Word other = call(abi::SYS_DUP, handle, word(how.data()), how.size());
        if (is_error(other)) continue;
        write_file(other, kOrder.data(), kOrder.size());
        close_file(other);
    }
    std::array<char, 64> payload{};
    std::memcpy(payload.data(), kOrder.data(), kOrder.size());
    constexpr Word kMostCalls = 10;
    for (Word number = 0; number < kMostCalls; ++number)
        call(abi::SYS_CALL, handle, word(payload.data()), kOrder.size(), 1, word(&number));
}

void order_by_opening(std::string_view path) {
    constexpr std::array kHow{Flags::kRdonly,
                              Flags::kRdwr,
                              Flags::kWronly,
                              Flags::kRdwr | Flags::kCreat,
                              Flags::kStat,
                              Flags::kRdonly | Flags::kSymlink,
                              Flags::kRdonly | Flags::kDirectory};
    for (const Word flags : kHow) {
        const Word handle = call(abi::SYS_OPENAT, world().name_space, word(path.data()), path.size(),
                                 flags | Flags::kNonblock, 0600);
        if (is_error(handle)) continue;
        order_by_handle(handle);
        close_file(handle);
    }
}

// Sockets of the guest's own kinds, under that name and towards it.
void order_by_scheme(std::string_view scheme, std::string_view path) {
    char name[256];
    std::memcpy(name, scheme.data(), scheme.size());
    std::memcpy(name + scheme.size(), path.data(), path.size());
    order_by_opening({name, scheme.size() + path.size()});
    const Word socket = call(abi::SYS_OPENAT, world().name_space, word(name), scheme.size() - 1,
                             Flags::kRdwr | Flags::kCreat | Flags::kNonblock, 0);
    if (is_error(socket)) return;
    const auto connect = static_cast<Word>(abi::SocketCall::kConnect);
    call(abi::SYS_CALL, socket, word(path.data()), path.size(), 1, word(&connect));
    order_by_handle(socket);
    close_file(socket);
}

// PATH…: sends an order to whatever listens there, in every way there is; a guest then waits for input.
int reach_socket() {
    say("ready\n");
    for (int index = 0; index + 2 < world().argument_count; ++index) {
        const std::string_view path = text_argument(index);
        order_by_socket(path);
        if (!world().guest) continue;
        order_by_opening(path);
        for (const std::string_view scheme : {"/scheme/uds_stream/", "/scheme/uds_dgram/", "/scheme/chan/",
                                              "/scheme/file/", "/scheme/stdio/"})
            order_by_scheme(scheme, path);
    }
    say("done\n");
    char byte = 0;
    if (world().guest) read_file(0, &byte, 1);
    return 0;
}

constexpr Attack kAttacks[] = {{"reach-socket", reach_socket}};

}  // namespace

std::span<const Attack> control_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
