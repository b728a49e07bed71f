#pragma once

// The deterministic side of a regular expression: states are made when a text first needs them. Pure; used by
// regex.cpp.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "userland/lib/regex_automaton.h"

namespace halfcell::userland {

class RegexSearcher {
  public:
    // The automaton must outlive the searcher.
    explicit RegexSearcher(const RegexAutomaton& automaton);

    // Whether the text contains a match.
    bool matches(std::string_view text);

  private:
    static constexpr std::uint32_t kUnknown = ~std::uint32_t{0};
    static constexpr std::uint32_t kAccept = 0;

    // What a deterministic state stands for: automaton states reached, before their empty moves, and what
    // kind of byte was read last.
    struct Subset {
        std::vector<std::uint32_t> states;
        int before;
    };

    void find_byte_classes();
    void forget();
    std::uint32_t intern(Subset subset);
    std::uint32_t step(std::uint32_t from, std::uint32_t byte_class);
    bool close(const Subset& subset, int after, std::vector<std::uint32_t>& closed);

    const RegexAutomaton& automaton_;
    std::array<std::uint8_t, 256> class_of_{};
    std::vector<int> representative_;  // A byte of each class; the last class is the end of the text.
    std::vector<Subset> subsets_;
    std::vector<std::uint32_t> transitions_;  // subset × class
    std::vector<std::uint32_t> buckets_;      // Hash table over subsets_, kUnknown where empty.
    std::vector<std::uint32_t> marks_;        // Visit stamps of automaton states.
    std::uint32_t stamp_ = 0;
    std::uint32_t begin_ = 0;
};

}  // namespace halfcell::userland
