#pragma once

// Who wants to hear of which handle, and the queues they read. Source: kernel:src/event.rs.

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "abi/data.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"

namespace halfcell::scheme {

// A queue of abi::Event records; the event scheme's handles are such queues.
class EventSink {
  public:
    virtual ~EventSink() = default;
    // Appends a record and wakes readers. Called without the registry's lock. Does not block.
    virtual void deliver(const abi::Event& event) = 0;
};

class EventRegistry {
  public:
    // What is watched.
    struct Source {
        SchemeId scheme;
        HandleNumber number;
        friend auto operator<=>(const Source&, const Source&) = default;
    };

    // Registers (flags != 0) or forgets (flags == 0) the pair (sink, event.id) for a source. Re-registering
    // replaces the mask but keeps the first data word, as upstream. Returns the union of all masks of the
    // source, which its scheme's fevent must then be told.
    std::uint64_t subscribe(Source source, const std::shared_ptr<EventSink>& sink, const abi::Event& event);

    // Delivers to every registration whose mask meets `flags`: one record each, no coalescing.
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
    Guarded<std::map<Source, std::vector<Subscription>>, LockLevel::kEvents> subscriptions_;
};

}  // namespace halfcell::scheme
