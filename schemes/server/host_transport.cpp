#include "schemes/server/host_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "schemes/server/scheme.h"

namespace halfcell::server {

using abi::Errno;
using userland::Result;

namespace {

constexpr int kPatience = 5000;  // milliseconds

template <typename Call>
auto uninterrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result != -1 || errno != EINTR) return result;
    }
}

// Tokens whose Descriptor has gone; the transport tells the supervisor. A process has one transport at a
// time, and one thread that uses it.
std::vector<std::uint64_t>& forgotten_tokens() {
    static std::vector<std::uint64_t> tokens;
    return tokens;
}

struct Files {
    std::array<int, kRegions> number{-1, -1, -1};
    std::size_t count = 0;
    void close_all() {
        for (std::size_t i = 0; i < count; ++i)
            ::close(number[i]);
        count = 0;
    }
};

// One packet of exactly this size, waiting for it.
Result<void> receive_packet(int socket, std::span<std::byte> bytes, Files& files) {
    pollfd one{socket, POLLIN, 0};
    if (uninterrupted([&] { return ::poll(&one, 1, kPatience); }) <= 0) return Errno::kETIMEDOUT;
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof files.number)];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = uninterrupted([&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
    if (got <= 0) return Errno::kENODEV;
    if (const cmsghdr* const rights = CMSG_FIRSTHDR(&message); rights != nullptr) {
        files.count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        std::memcpy(files.number.data(), CMSG_DATA(rights), files.count * sizeof(int));
    }
    if (static_cast<std::size_t>(got) != bytes.size()) return Errno::kEPROTO;
    return {};
}

bool send(int socket, const Packet& packet, int file = -1) {
    iovec part{const_cast<Packet*>(&packet), sizeof packet};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof file)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (file >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* const rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof file);
        std::memcpy(CMSG_DATA(rights), &file, sizeof file);
    }
    return uninterrupted([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); }) >= 0;
}

void* map(int file, std::uint64_t size, int protection) {
    void* const bytes = ::mmap(nullptr, size, protection, MAP_SHARED, file, 0);
    return bytes == MAP_FAILED ? nullptr : bytes;
}

}  // namespace

Result<std::unique_ptr<HostTransport>> HostTransport::accept(int rendezvous) {
    HandoverOffer offer;
    Files connection;
    const Result<void> offered =
        receive_packet(rendezvous, std::as_writable_bytes(std::span(&offer, 1)), connection);
    if (!offered || connection.count != 1 || offer.magic != kMagic || offer.version != kVersion) {
        connection.close_all();
        return offered ? Errno::kEPROTO : offered.error();
    }
    const int socket = connection.number[0];
    Files regions;
    const auto adopted = [&]() -> Result<Memory> {
        if (!send(socket, {.kind = PacketKind::kPresent, .value = kRoot, .token = offer.token}))
            return Errno::kENODEV;
        Packet packet;
        RT_TRY(receive_packet(socket, std::as_writable_bytes(std::span(&packet, 1)), regions));
        if (packet.kind != PacketKind::kAdopted || regions.count != kRegions) return Errno::kEPROTO;
        const auto file = [&](Region region) { return regions.number[static_cast<std::size_t>(region)]; };
        void* const requests = map(file(Region::kRequests), kRequestPageSize, PROT_READ);
        void* const answers = map(file(Region::kAnswers), kAnswerPageSize, PROT_READ | PROT_WRITE);
        void* const buffers = map(file(Region::kBuffers), kBuffersSize, PROT_READ | PROT_WRITE);
        if (requests == nullptr || answers == nullptr || buffers == nullptr) return Errno::kENOMEM;
        return Memory{static_cast<const RequestPage*>(requests), static_cast<AnswerPage*>(answers),
                      static_cast<std::byte*>(buffers)};
    }();
    regions.close_all();
    if (!adopted) {
        ::close(socket);
        return adopted.error();
    }
    auto bell = HostBell::create(socket);
    if (!bell) {
        adopted->unmap();
        ::close(socket);
        return bell.error();
    }
    return std::unique_ptr<HostTransport>(new HostTransport(socket, *adopted, std::move(*bell)));
}

void HostTransport::Memory::unmap() const {
    ::munmap(const_cast<RequestPage*>(requests), kRequestPageSize);
    ::munmap(answers, kAnswerPageSize);
    ::munmap(buffers, kBuffersSize);
}

HostTransport::~HostTransport() {
    bell_.reset();
    memory_.unmap();
    ::close(socket_);
    forgotten_tokens().clear();
}

std::size_t HostTransport::take(std::span<abi::Sqe> to) {
    const std::uint32_t produced = memory_.requests->produced.load(std::memory_order_seq_cst);
    const std::size_t count = std::min<std::size_t>(produced - requests_taken_, to.size());
    for (std::size_t i = 0; i < count; ++i)
        to[i] = memory_.requests->requests[requests_taken_++ % kRequestSlots];
    if (count == 0) return 0;
    memory_.answers->requests_consumed.store(requests_taken_, std::memory_order_seq_cst);
    if (memory_.requests->wants_room.load(std::memory_order_seq_cst) != 0) unsaid_ = true;
    cpu_.follow(memory_.requests->cpu.load(std::memory_order_relaxed));
    return count;
}

void HostTransport::ring() {
    unsaid_ = false;
    switch (memory_.requests->sleep.load(std::memory_order_seq_cst)) {
        case Sleep::kAwake:
            return;
        case Sleep::kOnBell:
            return HostBell::ring(memory_.answers->bell);
        case Sleep::kOnSocket:
            if (!send(socket_, {.kind = PacketKind::kBell})) gone_ = true;
    }
}

template <typename Idle>
bool HostTransport::sleep_while(Idle idle) {
    const std::uint32_t seen = memory_.requests->bell.load(std::memory_order_seq_cst);
    memory_.answers->sleep.store(Sleep::kOnBell, std::memory_order_seq_cst);
    const bool there = !idle() || bell_->await(memory_.requests->bell, seen);
    memory_.answers->sleep.store(Sleep::kAwake, std::memory_order_seq_cst);
    return there;
}

Result<std::size_t> HostTransport::receive(std::span<abi::Sqe> to) {
    push_forgotten();
    if (unsaid_) ring();
    for (;;) {
        if (gone_) return Errno::kENODEV;
        if (const std::size_t count = take(to); count != 0) return count;
        const bool there = sleep_while(
            [this] { return memory_.requests->produced.load(std::memory_order_seq_cst) == requests_taken_; });
        if (!there) return Errno::kENODEV;
    }
}

// What the supervisor has not taken yet fills the ring: it is told, and tells when it has.
void HostTransport::push(const abi::Cqe& cqe) {
    const auto full = [this] {
        const std::uint32_t consumed = memory_.requests->answers_consumed.load(std::memory_order_seq_cst);
        return answers_made_ - consumed >= kAnswerSlots;
    };
    while (full() && !gone_) {
        ring();
        if (!sleep_while(full)) gone_ = true;
    }
    if (gone_) return;
    memory_.answers->answers[answers_made_++ % kAnswerSlots] = cqe;
    memory_.answers->produced.store(answers_made_, std::memory_order_seq_cst);
    unsaid_ = true;
}

void HostTransport::push_forgotten() {
    for (const std::uint64_t token : std::exchange(forgotten_tokens(), {}))
        push({.flags = kForgetFd, .result = token});
}

void HostTransport::complete(std::span<const abi::Cqe> completions) {
    for (const abi::Cqe& cqe : completions)
        push(cqe);
    ring();
}

std::optional<std::span<std::byte>> HostTransport::buffer(std::uint64_t address, std::uint64_t size) {
    if (size == 0) return std::span<std::byte>();
    if (address > kBuffersSize || size > kBuffersSize - address) return std::nullopt;
    return std::span(memory_.buffers + address, size);
}

Result<std::vector<Descriptor>> HostTransport::obtain(std::uint32_t tag, std::uint64_t count) {
    constexpr std::uint64_t kMost = 0xff'ffff;  // what a completion can say
    if (count > kMost) return Errno::kEINVAL;
    const std::uint64_t first = kTokenBit | next_token_;
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

Result<void> HostTransport::send_file(std::uint32_t tag, int file) {
    if (!send(socket_, {.kind = PacketKind::kDescriptor, .tag = tag}, file)) return Errno::kEIO;
    return {};
}

// The word that names a descriptor in a completion; the descriptor is the supervisor's then.
Result<std::uint64_t> HostTransport::hand_over(std::uint32_t tag, Descriptor& descriptor) {
    if ((descriptor.number() & kTokenBit) != 0) return descriptor.release();
    RT_TRY(send_file(tag, static_cast<int>(descriptor.number())));
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
    RT_TRY(send_file(tag, pages.file()));
    return Shown{abi::CqeOpcode::kRespondWithFd, offset};
}

void Descriptor::close_number(std::uint64_t number) {
    if ((number & kTokenBit) != 0)
        forgotten_tokens().push_back(number);
    else
        ::close(static_cast<int>(number));
}

Result<Pages> Pages::allocate(std::uint64_t size) {
    constexpr std::uint64_t kPage = 4096;
    if (size == 0 || size > INT64_MAX - kPage) return Errno::kEINVAL;
    const std::uint64_t whole = (size + kPage - 1) / kPage * kPage;
    const int file = ::memfd_create("scheme-pages", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return Errno::kENOMEM;
    void* const bytes = ::ftruncate(file, static_cast<off_t>(whole)) == 0
                            ? map(file, whole, PROT_READ | PROT_WRITE)
                            : nullptr;
    if (bytes == nullptr) {
        ::close(file);
        return Errno::kENOMEM;
    }
    return Pages({static_cast<std::byte*>(bytes), whole}, file);
}

Pages::~Pages() {
    if (bytes_.empty()) return;
    ::munmap(bytes_.data(), bytes_.size());
    ::close(file_);
}

}  // namespace halfcell::server
