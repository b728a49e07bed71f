#pragma once

// Scheme ids. Source: kernel:src/scheme/mod.rs SchemeList.

#include <map>
#include <memory>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/scheme/event_registry.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::scheme {

// Ids below this belong to the kernel's own schemes (abi::GlobalSchemes) and the scheme manager.
inline constexpr SchemeId kSchemeManagerId{16};
inline constexpr SchemeId kFirstUserSchemeId{17};

class SchemeRegistry {
  public:
    explicit SchemeRegistry(EventRegistry& events) : events_(events) {}
    SchemeRegistry(const SchemeRegistry&) = delete;
    SchemeRegistry& operator=(const SchemeRegistry&) = delete;
    // Unregisters every scheme.
    ~SchemeRegistry();

    // Enters a kernel scheme under its fixed id, which must be free (our bug otherwise).
    void add(SchemeId id, std::shared_ptr<Scheme> scheme);
    // Enters any other scheme under the next id. ENOMEM-free; EAGAIN when all 65536 ids are in use.
    Result<SchemeId> add(std::shared_ptr<Scheme> scheme);
    // From now on its descriptions answer ENODEV, and it drops those it keeps. Unknown ids are ignored.
    void remove(SchemeId id);

    // ENODEV where there is none.
    [[nodiscard]] Result<std::shared_ptr<Scheme>> find(SchemeId id) const;
    [[nodiscard]] std::vector<std::shared_ptr<Scheme>> all() const;

    // A description of a scheme's root handle, with the flags Redox gives those it hands out
    // (O_CREAT|O_RDWR). Errors of Scheme::root.
    Result<DescriptionRef> open_root(SchemeId id) const;

  private:
    struct State {
        std::map<SchemeId, std::shared_ptr<Scheme>> schemes;
        SchemeId next = kFirstUserSchemeId;
    };
    void enter(State& state, SchemeId id, std::shared_ptr<Scheme> scheme);

    EventRegistry& events_;
    Guarded<State, LockLevel::kRegistry> state_;
};

}  // namespace halfcell::scheme
