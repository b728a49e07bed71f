#pragma once

// What waits to be received at one end of a connection: packets of bytes with what their sender said of
// itself, and descriptors. Not locked; the sockets of its scheme are. Source: base:ipcd/src/uds/mod.rs
// DataPacket, stream.rs Connection.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel_shim/base/memory_budget.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/scheme/file_description.h"

namespace halfcell::ipc {

// As SCM_CREDENTIALS and SO_PEERCRED carry them.
struct Credentials {
    std::int32_t pid = 0;
    std::int32_t uid = 0;
    std::int32_t gid = 0;
    friend bool operator==(const Credentials&, const Credentials&) = default;
};

struct Packet {
    std::vector<std::byte> payload;
    Credentials sender;
    // How many of the queued descriptors belong to it, by the sender's word.
    std::uint64_t descriptors = 0;
    // The path its sender is bound to; none where it has no name.
    std::optional<std::string> name;
};

// What one receive takes from the front of a queue.
struct Received {
    std::uint64_t size = 0;                         // bytes of payload
    std::vector<std::span<const std::byte>> bytes;  // in place, together `size`
    std::optional<std::string> name;                // of the first packet that has one
    std::uint64_t descriptors = 0;
    std::vector<Credentials> senders;  // of every packet whose first bytes these are
};

class PacketQueue {
  public:
    // What it holds counts against `memory`.
    explicit PacketQueue(const std::shared_ptr<MemoryBudget>& memory)
        : charge_(memory), descriptor_charge_(memory) {}

    // What a queue may hold: senders wait beyond. Upstream's grow without bound (safer).
    static constexpr std::uint64_t kCapacity = std::uint64_t{1} << 20;
    // The longest packet, and how many descriptors may wait.
    static constexpr std::uint64_t kLongestPacket = std::uint64_t{16} << 20;
    static constexpr std::size_t kDescriptors = 65536;

    [[nodiscard]] bool empty() const { return packets_.empty(); }
    // Whether a sender may add a packet: any packet while less than the capacity waits.
    [[nodiscard]] bool has_room() const { return charge_.bytes() < kCapacity; }
    // ENOMEM, and nothing is changed, where there is no memory for it.
    Result<void> push(Packet&& packet);
    // Appends all packets of another queue.
    void take_packets(PacketQueue& from);

    // The first `most` bytes, across packets. The spans stay good while packets are pushed. Until consume(),
    // nothing changes.
    [[nodiscard]] Received first_bytes(std::uint64_t most) const;
    // Takes what first_bytes() showed; the ancillary data of a packet counts as taken with its first byte.
    void consume_bytes(std::uint64_t count);
    // The first packet as a whole. There must be one.
    [[nodiscard]] Received first_packet() const;
    void consume_packet();

    // --- descriptors, a queue of their own.
    [[nodiscard]] bool has_room_for(std::size_t more) const {
        return more <= kDescriptors - std::min(kDescriptors, descriptors_.size());
    }
    [[nodiscard]] std::size_t descriptors() const { return descriptors_.size(); }
    // ENOMEM, and they stay where they are, where there is no memory for them.
    Result<void> push_descriptors(std::vector<scheme::DescriptionRef>&& descriptors);
    // The first `count` of them, or as many as there are.
    [[nodiscard]] std::vector<scheme::DescriptionRef> take_descriptors(std::uint64_t count);
    // Puts back what was taken, to be taken first.
    void return_descriptors(std::vector<scheme::DescriptionRef>&& descriptors);

  private:
    struct Waiting {
        Packet packet;
        std::uint64_t read = 0;  // bytes that are gone; anything but 0: so is the ancillary data
    };
    void drop_front();

    std::deque<Waiting> packets_;
    HeldBytes charge_;  // of all packets
    std::deque<scheme::DescriptionRef> descriptors_;
    HeldBytes descriptor_charge_;
};

}  // namespace halfcell::ipc
