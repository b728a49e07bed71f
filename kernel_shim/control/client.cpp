#include "kernel_shim/control/client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/socket_file.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::control {

namespace {

std::string advice(int error) {
    switch (error) {
        case ENOENT:
            return "no run listens there; start one with halfcell run --control";
        case ECONNREFUSED:
            return "no run listens there: it has ended, was locked, or that is no control socket; start one "
                   "with halfcell run --control";
        case EACCES:
            return "it is another user's; ask as root, or start the run with --control-uid";
        case EAGAIN:
            return "too many wait for it already; try again";
        case ENOTSOCK:
        case EPROTOTYPE:
            return "that is no control socket";
        default:
            return "";
    }
}

}  // namespace

Expected<Client, std::string> Client::connect(const std::string& where) {
    const auto problem = [&](const std::string& what) {
        return unexpected("cannot ask " + where + ": " + what);
    };
    const auto address = host::socket_address(where);
    if (!address) return problem(address.error());
    host::UniqueFd file(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!file.is_open()) return problem(std::string("socket: ") + std::strerror(errno));
    const int status = host::retry_interrupted([&] {
        return ::connect(file.get(), reinterpret_cast<const sockaddr*>(&address->address), address->size);
    });
    if (status != 0) {
        const int error = errno;
        const Errno named = host::translate_errno(error);
        std::string text =
            std::string("connect: ") + abi::errno_text(named) + " (" + abi::errno_name(named) + ")";
        if (const std::string what = advice(error); !what.empty()) text += "; " + what;
        return problem(text);
    }
    return Client(std::move(file));
}

// Says who we are with each message, so that it does not depend on whether Linux adds it.
Result<void> Client::send(std::string_view line) {
    const ucred self{::getpid(), ::geteuid(), ::getegid()};
    std::string text(line);
    text += '\n';
    for (std::size_t sent = 0; sent < text.size();) {
        iovec part{text.data() + sent, text.size() - sent};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_CREDENTIALS;
        header->cmsg_len = CMSG_LEN(sizeof self);
        std::memcpy(CMSG_DATA(header), &self, sizeof self);
        const ssize_t count =
            host::retry_interrupted([&] { return ::sendmsg(file_.get(), &message, MSG_NOSIGNAL); });
        if (count < 0) return fail(host::last_error());
        sent += static_cast<std::size_t>(count);
    }
    return {};
}

Result<std::string> Client::receive() {
    // One line of JSON, or text that ends with an empty line.
    for (std::size_t looked_at = 0;;) {
        const bool text = !input_.empty() && input_.front() != '{';
        const std::string_view end = text ? "\n\n" : "\n";
        const std::size_t found = input_.find(end, looked_at < end.size() ? 0 : looked_at - end.size());
        if (found != std::string::npos) {
            std::string answer = input_.substr(0, found + 1);
            input_.erase(0, found + end.size());
            return answer;
        }
        looked_at = input_.size();
        std::array<char, 65536> bytes;
        const ssize_t count =
            host::retry_interrupted([&] { return ::recv(file_.get(), bytes.data(), bytes.size(), 0); });
        if (count < 0) return fail(host::last_error());
        if (count == 0) return fail(Errno::kEIO);
        input_.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

Result<std::string> Client::ask(std::string_view line) {
    // A peer that has refused us says so although it does not listen any more.
    const Result<void> sent = send(line);
    auto answer = receive();
    if (!answer && !sent) return fail(sent.error());
    return answer;
}

}  // namespace halfcell::control
