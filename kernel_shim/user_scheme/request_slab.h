#pragma once

// The requests of one scheme that wait for an answer, by tag. A data structure without a lock; RequestChannel
// guards it. Source: kernel:src/scheme/user.rs states.

#include <cstdint>
#include <optional>
#include <vector>

#include "abi/flags.h"
#include "kernel_shim/scheme/file_description.h"
#include "kernel_shim/scheme/late_reply.h"
#include "kernel_shim/user_scheme/answer.h"
#include "kernel_shim/user_scheme/lend.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::user_scheme {

// The caller's side of a request; lives on its stack while it waits.
struct Request {
    abi::Opcode opcode{};
    wait::Waiter* waiter = nullptr;
    std::optional<Answer> answer;
    // What was sent along and not fetched by a server that is gone.
    std::vector<scheme::DescriptionRef> returned;
    bool cancelled = false;  // a Cancel was queued
};

using Tag = std::uint32_t;

// How much of a buffer goes back to its caller: as much as was answered, or all of it.
enum class Given : std::uint8_t { kAnswer, kAll };

// The life of a slot: vacant, waiting, responded, vacant. One whose caller was killed, or is answered
// late, skips the third: nobody comes to collect the answer (upstream's slot then stays for ever).
struct Slot {
    enum class State : std::uint8_t { kVacant, kWaiting, kResponded };
    State state = State::kVacant;
    Request* request = nullptr;  // null where the caller was killed
    abi::Opcode opcode{};
    // Sent by the caller, or moved there for it by the server.
    std::vector<scheme::DescriptionRef> descriptions;
    Loan left_behind;  // of a killed caller, or one who is answered late
    // Of a caller who is answered late; `request` is then null.
    struct Late {
        scheme::LateReply reply;
        Given given{};
        bool cancelled = false;
    };
    std::optional<Late> late;
};

class RequestSlab {
  public:
    // Takes the tag that was freed last, else a new one; the slot then waits for an answer.
    Tag add(Request& request, std::vector<scheme::DescriptionRef> descriptions);
    // The same for a caller who does not wait for the answer.
    Tag add(abi::Opcode opcode);

    // The slot of a tag that waits or was answered; null for any other tag.
    [[nodiscard]] Slot* find(Tag tag);

    // The answer has come: the tag may be used again, in the order of the answers. Until its caller has
    // collected the answer a second one is told from one to an unknown tag.
    void responded(Tag tag);
    // The caller has seen its answer, unless the tag is in use again already.
    void collected(Tag tag, const Request& request);

    // Every slot that waits.
    template <typename Use>
    void for_each_waiting(Use use) {
        for (Tag tag = 0; tag < slots_.size(); ++tag)
            if (slots_[tag].state == Slot::State::kWaiting) use(tag, slots_[tag]);
    }
    // Slots that are not vacant.
    [[nodiscard]] std::size_t in_use() const;

  private:
    std::vector<Slot> slots_;
    std::vector<Tag> free_;  // a stack
};

}  // namespace halfcell::user_scheme
