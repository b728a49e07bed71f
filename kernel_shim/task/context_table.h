#pragma once

// Contexts by their stable id. Source: kernel:src/context/mod.rs CONTEXTS.

#include <map>
#include <memory>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/task/context.h"

namespace halfcell::task {

class ContextTable {
  public:
    // Makes a context that has not started. EAGAIN past `limit` live contexts.
    Result<std::shared_ptr<Context>> create(std::shared_ptr<mem::AddressSpace> space,
                                            std::shared_ptr<fd::FdTable> files);
    // ESRCH where there is none (any more).
    [[nodiscard]] Result<std::shared_ptr<Context>> find(ContextId id) const;
    void remove(ContextId id);
    // Every context, by id.
    [[nodiscard]] std::vector<std::shared_ptr<Context>> all() const;
    [[nodiscard]] std::uint64_t created() const;

    void set_limit(std::uint64_t limit);
    [[nodiscard]] std::uint64_t limit() const;

  private:
    struct State {
        std::map<ContextId, std::shared_ptr<Context>> contexts;
        std::uint64_t next = 1;
        std::uint64_t limit = UINT64_MAX;
    };
    Guarded<State, LockLevel::kContextTable> state_;
};

}  // namespace halfcell::task
