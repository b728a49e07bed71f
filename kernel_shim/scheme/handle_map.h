#pragma once

// Handle number -> state, for in-process schemes. Numbers count up from 1 per scheme, as upstream's do, and
// are never reused.

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/base/result.h"

namespace halfcell::scheme {

// State is shared out, so that an operation never runs under the map's lock and a concurrent close is
// harmless.
template <typename State>
class HandleMap {
  public:
    HandleNumber add(std::shared_ptr<State> state) {
        const HandleNumber number{next_.fetch_add(1, std::memory_order_relaxed)};
        map_.with([&](auto& map) { map.emplace(number, std::move(state)); });
        return number;
    }
    // The same for a state that has to know its number: `make(number)` makes it.
    template <typename Make>
    HandleNumber add_numbered(Make&& make) {
        const HandleNumber number{next_.fetch_add(1, std::memory_order_relaxed)};
        std::shared_ptr<State> state = std::forward<Make>(make)(number);
        map_.with([&](auto& map) { map.emplace(number, std::move(state)); });
        return number;
    }
    // EBADF where there is no such handle.
    Result<std::shared_ptr<State>> find(HandleNumber number) const {
        return map_.with([&](const auto& map) -> Result<std::shared_ptr<State>> {
            const auto it = map.find(number);
            if (it == map.end()) return fail(Errno::kEBADF);
            return it->second;
        });
    }
    // Removes and returns it; EBADF where there is none.
    Result<std::shared_ptr<State>> remove(HandleNumber number) {
        return map_.with([&](auto& map) -> Result<std::shared_ptr<State>> {
            const auto node = map.extract(number);
            if (node.empty()) return fail(Errno::kEBADF);
            return node.mapped();
        });
    }
    // Drops every state, outside the lock: what Scheme::unregistered does where states keep descriptions.
    void clear() {
        std::unordered_map<HandleNumber, std::shared_ptr<State>> all;
        map_.with([&](auto& map) { all.swap(map); });
    }

  private:
    std::atomic<std::uint64_t> next_{1};
    Guarded<std::unordered_map<HandleNumber, std::shared_ptr<State>>, LockLevel::kScheme> map_;
};

}  // namespace halfcell::scheme
