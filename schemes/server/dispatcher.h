#pragma once

// From requests to the operations of a scheme, and from their results to completions. Every request that
// waits for an answer gets exactly one. Source: redox-scheme:src/lib.rs, src/scheme.rs handle_sync.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "abi/scheme_msg.h"
#include "schemes/server/scheme.h"
#include "schemes/server/transport.h"

namespace halfcell::server {

class Dispatcher {
  public:
    // Both outlive the dispatcher. `run`: see Request::run.
    Dispatcher(Scheme& scheme, Transport& transport, std::uint32_t run = 0)
        : scheme_(scheme), transport_(transport), run_(run) {}

    // Serves until the transport has no more requests to come; returns its error.
    Errno serve();

    // One batch: every request once, then those that wait again, then completions and events.
    void handle(std::span<const abi::Sqe> requests);

    // The steps of handle(), for a scheme that several runs share: what one asks for may be what another
    // waits for. Events are told to those who have their handle open.
    void take(std::span<const abi::Sqe> requests);
    // Whether a request that waited was answered.
    bool try_again();
    void tell(std::span<const Scheme::Event> events);
    void send_completions();

    // The other side has gone: cancels what waits, and closes what is open.
    void hang_up();

    // Requests that wait for their operation to answer.
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  private:
    enum class Outcome : std::uint8_t { kAnswered, kWaits };
    // What an operation came to: a result, and what its completion carries besides.
    struct Answer {
        Result<std::uint64_t> value = 0;
        abi::CqeOpcode opcode = abi::CqeOpcode::kRespondRegular;
        std::uint8_t extra = 0;
    };

    [[nodiscard]] Request request_of(const abi::Sqe& sqe) const;
    Outcome attempt(const abi::Sqe& sqe);
    void add_event(const Scheme::Event& event);
    void cancel(std::uint32_t tag);
    void close(Id id);
    void answer(std::uint32_t tag, const Answer& answer);

    // dispatcher_perform.cpp
    Answer perform(const abi::Sqe& sqe);
    Answer perform_std_fs(const abi::Sqe& sqe, const Request& request);
    Answer opened(const abi::Sqe& sqe, Result<Opened> result);
    Answer map(const abi::Sqe& sqe, const Request& request);
    Answer receive_descriptors(const abi::Sqe& sqe, const Request& request);
    Result<std::vector<Descriptor>> descriptors_of(const abi::Sqe& sqe);
    Result<std::uint64_t> take_descriptors(const abi::Sqe& sqe, const Request& request);
    Result<std::uint64_t> list(const Request& request, Id id, std::span<std::byte> to,
                               std::uint64_t header_size, std::uint64_t from);
    Result<std::uint64_t> set_times(const Request& request, Id id, std::span<const std::byte> times);
    Result<std::span<std::byte>> buffer_of(const abi::Sqe& sqe);
    Result<std::string_view> text_of(const abi::Sqe& sqe);

    Scheme& scheme_;
    Transport& transport_;
    const std::uint32_t run_;
    std::vector<abi::Sqe> waiting_;  // in the order they came
    // What was sent with those of them that the scheme has not taken yet.
    struct Sent {
        std::uint32_t tag = 0;
        std::vector<Descriptor> descriptors;
    };
    std::vector<Sent> sent_;
    std::vector<Id> open_;  // as often as they were opened
    // Handles with record locks. Every answer to a STD_FS call says whether closes shall be told, so all that
    // concern these say yes.
    std::vector<Id> locked_;
    std::vector<abi::Cqe> completions_;
};

}  // namespace halfcell::server
