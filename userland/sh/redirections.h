#pragma once

// Redirections of a command: done, and undone when the command has run.

#include <optional>
#include <string>
#include <vector>

#include "userland/rt/syscall.h"
#include "userland/sh/expansion.h"
#include "userland/sh/syntax.h"

namespace halfcell::userland::sh {

class Redirections {
  public:
    enum class Keep { kUndo, kForGood };

    Redirections() = default;
    Redirections(const Redirections&) = delete;
    Redirections& operator=(const Redirections&) = delete;
    // Puts the descriptors back, unless they were to be kept.
    ~Redirections() { undo(); }

    // Does them one after another. False after a mistake, with error() set; those before it stay until the
    // end. May block where an open does.
    bool apply(const std::vector<Redirection>& redirections, Expander& expander, bool no_clobber, Keep keep);
    void undo();

    const std::string& error() const { return error_; }

  private:
    struct Saved {
        Fd target;
        UniqueFd copy;  // None: it was closed.
    };
    bool apply_one(const Redirection& redirection, Expander& expander, bool no_clobber, Keep keep);
    bool duplicate(const std::string& text, Fd target, Keep keep);
    bool open(const Redirection& redirection, const std::string& path, bool no_clobber, Keep keep);
    bool document(const Redirection& redirection, Expander& expander, Keep keep);
    bool place(UniqueFd source, Fd target, Keep keep);
    void save(Fd target, Keep keep);
    bool fail(std::string message);

    std::vector<Saved> saved_;
    std::string error_;
};

}  // namespace halfcell::userland::sh
