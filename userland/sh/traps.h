#pragma once

// What the shell does when signals come: `trap` and the signals of an interactive shell.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace halfcell::userland::sh {

// The number under which the EXIT trap is known.
inline constexpr std::uint32_t kExitTrap = 0;

class Traps {
  public:
    struct Trap {
        std::uint32_t signal;
        std::string action;  // Empty: the signal is ignored.
    };

    // Sets an action; nothing: the default. A signal that was ignored when a shell without a terminal began
    // stays ignored.
    void set(std::uint32_t signal, std::optional<std::string> action);
    const std::string* action(std::uint32_t signal) const;
    // All that are set, by number.
    const std::vector<Trap>& all() const { return traps_; }

    // In a subshell: actions are forgotten, ignored signals stay ignored.
    void forget_actions();

    // The signals of a shell with a user: interrupts end the command and not the shell, others are ignored.
    void begin_interactive();
    // The same for one that controls jobs: stopping is for them.
    void ignore_stops();
    // Those of a job it starts: as they were before.
    void end_interactive();

    // A trapped signal that has come and was not taken yet; 0: none. The lowest first.
    static std::uint32_t take_pending();
    static std::uint32_t lowest_pending();
    static bool any_pending() { return lowest_pending() != 0; }
    static bool is_pending(std::uint32_t signal);
    // Whether an interrupt has come to an interactive shell; taking it forgets it.
    static bool take_interrupt();
    static bool interrupted();

  private:
    void install(std::uint32_t signal);

    std::vector<Trap> traps_;
    std::uint64_t ignored_at_start_ = 0;
    bool interactive_ = false;
};

}  // namespace halfcell::userland::sh
