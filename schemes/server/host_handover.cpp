#include "schemes/server/host_handover.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "schemes/server/host_packets.h"
#include "schemes/server/scheme.h"

namespace halfcell::server {

using abi::Errno;
using userland::Result;

namespace {

// Null where it cannot be.
template <typename Content>
Content* map(int file, std::uint64_t size, int protection) {
    void* const bytes = ::mmap(nullptr, size, protection, MAP_SHARED, file, 0);
    return bytes == MAP_FAILED ? nullptr : static_cast<Content*>(bytes);
}

// Whether touching `size` bytes of it can never fault: whoever connects to a listening server has made it.
bool keeps_size(int file, std::uint64_t size) {
    struct stat status {};
    const int seals = ::fcntl(file, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && ::fstat(file, &status) == 0 &&
           static_cast<std::uint64_t>(status.st_size) >= size;
}

}  // namespace

Result<void> Handover::take_offer() {
    HandoverOffer offer;
    std::vector<Descriptor> files;
    RT_TRY(receive_packet(rendezvous_, std::as_writable_bytes(std::span(&offer, 1)), files));
    if (files.size() != 1 || offer.magic != kMagic || offer.version != kVersion) return Errno::kEPROTO;
    connection_ = std::move(files.front());
    // A new connection has room; one that has none is not a supervisor's, and nobody may wait for it.
    if (!send_packet(awaited(), {.kind = PacketKind::kPresent, .value = kRoot, .token = offer.token},
                     MSG_DONTWAIT))
        return Errno::kENODEV;
    return {};
}

Result<std::unique_ptr<HostTransport>> Handover::adopt() {
    Packet packet;
    std::vector<Descriptor> regions;
    RT_TRY(receive_packet(awaited(), std::as_writable_bytes(std::span(&packet, 1)), regions));
    if (packet.kind != PacketKind::kAdopted || regions.size() != kRegions) return Errno::kEPROTO;
    const auto file = [&](Region region) {
        return static_cast<int>(regions[static_cast<std::size_t>(region)].number());
    };
    if (!keeps_size(file(Region::kRequests), kRequestPageSize) ||
        !keeps_size(file(Region::kAnswers), kAnswerPageSize) ||
        !keeps_size(file(Region::kBuffers), kBuffersSize))
        return Errno::kEPROTO;
    HostTransport::Memory memory;
    memory.requests.reset(map<const RequestPage>(file(Region::kRequests), kRequestPageSize, PROT_READ));
    memory.answers.reset(map<AnswerPage>(file(Region::kAnswers), kAnswerPageSize, PROT_READ | PROT_WRITE));
    memory.buffers.reset(map<std::byte>(file(Region::kBuffers), kBuffersSize, PROT_READ | PROT_WRITE));
    if (!memory.requests || !memory.answers || !memory.buffers) return Errno::kENOMEM;
    return std::unique_ptr<HostTransport>(new HostTransport(std::move(connection_), std::move(memory), run_));
}

Result<std::unique_ptr<HostTransport>> Handover::step() {
    if (connection_) return adopt();
    RT_TRY(take_offer());
    return std::unique_ptr<HostTransport>();
}

}  // namespace halfcell::server
