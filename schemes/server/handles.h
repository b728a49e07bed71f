#pragma once

// A server's open handles by id. Ids begin behind the root's and come back into use once they are closed.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "schemes/server/scheme.h"

namespace halfcell::server {

template <typename State>
class Handles {
  public:
    Id add(State state) {
        std::size_t index = 0;
        while (index < states_.size() && states_[index])
            ++index;
        if (index == states_.size()) states_.emplace_back();
        states_[index].emplace(std::move(state));
        return index + kFirst;
    }
    // The state of an open handle; EBADF for the root and for ids that are not open. Valid until the next
    // add or remove.
    Result<State*> find(Id id) {
        if (id < kFirst || id - kFirst >= states_.size() || !states_[id - kFirst]) return Errno::kEBADF;
        return &*states_[id - kFirst];
    }
    void remove(Id id) {
        if (find(id)) states_[id - kFirst].reset();
    }
    // Calls use(id, state) for every open handle.
    template <typename Use>
    void for_each(Use use) {
        for (std::size_t index = 0; index < states_.size(); ++index)
            if (states_[index]) use(index + kFirst, *states_[index]);
    }

  private:
    static constexpr Id kFirst = kRoot + 1;
    std::vector<std::optional<State>> states_;
};

}  // namespace halfcell::server
