#pragma once

// Regular expressions in time proportional to the text: a Thompson automaton, run as a lazily built
// deterministic one where only "does it match" is asked, and with start positions where the leftmost longest
// match is. Texts are bytes (the C locale). Pure; tested on the host.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "userland/lib/regex_syntax.h"

namespace halfcell::userland {

struct RegexOptions {
    RegexSyntax syntax = RegexSyntax::kBasic;
    bool ignore_case = false;
    bool whole_words = false;  // A match has no word characters next to it.
    bool whole_text = false;   // A match is all of the text.
};

struct RegexMatch {
    std::size_t begin;
    std::size_t end;
};

class RegexAutomaton;
class RegexSearcher;

class Regex {
  public:
    // Patterns are alternatives. On a syntax error nothing is returned and `error` says why.
    static std::optional<Regex> compile(const std::vector<std::string_view>& patterns,
                                        const RegexOptions& options, std::string& error);
    Regex(Regex&&) noexcept;
    ~Regex();

    // Whether the text, one line, contains a match. Fills a cache, so it is not const.
    bool matches(std::string_view text);

    // The leftmost longest match that begins at `from` or later.
    std::optional<RegexMatch> find(std::string_view text, std::size_t from = 0) const;

  private:
    explicit Regex(std::unique_ptr<RegexAutomaton> automaton);
    std::unique_ptr<RegexAutomaton> automaton_;
    std::unique_ptr<RegexSearcher> searcher_;
};

}  // namespace halfcell::userland
