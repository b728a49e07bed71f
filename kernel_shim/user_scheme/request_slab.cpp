#include "kernel_shim/user_scheme/request_slab.h"

#include <algorithm>
#include <utility>

namespace halfcell::user_scheme {

Tag RequestSlab::add(Request& request, std::vector<scheme::DescriptionRef> descriptions) {
    const Tag tag = add(request.opcode);
    slots_[tag].request = &request;
    slots_[tag].descriptions = std::move(descriptions);
    return tag;
}

Tag RequestSlab::add(abi::Opcode opcode) {
    if (free_.empty()) {
        free_.push_back(static_cast<Tag>(slots_.size()));
        slots_.emplace_back();
    }
    const Tag tag = free_.back();
    free_.pop_back();
    Slot& slot = slots_[tag];
    slot.state = Slot::State::kWaiting;
    slot.request = nullptr;
    slot.opcode = opcode;
    return tag;
}

Slot* RequestSlab::find(Tag tag) {
    if (tag >= slots_.size() || slots_[tag].state == Slot::State::kVacant) return nullptr;
    return &slots_[tag];
}

void RequestSlab::responded(Tag tag) {
    Slot& slot = slots_[tag];
    slot.state = slot.request != nullptr ? Slot::State::kResponded : Slot::State::kVacant;
    slot.late.reset();
    free_.push_back(tag);
}

void RequestSlab::collected(Tag tag, const Request& request) {
    Slot& slot = slots_[tag];
    if (slot.state != Slot::State::kResponded || slot.request != &request) return;
    slot.state = Slot::State::kVacant;
    slot.request = nullptr;
}

std::size_t RequestSlab::in_use() const {
    return static_cast<std::size_t>(std::count_if(
        slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.state != Slot::State::kVacant; }));
}

}  // namespace halfcell::user_scheme
