#include "schemes/ipc/packet_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace halfcell::ipc {

namespace {

// What a packet costs besides its payload, so that empty ones are not free.
constexpr std::uint64_t kPacketCost = 256;

std::uint64_t charge_of(const Packet& packet) {
    return packet.payload.size() + kPacketCost;
}

}  // namespace

Result<void> PacketQueue::push(Packet&& packet) {
    if (!charge_.grow(charge_of(packet))) return fail(Errno::kENOMEM);
    packets_.push_back({.packet = std::move(packet)});
    return {};
}

void PacketQueue::take_packets(PacketQueue& from) {
    charge_.absorb(from.charge_);
    std::move(from.packets_.begin(), from.packets_.end(), std::back_inserter(packets_));
    from.packets_.clear();
}

Received PacketQueue::first_bytes(std::uint64_t most) const {
    Received received;
    for (const auto& [packet, read] : packets_) {
        const auto rest = std::span(packet.payload).subspan(read);
        const std::uint64_t count = std::min<std::uint64_t>(rest.size(), most - received.size);
        if (count == 0) break;
        received.bytes.push_back(rest.first(count));
        received.size += count;
        if (read != 0) continue;
        if (!received.name) received.name = packet.name;
        received.descriptors += packet.descriptors;
        received.senders.push_back(packet.sender);
    }
    return received;
}

void PacketQueue::consume_bytes(std::uint64_t count) {
    while (count > 0) {
        auto& [packet, read] = packets_.front();
        const std::uint64_t taken = std::min(count, packet.payload.size() - read);
        read += taken;
        count -= taken;
        if (read == packet.payload.size()) drop_front();
    }
}

Received PacketQueue::first_packet() const {
    const Packet& packet = packets_.front().packet;
    return {.size = packet.payload.size(),
            .bytes = {std::span(packet.payload)},
            .name = packet.name,
            .descriptors = packet.descriptors,
            .senders = {packet.sender}};
}

void PacketQueue::consume_packet() {
    drop_front();
}

void PacketQueue::drop_front() {
    charge_.shrink(charge_of(packets_.front().packet));
    packets_.pop_front();
}

Result<void> PacketQueue::push_descriptors(std::vector<scheme::DescriptionRef>&& descriptors) {
    if (!descriptor_charge_.grow(descriptors.size() * kQueuedDescriptorCost)) return fail(Errno::kENOMEM);
    std::move(descriptors.begin(), descriptors.end(), std::back_inserter(descriptors_));
    descriptors.clear();
    return {};
}

std::vector<scheme::DescriptionRef> PacketQueue::take_descriptors(std::uint64_t count) {
    const auto end = descriptors_.begin() +
                     static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(count, descriptors_.size()));
    std::vector<scheme::DescriptionRef> taken(std::make_move_iterator(descriptors_.begin()),
                                              std::make_move_iterator(end));
    descriptors_.erase(descriptors_.begin(), end);
    descriptor_charge_.shrink(taken.size() * kQueuedDescriptorCost);
    return taken;
}

void PacketQueue::return_descriptors(std::vector<scheme::DescriptionRef>&& descriptors) {
    descriptor_charge_.grow_again(descriptors.size() * kQueuedDescriptorCost);
    descriptors_.insert(descriptors_.begin(), std::make_move_iterator(descriptors.begin()),
                        std::make_move_iterator(descriptors.end()));
    descriptors.clear();
}

}  // namespace halfcell::ipc
