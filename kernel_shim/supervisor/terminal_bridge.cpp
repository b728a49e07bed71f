#include "kernel_shim/supervisor/terminal_bridge.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <system_error>

#include "kernel_shim/host/sys.h"

namespace halfcell::supervisor {

namespace {

// Keys that a guest which does not read may leave waiting here. Beyond them the host's terminal keeps them.
constexpr std::size_t kMostKeys = 65536;

}  // namespace

Result<std::unique_ptr<TerminalBridge>> TerminalBridge::start(HostTerminal& host, schemes::Terminal& guest,
                                                              std::function<void()> hung_up) {
    const auto wake = std::make_shared<const host::UniqueFd>(TRY(host::create_event(host::Blocking::kNo)));
    std::unique_ptr<TerminalBridge> bridge(new TerminalBridge(host, guest, std::move(hung_up), wake));
    host.make_raw();
    guest.resize(host.size());
    guest.set_listener([wake] { (void)host::signal_event(wake->get(), 1); });
    try {
        bridge->thread_ = std::thread([raw = bridge.get()] { raw->run(); });
    } catch (const std::system_error&) {
        return fail(Errno::kEAGAIN);
    }
    return bridge;
}

TerminalBridge::~TerminalBridge() {
    stopping_.store(true);
    (void)host::signal_event(wake_->get(), 1);
    if (thread_.joinable()) thread_.join();
    host_.restore();
}

void TerminalBridge::run() {
    for (;;) {
        // Asked first: what was printed before the end is then seen below.
        const bool last_round = stopping_.load();
        if (output_.empty()) output_ = guest_.take_output();
        if (gone_) output_.clear();
        if (last_round && output_.empty()) return;
        pass_keys_on();

        short wanted = 0;
        if (!last_round && keys_.size() < kMostKeys) wanted |= POLLIN;
        if (!output_.empty()) wanted |= POLLOUT;
        // A file that nothing is wanted of would still report its end, again and again.
        std::array<pollfd, 3> files{{{gone_ || wanted == 0 ? -1 : host_.file(), wanted, 0},
                                     {wake_->get(), POLLIN, 0},
                                     {host_.signals(), POLLIN, 0}}};
        if (host::retry_interrupted([&] { return ::poll(files.data(), files.size(), -1); }) < 0) return;
        if (files[2].revents != 0) handle_signals();
        if (files[1].revents != 0) (void)host::take_event(wake_->get());
        if ((files[0].revents & POLLOUT) != 0) show_output();
        if ((files[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_keys();
    }
}

void TerminalBridge::read_keys() {
    std::array<char, 4096> bytes;
    const ssize_t count =
        host::retry_interrupted([&] { return ::read(host_.file(), bytes.data(), bytes.size()); });
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return host_has_gone();
    keys_.append(bytes.data(), static_cast<std::size_t>(count));
}

void TerminalBridge::pass_keys_on() {
    if (keys_.empty()) return;
    keys_.erase(0, guest_.type(keys_));
    // A program that does not read must still be one that Ctrl-C reaches.
    if (!keys_.empty() && guest_.interrupt(keys_)) keys_.clear();
}

void TerminalBridge::show_output() {
    const ssize_t count =
        host::retry_interrupted([&] { return ::write(host_.file(), output_.data(), output_.size()); });
    if (count >= 0)
        output_.erase(0, static_cast<std::size_t>(count));
    else if (errno != EAGAIN)
        host_has_gone();
}

void TerminalBridge::host_has_gone() {
    if (gone_) return;
    gone_ = true;
    hung_up_();
}

void TerminalBridge::handle_signals() {
    signalfd_siginfo info{};
    while (::read(host_.signals(), &info, sizeof info) == sizeof info) {
        switch (const int signal = static_cast<int>(info.ssi_signo)) {
            case SIGWINCH:
                guest_.resize(host_.size());
                break;
            case SIGTSTP:
                host_.stop();
                break;
            case SIGCONT:
                host_.continued();
                guest_.resize(host_.size());
                break;
            default:
                host_.die_by(signal);
        }
    }
}

}  // namespace halfcell::supervisor
