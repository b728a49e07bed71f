#pragma once

// Cleanup that runs unless it is cancelled: write down the undo, do the risky part, then `commit()`.

#include <utility>

namespace halfcell {

template <typename Undo>
class [[nodiscard]] ScopeExit {
  public:
    explicit ScopeExit(Undo undo) : undo_(std::move(undo)) {}
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;
    ~ScopeExit() {
        if (armed_) undo_();
    }
    void commit() { armed_ = false; }

  private:
    Undo undo_;
    bool armed_ = true;
};

}  // namespace halfcell
