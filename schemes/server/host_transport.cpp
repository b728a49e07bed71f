#include "schemes/server/host_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "schemes/server/host_handover.h"
#include "schemes/server/host_packets.h"

namespace halfcell::server {

using abi::Errno;
using userland::Result;

namespace {

constexpr int kPatience = 5000;  // milliseconds
// Files that wait for one run. It must not use up what this process may have open: others want to be served.
constexpr int kMostFiles = 256;

// Tokens whose Descriptor has gone; the transport they are of tells its supervisor. One thread uses them all.
std::vector<std::uint64_t>& forgotten_tokens() {
    static std::vector<std::uint64_t> tokens;
    return tokens;
}

// What a token says of the connection it is of.
constexpr int kRunShift = 32;
constexpr std::uint64_t run_of(std::uint64_t token) {
    return (token & ~kTokenBit) >> kRunShift;
}

}  // namespace

Result<std::unique_ptr<HostTransport>> HostTransport::accept(int rendezvous) {
    Handover handover(rendezvous, 0);
    for (;;) {
        pollfd one{handover.awaited(), POLLIN, 0};
        if (uninterrupted([&] { return ::poll(&one, 1, kPatience); }) <= 0) return Errno::kETIMEDOUT;
        auto made = handover.step();
        if (!made && made.error() == Errno::kEAGAIN) continue;
        if (!made) return made;
        if (*made == nullptr) continue;
        (*made)->bell_ = RT_TRY(HostBell::create((*made)->socket()));
        return made;
    }
}

HostTransport::~HostTransport() {
    std::erase_if(forgotten_tokens(), [this](std::uint64_t token) { return run_of(token) == run_; });
}

std::size_t HostTransport::take(std::span<abi::Sqe> to) {
    if (behind()) return 0;
    const std::uint32_t produced = memory_.requests->produced.load(std::memory_order_seq_cst);
    // More than there are slots: not a supervisor, and without end.
    if (produced - requests_taken_ > kRequestSlots) gone_ = true;
    if (gone_) return 0;
    const std::size_t count = std::min<std::size_t>(produced - requests_taken_, to.size());
    for (std::size_t i = 0; i < count; ++i)
        to[i] = memory_.requests->requests[requests_taken_++ % kRequestSlots];
    if (count == 0) return 0;
    memory_.answers->requests_consumed.store(requests_taken_, std::memory_order_seq_cst);
    if (memory_.requests->wants_room.load(std::memory_order_seq_cst) != 0) unsaid_ = true;
    cpu_.follow(memory_.requests->cpu.load(std::memory_order_relaxed));
    return count;
}

// A supervisor with a full socket has bells enough.
void HostTransport::ring() {
    unsaid_ = false;
    switch (memory_.requests->sleep.load(std::memory_order_seq_cst)) {
        case Sleep::kAwake:
            return;
        case Sleep::kOnBell:
            return HostBell::ring(memory_.answers->bell);
        case Sleep::kOnSocket:
            break;
    }
    const bool sent = send_packet(socket(), {.kind = PacketKind::kBell}, MSG_DONTWAIT);
    if (!sent && errno != EAGAIN && errno != ENOBUFS) gone_ = true;
}

Result<std::size_t> HostTransport::look(std::span<abi::Sqe> to) {
    push_forgotten();
    push_backlog();
    if (unsaid_) ring();
    const std::size_t count = take(to);
    if (gone_) return Errno::kENODEV;
    return count;
}

bool HostTransport::fall_asleep(Sleep where) {
    memory_.answers->sleep.store(where, std::memory_order_seq_cst);
    const bool requests =
        !behind() && memory_.requests->produced.load(std::memory_order_seq_cst) != requests_taken_;
    return !requests && (backlog_.empty() || file_waits() || full());
}

pollfd HostTransport::awaited() const {
    return {socket(), static_cast<short>(file_waits() ? POLLIN | POLLOUT : POLLIN), 0};
}

void HostTransport::wake() {
    memory_.answers->sleep.store(Sleep::kAwake, std::memory_order_seq_cst);
    for (;;) {
        Packet packet;
        const ssize_t got =
            uninterrupted([&] { return ::recv(socket(), &packet, sizeof packet, MSG_DONTWAIT); });
        if (got == sizeof packet) continue;
        if (got >= 0 || errno != EAGAIN) gone_ = true;
        return;
    }
}

Result<std::size_t> HostTransport::receive(std::span<abi::Sqe> to) {
    for (;;) {
        const std::size_t count = RT_TRY(look(to));
        if (count != 0) return count;
        // Nobody rings when the socket has room again.
        if (file_waits()) {
            pollfd one = awaited();
            if (fall_asleep()) (void)::poll(&one, 1, -1);
            wake();
            continue;
        }
        const std::uint32_t seen = memory_.requests->bell.load(std::memory_order_seq_cst);
        if (fall_asleep(Sleep::kOnBell) && !bell_->await(memory_.requests->bell, seen)) gone_ = true;
        memory_.answers->sleep.store(Sleep::kAwake, std::memory_order_seq_cst);
    }
}

bool HostTransport::full() const {
    const std::uint32_t consumed = memory_.requests->answers_consumed.load(std::memory_order_seq_cst);
    return answers_made_ - consumed >= kAnswerSlots;
}

void HostTransport::put(const abi::Cqe& cqe) {
    memory_.answers->answers[answers_made_++ % kAnswerSlots] = cqe;
    memory_.answers->produced.store(answers_made_, std::memory_order_seq_cst);
    unsaid_ = true;
}

// What there is no room for waits here and holds nobody up, not even where the supervisor has been stopped.
// There are at most as many answers as requests, which are not taken while many wait, and an event that waits
// need not wait twice.
void HostTransport::push(const abi::Cqe& cqe) {
    if (backlog_.empty() && !full()) return put(cqe);
    const auto same = [&cqe](const Backlogged& waiting) {
        const auto* const other = std::get_if<abi::Cqe>(&waiting);
        return other != nullptr && std::memcmp(other, &cqe, sizeof cqe) == 0;
    };
    const bool event = cqe.flags == static_cast<std::uint8_t>(abi::CqeOpcode::kSendFevent);
    if (!event || std::none_of(backlog_.begin(), backlog_.end(), same)) backlog_.emplace_back(cqe);
}

void HostTransport::push_backlog() {
    while (!backlog_.empty() && push_out(backlog_.front()))
        backlog_.pop_front();
}

// False where it has to wait on. A file that cannot be sent at all is missing when its answer comes: an error
// for its caller.
bool HostTransport::push_out(const Backlogged& waiting) {
    if (const auto* const file = std::get_if<File>(&waiting))
        return send_now(file->tag, static_cast<int>(file->file.number())) != Sent::kNoRoom;
    if (full()) return false;
    put(std::get<abi::Cqe>(waiting));
    return true;
}

bool HostTransport::file_waits() const {
    return !backlog_.empty() && std::holds_alternative<File>(backlog_.front());
}

void HostTransport::push_forgotten() {
    std::vector<std::uint64_t>& tokens = forgotten_tokens();
    const auto others = std::partition(tokens.begin(), tokens.end(),
                                       [this](std::uint64_t token) { return run_of(token) != run_; });
    for (const std::uint64_t token : std::span(others, tokens.end()))
        push({.flags = kForgetFd, .result = token});
    tokens.erase(others, tokens.end());
}

void HostTransport::complete(std::span<const abi::Cqe> completions) {
    for (const abi::Cqe& cqe : completions)
        push(cqe);
    ring();
}

std::optional<std::span<std::byte>> HostTransport::buffer(std::uint64_t address, std::uint64_t size) {
    if (size == 0) return std::span<std::byte>();
    if (address > kBuffersSize || size > kBuffersSize - address) return std::nullopt;
    return std::span(memory_.buffers.get() + address, size);
}

Result<std::vector<Descriptor>> HostTransport::obtain(std::uint32_t tag, std::uint64_t count) {
    constexpr std::uint64_t kMost = 0xff'ffff;  // what a completion can say
    if (count > kMost) return Errno::kEINVAL;
    const std::uint64_t first = kTokenBit | std::uint64_t{run_} << kRunShift | next_token_;
    next_token_ += static_cast<std::uint32_t>(count);
    abi::Cqe cqe{.flags = static_cast<std::uint8_t>(abi::CqeOpcode::kObtainFd), .tag = tag, .result = first};
    for (std::size_t i = 0; i < 3; ++i)
        cqe.extra_raw[i] = static_cast<std::uint8_t>(count >> (8 * i));
    push(cqe);
    std::vector<Descriptor> descriptors;
    for (std::uint64_t i = 0; i < count; ++i)
        descriptors.emplace_back(first + i);
    return descriptors;
}

HostTransport::Sent HostTransport::send_now(std::uint32_t tag, int file) {
    if (send_packet(socket(), {.kind = PacketKind::kDescriptor, .tag = tag}, MSG_DONTWAIT, file))
        return Sent::kSent;
    return errno == EAGAIN ? Sent::kNoRoom : Sent::kFailed;
}

Result<void> HostTransport::send_file(std::uint32_t tag, Descriptor file) {
    const Sent sent = backlog_.empty() ? send_now(tag, static_cast<int>(file.number())) : Sent::kNoRoom;
    if (sent == Sent::kFailed) return Errno::kEIO;
    if (sent == Sent::kSent) return {};
    const auto is_file = [](const Backlogged& waiting) { return std::holds_alternative<File>(waiting); };
    if (std::count_if(backlog_.begin(), backlog_.end(), is_file) >= kMostFiles) return Errno::kEMFILE;
    backlog_.emplace_back(File{tag, std::move(file)});
    return {};
}

// The word that names a descriptor in a completion; the descriptor is the supervisor's then.
Result<std::uint64_t> HostTransport::hand_over(std::uint32_t tag, Descriptor& descriptor) {
    if ((descriptor.number() & kTokenBit) != 0) {
        if (run_of(descriptor.number()) != run_) return Errno::kEXDEV;
        return descriptor.release();
    }
    RT_TRY(send_file(tag, std::move(descriptor)));
    return kNextDescriptor;
}

Result<void> HostTransport::attach(std::uint32_t tag, std::vector<Descriptor> descriptors) {
    for (Descriptor& descriptor : descriptors)
        push({.flags = kMoveFd, .tag = tag, .result = RT_TRY(hand_over(tag, descriptor))});
    return {};
}

Result<std::uint64_t> HostTransport::give(std::uint32_t tag, Descriptor descriptor) {
    return hand_over(tag, descriptor);
}

Result<Transport::Shown> HostTransport::show(std::uint32_t tag, const Pages& pages, std::uint64_t offset) {
    // The pages keep their own, and may go before it is sent.
    const int file = ::fcntl(pages.file(), F_DUPFD_CLOEXEC, 0);
    if (file < 0) return Errno::kEMFILE;
    RT_TRY(send_file(tag, Descriptor(static_cast<std::uint64_t>(file))));
    return Shown{abi::CqeOpcode::kRespondWithFd, offset};
}

void Descriptor::close_number(std::uint64_t number) {
    if ((number & kTokenBit) != 0)
        forgotten_tokens().push_back(number);
    else
        ::close(static_cast<int>(number));
}

}  // namespace halfcell::server
