#pragma once

// The options of `set` and of the command line. Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halfcell::userland::sh {

enum class Option : std::uint8_t {
    kAllExport,    // -a
    kNotify,       // -b
    kNoClobber,    // -C
    kErrExit,      // -e
    kNoGlob,       // -f
    kInteractive,  // -i
    kMonitor,      // -m
    kNoExec,       // -n
    kStandardIn,   // -s
    kNoUnset,      // -u
    kVerbose,      // -v
    kTrace,        // -x
    kIgnoreEof,    // -o ignoreeof
    kCount
};

class Options {
  public:
    bool has(Option option) const { return (bits_ >> static_cast<unsigned>(option) & 1) != 0; }
    void set(Option option, bool on) {
        const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(option);
        bits_ = on ? bits_ | bit : bits_ & ~bit;
    }
    // The letters of those that are on: the value of $-.
    std::string letters() const;

  private:
    std::uint32_t bits_ = 0;
};

std::optional<Option> option_of_letter(char letter);
std::optional<Option> option_of_name(std::string_view name);
// What "set -o" calls it.
std::string_view name_of(Option option);

}  // namespace halfcell::userland::sh
