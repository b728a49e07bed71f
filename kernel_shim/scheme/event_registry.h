#pragma once

// Who wants to hear of which handle, and the queues they read. Source: kernel:src/event.rs.

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "abi/data.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"

namespace halfcell::scheme {

// What is watched: one handle of one scheme.
struct EventSource {
    SchemeId scheme;
    HandleNumber number;
    friend auto operator<=>(const EventSource&, const EventSource&) = default;
};

// A queue of abi::Event records; the event scheme's handles are such queues.
class EventSink {
  public:
    virtual ~EventSink() = default;
    // Appends a record and wakes readers. Called without the registry's lock. Does not block.
    virtual void deliver(const abi::Event& event) = 0;
    // Where the sink can be watched in its turn (a queue inside another queue). The registry triggers
    // EVENT_READ there after a round of deliveries, so deliver() never has to. Default: nowhere.
    [[nodiscard]] virtual std::optional<EventSource> watched_as() const { return std::nullopt; }
};

class EventRegistry {
  public:
    using Source = EventSource;

    // Registers (flags != 0) or forgets (flags == 0) the pair (sink, event.id) for a source. Re-registering
    // replaces the mask but keeps the first data word, as upstream. Returns the union of all masks of the
    // source, which its scheme's fevent must then be told.
    std::uint64_t subscribe(Source source, const std::shared_ptr<EventSink>& sink, const abi::Event& event);

    // Delivers to every registration whose mask meets `flags`: one record each, no coalescing, the youngest
    // registration first. Then the queues that got something are themselves triggered, each once however
    // they are nested.
    void trigger(Source source, std::uint64_t flags);

    // Forgets every registration of a source (its last description closed).
    void forget(Source source);

    // Counts for sys:stat.
    [[nodiscard]] std::uint64_t source_count() const;
    [[nodiscard]] std::uint64_t subscription_count() const;

  private:
    struct Subscription {
        std::weak_ptr<EventSink> sink;
        std::uint64_t id;
        std::uint64_t flags;
        std::uint64_t data;
    };
    // One round: delivers and adds the sinks it reached to `reached`.
    void deliver(Source source, std::uint64_t flags, std::vector<std::shared_ptr<EventSink>>& reached);

    Guarded<std::map<Source, std::vector<Subscription>>, LockLevel::kEvents> subscriptions_;
};

}  // namespace halfcell::scheme
