#include "kernel_shim/supervisor/doorkeeper.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kernel_shim/control/listening_socket.h"
#include "kernel_shim/gdb/connect_files.h"
#include "kernel_shim/gdb/listener.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/supervisor/because.h"
#include "schemes/host_server/packets.h"

namespace halfcell::supervisor {

namespace {

// Beyond any path; longer texts are cut.
constexpr std::size_t kLongestText = 4096;

// One size for both directions. To the keeper: `flag` opens the door of that number, its text says where;
// else it is closed. From it: `flag` means it is open, its socket comes along, and the text is its directory,
// NUL, its address; else the text says why not.
struct Packet {
    std::uint32_t door = 0;
    std::uint32_t flag = 0;
    std::uint32_t length = 0;
    std::array<char, kLongestText> bytes{};

    void write(std::string_view text) {
        length = static_cast<std::uint32_t>(std::min(text.size(), bytes.size()));
        std::memcpy(bytes.data(), text.data(), length);
    }
    [[nodiscard]] std::string text() const {
        return {bytes.data(), std::min<std::size_t>(length, bytes.size())};
    }
};

int await(int socket, Packet& packet, std::vector<host::UniqueFd>& descriptors) {
    return host_server::await_packet(socket, std::as_writable_bytes(std::span(&packet, 1)), descriptors);
}

int send(int socket, const Packet& packet, std::span<const int> descriptors) {
    return host_server::send_packet(socket, std::as_bytes(std::span(&packet, 1)), descriptors);
}

// What belongs to one visit of gdb.
struct OpenDoor {
    gdb::ConnectFiles files;
    gdb::Listener listener;
};

Expected<OpenDoor, std::string> open_door_here(const std::string& listen) {
    auto files = gdb::ConnectFiles::create();
    if (!files) return unexpected(because("cannot make a directory for gdb", files.error()));
    auto listener = gdb::Listener::open(listen.empty() ? "unix:" + files->socket() : listen);
    if (!listener) return unexpected(listener.error());
    return OpenDoor{std::move(*files), std::move(*listener)};
}

void answer(int socket, const Packet& order, std::map<std::uint32_t, OpenDoor>& doors) {
    Packet packet{.door = order.door};
    std::vector<int> passed;
    if (order.flag == 0) {
        doors.erase(order.door);
    } else if (auto opened = open_door_here(order.text()); !opened) {
        packet.write(opened.error());
    } else {
        OpenDoor& door = doors.emplace(order.door, std::move(*opened)).first->second;
        packet.flag = 1;
        packet.write(door.files.directory() + std::string(1, '\0') + door.listener.address());
        passed.push_back(door.listener.file());
    }
    (void)send(socket, packet, passed);
    // Who connects after the supervisor has closed it shall be refused.
    if (!passed.empty()) doors.find(order.door)->second.listener.forget_descriptor();
}

// The process's life: until nobody is at the other end. A key that ends the run does not end it before.
void keep_doors(host::UniqueFd socket, std::optional<control::ListeningSocket>& named) {
    ::prctl(PR_SET_NAME, "halfcell-doors", 0, 0, 0);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE})
        ::signal(number, SIG_IGN);
    // Whatever else was open, our files among it: who waits for their end waits for the run's.
    const int own = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own < 0) return;
    if (const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC); nothing >= 0) {
        ::dup2(nothing, STDIN_FILENO);
        ::dup2(nothing, STDOUT_FILENO);
        ::dup2(nothing, STDERR_FILENO);
    }
    (void)socket.release();
    if (own > STDERR_FILENO + 1) ::close_range(STDERR_FILENO + 1, static_cast<unsigned>(own) - 1, 0);
    ::close_range(static_cast<unsigned>(own) + 1, ~0U, 0);
    if (named) named->hold_file();
    std::map<std::uint32_t, OpenDoor> doors;
    for (Packet order;;) {
        std::vector<host::UniqueFd> none;
        if (await(own, order, none) != 0) return;
        answer(own, order, doors);
    }
}

struct KeeperAnswer {
    int error = 0;  // the host's, where there is no answer
    Packet packet;
    host::UniqueFd file;
};

// Without `listen` the door is closed. One at a time.
KeeperAnswer ask(int socket, std::uint32_t door, const std::optional<std::string>& listen) {
    Packet order{.door = door, .flag = listen ? 1U : 0U};
    if (listen) order.write(*listen);
    KeeperAnswer answer;
    answer.error = send(socket, order, {});
    if (answer.error != 0) return answer;
    std::vector<host::UniqueFd> passed;
    answer.error = await(socket, answer.packet, passed);
    if (!passed.empty()) answer.file = std::move(passed.front());
    return answer;
}

}  // namespace

Expected<std::unique_ptr<Doorkeeper>, std::string> Doorkeeper::start(const ControlOptions& control) {
    std::optional<control::ListeningSocket> named;
    if (!control.where.empty()) {
        auto opened =
            control::ListeningSocket::open(control.where, {.user = control.user, .group = control.group});
        if (!opened) return unexpected(opened.error());
        named.emplace(std::move(*opened));
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return unexpected(because("no socket pair", host::last_error()));
    host::UniqueFd ours(ends[0]);
    host::UniqueFd theirs(ends[1]);
    const pid_t process = ::fork();
    if (process < 0) return unexpected(because("no process for sockets", host::last_error()));
    if (process == 0) {
        ours.reset();
        // Closed with all else; the file stays in our care.
        if (named) named->forget_descriptor();
        keep_doors(std::move(theirs), named);
        named.reset();
        ::_exit(0);
    }
    host::UniqueFd socket = named ? named->leave_file() : host::UniqueFd();
    return std::unique_ptr<Doorkeeper>(new Doorkeeper(process, std::move(ours), std::move(socket)));
}

Doorkeeper::~Doorkeeper() {
    control_.reset();
    socket_.reset();
    (void)host::retry_interrupted([&] { return ::waitpid(process_, nullptr, 0); });
}

Expected<std::unique_ptr<Doorkeeper::Door>, std::string> Doorkeeper::open_door(const std::string& listen) {
    const std::lock_guard lock(asking_);
    const std::uint32_t number = next_++;
    KeeperAnswer answer = ask(socket_.get(), number, listen);
    if (answer.error != 0)
        return unexpected(because("cannot open a socket for gdb", host::translate_errno(answer.error)));
    const std::string text = answer.packet.text();
    if (answer.packet.flag == 0) return unexpected(text);
    const std::size_t split = text.find('\0');
    if (!answer.file.is_open() || split == std::string::npos)
        return unexpected(because("cannot open a socket for gdb", Errno::kEMFILE));
    return std::make_unique<Door>(*this, number, std::move(answer.file), text.substr(0, split),
                                  text.substr(split + 1));
}

Doorkeeper::Door::~Door() {
    listener_.reset();
    const std::lock_guard lock(keeper_.asking_);
    (void)ask(keeper_.socket_.get(), number_, std::nullopt);
}

std::string Doorkeeper::Door::command_line(const std::string& program) const {
    return gdb::command_line(directory_, address_, program);
}

}  // namespace halfcell::supervisor
