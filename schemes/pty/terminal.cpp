#include "schemes/pty/terminal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "abi/flags.h"
#include "abi/sigabi.h"

namespace halfcell::schemes {

namespace {

constexpr const char* kReadInput = "PtySubTerm::read";
constexpr const char* kWriteOutput = "PtySubTerm::write";
constexpr const char* kReadOutput = "PtyControlTerm::read";
constexpr const char* kWriteInput = "PtyControlTerm::write";

// What is copied from a guest before it is printed or typed.
constexpr std::size_t kOutputPiece = 65536;
constexpr std::size_t kInputPiece = 4096;

}  // namespace

template <typename Use>
auto Terminal::change(Use use) {
    Lock lock(mutex_);
    auto result = use();
    settle();
    const News news = std::exchange(news_, {});
    lock.unlock();
    publish(news);
    return result;
}

void Terminal::settle() {
    const auto watches_input = [](const auto& entry) { return entry.second.side == Side::kSlave; };
    if (std::ranges::any_of(watches_, watches_input)) discipline_.update_for_watcher(host_.now());
    const bool slave_readable = discipline_.has_input() || hung_up_;
    for (auto& [handle, watch] : watches_) {
        const bool readable = watch.side == Side::kSlave ? slave_readable : discipline_.has_output();
        if (readable && !watch.told) news_.readable.push_back(handle);
        watch.told = readable;
    }
    if (slave_readable) input_readers_.notify_all();
    if (discipline_.has_output() || slaves_ == 0) output_readers_.notify_all();
    if (discipline_.accepts_output() || hung_up_) output_writers_.notify_all();
    if (discipline_.accepts_input()) input_writers_.notify_all();

    const auto deadline = discipline_.deadline();
    if (deadline && (!wake_asked_ || *deadline < *wake_asked_)) news_.wake_at = wake_asked_ = deadline;

    const bool input_full = !discipline_.accepts_input();
    if (!discipline_.has_output()) listener_told_ = false;
    if ((discipline_.has_output() && !listener_told_) || (input_was_full_ && !input_full))
        news_.listener = listener_;
    listener_told_ = discipline_.has_output();
    input_was_full_ = input_full;
    news_.group = group_;
}

void Terminal::publish(const News& news) {
    if (news.group != 0)
        for (const std::uint32_t signal : news.signals)
            host_.signal_group(news.group, signal);
    for (const HandleNumber handle : news.readable)
        host_.ready(handle, abi::EventFlags::kEventRead);
    if (news.wake_at) host_.wake_at(number_, *news.wake_at);
    if (news.listener != nullptr) (*news.listener)();
}

void Terminal::set_listener(std::function<void()> changed) {
    auto listener = std::make_shared<const std::function<void()>>(std::move(changed));
    const Lock lock(mutex_);
    listener_.swap(listener);
}

bool Terminal::hung_up() const {
    std::lock_guard lock(mutex_);
    return hung_up_;
}

// Sleeps until `open` holds, or something has happened that it has to be asked about again; EINTR.
template <typename Open>
Result<void> Terminal::wait_until(wait::WaitQueue& queue, const char* reason, wait::Waiter& waiter,
                                  Open open) {
    Lock lock(mutex_);
    if (open()) return {};
    return queue.wait(lock, waiter, reason);
}

// A handle that reads is told again of what it leaves behind. The lock must be held.
void Terminal::stop_telling(HandleNumber handle) {
    if (const auto watch = watches_.find(handle); watch != watches_.end()) watch->second.told = false;
}

Result<std::string> Terminal::next_input(HandleNumber handle) {
    return change([&]() -> Result<std::string> {
        if (hung_up_) return std::string();
        stop_telling(handle);
        discipline_.update(host_.now());
        if (!discipline_.has_input()) return fail(Errno::kEAGAIN);
        return discipline_.take_input();
    });
}

Result<std::uint64_t> Terminal::read_input(const mem::UserOut& to, const Transfer& how) {
    for (;;) {
        auto packet = next_input(how.handle);
        if (packet) {
            const Result<std::uint64_t> taken = to.write_common(*packet);
            std::string rest = packet->substr(taken.value_or(0));
            if (!rest.empty())
                change([&] {
                    if (!hung_up_) discipline_.return_input(std::move(rest));
                    return 0;
                });
            return taken;
        }
        if (how.nonblocking) return fail(packet.error());
        TRY(wait_until(input_readers_, kReadInput, how.waiter,
                       [this] { return discipline_.has_input() || hung_up_; }));
    }
}

Result<std::string> Terminal::next_output(HandleNumber handle) {
    return change([&]() -> Result<std::string> {
        stop_telling(handle);
        if (!discipline_.has_output()) return fail(Errno::kEAGAIN);
        return discipline_.take_output();
    });
}

Result<std::uint64_t> Terminal::read_output(const mem::UserOut& to, const Transfer& how) {
    for (;;) {
        auto packet = next_output(how.handle);
        if (packet) {
            const Result<std::uint64_t> taken = to.write_common(*packet);
            const std::uint64_t count = taken.value_or(0);
            if (count < packet->size()) {
                // Upstream repeats the byte of a packet also where none of it was taken (safer).
                if (count > 1) packet->erase(1, count - 1);
                change([&] {
                    discipline_.return_output(std::move(*packet));
                    return 0;
                });
            }
            return taken;
        }
        if (how.nonblocking) return fail(packet.error());
        TRY(wait_until(output_readers_, kReadOutput, how.waiter,
                       [this] { return discipline_.has_output() || slaves_ == 0; }));
        Lock lock(mutex_);
        if (slaves_ == 0 && !discipline_.has_output()) return fail(Errno::kEAGAIN);
    }
}

// Copies piece by piece and adds each as a whole. `add` returns EAGAIN where there is no room, `wait` sleeps.
template <typename Add, typename Wait>
Result<std::uint64_t> Terminal::write_pieces(const mem::UserIn& from, std::size_t piece, const Transfer& how,
                                             Add add, Wait wait) {
    std::string bytes;
    std::uint64_t done = 0;
    const auto end = [&done](Errno error) -> Result<std::uint64_t> {
        if (done > 0) return done;
        return fail(error);
    };
    // Once also for no bytes at all: ptyd makes a packet of them.
    do {
        bytes.resize(std::min<std::uint64_t>(piece, from.size() - done));
        if (const auto copied = from.read(done, std::as_writable_bytes(std::span(bytes))); !copied)
            return end(copied.error());
        for (;;) {
            const Result<void> added = change([&] { return add(bytes); });
            if (added) break;
            if (added.error() != Errno::kEAGAIN || how.nonblocking) return end(added.error());
            if (const Result<void> waited = wait(); !waited) return end(waited.error());
        }
        done += bytes.size();
    } while (done < from.size());
    return done;
}

Result<std::uint64_t> Terminal::write_output(const mem::UserIn& from, const Transfer& how) {
    const auto add = [this](const std::string& bytes) -> Result<void> {
        if (hung_up_) return fail(Errno::kEPIPE);
        if (!discipline_.accepts_output()) return fail(Errno::kEAGAIN);
        discipline_.print(bytes);
        return {};
    };
    return write_pieces(from, kOutputPiece, how, add, [&] {
        return wait_until(output_writers_, kWriteOutput, how.waiter,
                          [this] { return discipline_.accepts_output() || hung_up_; });
    });
}

Result<std::uint64_t> Terminal::write_input(const mem::UserIn& from, const Transfer& how) {
    const auto add = [this](const std::string& bytes) -> Result<void> {
        if (!discipline_.accepts_input()) return fail(Errno::kEAGAIN);
        news_.signals = discipline_.type(bytes, host_.now());
        return {};
    };
    return write_pieces(from, kInputPiece, how, add, [&] {
        return wait_until(input_writers_, kWriteInput, how.waiter,
                          [this] { return discipline_.accepts_input(); });
    });
}

Result<void> Terminal::sync() {
    return change([this]() -> Result<void> {
        if (hung_up_) return fail(Errno::kEPIPE);
        // A mark is no more than an echo: it does not wait for room either.
        if (discipline_.accepts_echo()) discipline_.mark_synced();
        return {};
    });
}

void Terminal::hang_up() {
    change([this] {
        hung_up_ = true;
        return 0;
    });
}

void Terminal::slave_opened() {
    std::lock_guard lock(mutex_);
    ++slaves_;
}

void Terminal::slave_closed() {
    change([this] {
        --slaves_;
        return 0;
    });
}

std::uint64_t Terminal::watch(HandleNumber handle, Side side) {
    return change([&] {
        if (side == Side::kSlave) discipline_.update_for_watcher(host_.now());
        const bool readable =
            side == Side::kSlave ? discipline_.has_input() || hung_up_ : discipline_.has_output();
        // What is returned is not reported as well.
        watches_.insert_or_assign(handle, Watch{side, readable});
        return abi::EventFlags::kEventWrite | (readable ? abi::EventFlags::kEventRead : 0);
    });
}

void Terminal::forget(HandleNumber handle) {
    std::lock_guard lock(mutex_);
    watches_.erase(handle);
}

void Terminal::due() {
    change([this] {
        wake_asked_.reset();
        const LineDiscipline::Time now = host_.now();
        if (const auto deadline = discipline_.deadline(); deadline && *deadline <= now)
            discipline_.update(now);
        return 0;
    });
}

std::size_t Terminal::type(std::string_view bytes) {
    return change([&]() -> std::size_t {
        std::size_t done = 0;
        while (done < bytes.size() && discipline_.accepts_input()) {
            const std::string_view piece = bytes.substr(done, kInputPiece);
            const auto signals = discipline_.type(piece, host_.now());
            news_.signals.insert(news_.signals.end(), signals.begin(), signals.end());
            done += piece.size();
        }
        return done;
    });
}

bool Terminal::interrupt(std::string_view bytes) {
    return change([&] {
        for (const char key : bytes) {
            const auto signal = discipline_.signal_of_key(key);
            if (!signal) continue;
            discipline_.flush_input();
            news_.signals.push_back(*signal);
            return true;
        }
        return false;
    });
}

std::string Terminal::take_output() {
    return change([this] {
        std::string text;
        while (discipline_.has_output()) {
            const std::string packet = discipline_.take_output();
            text.append(packet, 1);
        }
        return text;
    });
}

void Terminal::set_winsize(const abi::Winsize& size) {
    std::lock_guard lock(mutex_);
    winsize_ = size;
}

void Terminal::resize(const abi::Winsize& size) {
    change([&] {
        const bool same = winsize_.ws_row == size.ws_row && winsize_.ws_col == size.ws_col;
        winsize_ = size;
        if (!same) news_.signals.push_back(abi::Signal::kWinch);
        return 0;
    });
}

void Terminal::apply(const abi::Termios& settings) {
    change([&] {
        discipline_.set_settings(settings);
        discipline_.update(host_.now());
        return 0;
    });
}

void Terminal::set_group(std::uint32_t group) {
    std::lock_guard lock(mutex_);
    group_ = group;
}

}  // namespace halfcell::schemes
