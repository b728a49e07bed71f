#pragma once

// The nondeterministic automaton of a regular expression. Pure; used by regex.cpp.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "userland/lib/regex_syntax.h"

namespace halfcell::userland {

// What stands before or behind a position: a byte, or the edge of the text.
inline constexpr int kTextEdge = 256;

class RegexAutomaton {
  public:
    enum class Kind : std::uint8_t { kBytes, kSplit, kAssertion, kMatch };

    struct State {
        Kind kind;
        Assertion assertion;
        std::uint32_t set;     // Of kBytes: index into sets.
        std::uint32_t next;    // All but kMatch.
        std::uint32_t second;  // Of kSplit.
    };

    // Null and a filled `error` where the expression is too big.
    static std::unique_ptr<RegexAutomaton> build(const RegexTree& tree, bool whole_words, bool whole_text,
                                                 std::string& error);

    const State& state(std::uint32_t index) const { return states_[index]; }
    std::size_t size() const { return states_.size(); }
    std::uint32_t start() const { return start_; }
    const ByteSet& set(const State& state) const { return sets_[state.set]; }
    const std::vector<ByteSet>& sets() const { return sets_; }
    bool uses_assertions() const { return uses_assertions_; }

    // Whether an assertion holds between two neighbours.
    static bool holds(Assertion assertion, int before, int after);

  private:
    std::uint32_t add(State state);
    std::uint32_t emit(const RegexTree& tree, std::uint32_t node, std::uint32_t next);
    std::uint32_t emit_repetition(const RegexTree& tree, const RegexNode& node, std::uint32_t next);

    std::vector<State> states_;
    std::vector<ByteSet> sets_;
    std::uint32_t start_ = 0;
    bool uses_assertions_ = false;
    bool too_big_ = false;
};

}  // namespace halfcell::userland
