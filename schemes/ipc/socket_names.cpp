#include "schemes/ipc/socket_names.h"

#include <sys/random.h>

#include "kernel_shim/base/check.h"

namespace halfcell::ipc {

namespace {

std::uint64_t random_token() {
    std::uint64_t token = 0;
    // So few bytes come whole, and at once on a host that has booted.
    const ssize_t count = getrandom(&token, sizeof token, 0);
    HC_CHECK(count == sizeof token, "the host gives no random bytes");
    return token;
}

}  // namespace

Result<std::uint64_t> SocketNames::bind(const std::string& path, const std::shared_ptr<Socket>& socket) {
    const std::uint64_t token = random_token();
    return state_.with([&](State& state) -> Result<std::uint64_t> {
        if (!state.paths.try_emplace(path, token).second) return fail(Errno::kEADDRINUSE);
        state.tokens.emplace(token, socket);
        return token;
    });
}

void SocketNames::unbind(const std::string& path, std::uint64_t token) {
    state_.with([&](State& state) {
        const auto it = state.paths.find(path);
        if (it != state.paths.end() && it->second == token) state.paths.erase(it);
        state.tokens.erase(token);
    });
}

Result<std::shared_ptr<Socket>> SocketNames::find(std::uint64_t token) const {
    auto socket = state_.with([&](const State& state) -> std::shared_ptr<Socket> {
        const auto it = state.tokens.find(token);
        return it == state.tokens.end() ? nullptr : it->second.lock();
    });
    if (socket == nullptr) return fail(Errno::kECONNREFUSED);
    return socket;
}

}  // namespace halfcell::ipc
