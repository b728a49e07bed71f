#include "userland/lib/regex.h"

#include "userland/lib/regex_automaton.h"
#include "userland/lib/regex_searcher.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kNone = ~std::size_t{0};

// One step of the simulation: which states are alive, and since which position each of their matches began.
class ThreadList {
  public:
    explicit ThreadList(const RegexAutomaton& automaton)
        : automaton_(automaton), begin_(automaton.size(), kNone) {}

    void swap(ThreadList& other) {
        begin_.swap(other.begin_);
        visited_.swap(other.visited_);
        readers_.swap(other.readers_);
    }
    void clear() {
        for (const std::uint32_t index : visited_)
            begin_[index] = kNone;
        visited_.clear();
        readers_.clear();
    }
    bool empty() const { return readers_.empty(); }
    const std::vector<std::uint32_t>& readers() const { return readers_; }
    std::size_t begin_of(std::uint32_t index) const { return begin_[index]; }

    // Adds a state and all it reaches by empty moves. Callers add in order of `begin`, so the first visit of
    // a state is the leftmost. Returns whether the end was reached.
    bool add(std::uint32_t first, std::size_t begin, int before, int after) {
        bool matched = false;
        pending_.push_back(first);
        while (!pending_.empty()) {
            const std::uint32_t index = pending_.back();
            pending_.pop_back();
            if (begin_[index] != kNone) continue;
            begin_[index] = begin;
            visited_.push_back(index);
            const RegexAutomaton::State& state = automaton_.state(index);
            switch (state.kind) {
                case RegexAutomaton::Kind::kMatch:
                    matched = true;
                    break;
                case RegexAutomaton::Kind::kBytes:
                    readers_.push_back(index);
                    break;
                case RegexAutomaton::Kind::kSplit:
                    pending_.push_back(state.second);
                    pending_.push_back(state.next);
                    break;
                case RegexAutomaton::Kind::kAssertion:
                    if (RegexAutomaton::holds(state.assertion, before, after)) pending_.push_back(state.next);
                    break;
            }
        }
        return matched;
    }

  private:
    const RegexAutomaton& automaton_;
    std::vector<std::size_t> begin_;
    std::vector<std::uint32_t> visited_;
    std::vector<std::uint32_t> readers_;
    std::vector<std::uint32_t> pending_;
};

int neighbour(std::string_view text, std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : kTextEdge;
}

}  // namespace

Regex::Regex(std::unique_ptr<RegexAutomaton> automaton)
    : automaton_(std::move(automaton)), searcher_(std::make_unique<RegexSearcher>(*automaton_)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::optional<Regex> Regex::compile(const std::vector<std::string_view>& patterns,
                                    const RegexOptions& options, std::string& error) {
    const RegexTree tree = parse_regex(patterns, options.syntax, options.ignore_case);
    error = tree.error;
    if (!error.empty()) return {};
    std::unique_ptr<RegexAutomaton> automaton =
        RegexAutomaton::build(tree, options.whole_words, options.whole_text, error);
    if (automaton == nullptr) return {};
    return Regex(std::move(automaton));
}

bool Regex::matches(std::string_view text) {
    return searcher_->matches(text);
}

std::optional<RegexMatch> Regex::find(std::string_view text, std::size_t from) const {
    ThreadList current(*automaton_);
    ThreadList next(*automaton_);
    std::optional<RegexMatch> best;
    // Threads are in order of their beginning, so those that begin after the best match can be dropped at a
    // cut.
    std::vector<std::pair<std::size_t, std::uint32_t>> moved;
    for (std::size_t at = from; at <= text.size(); ++at) {
        const int before = at == 0 ? kTextEdge : neighbour(text, at - 1);
        const int after = neighbour(text, at);
        next.clear();
        for (const auto& [begin, state] : moved) {
            if (best && begin > best->begin) break;
            if (next.add(state, begin, before, after)) best = RegexMatch{begin, at};
        }
        if (!best && next.add(automaton_->start(), at, before, after)) best = RegexMatch{at, at};
        current.swap(next);
        moved.clear();
        if (after == kTextEdge) break;
        for (const std::uint32_t index : current.readers()) {
            const RegexAutomaton::State& state = automaton_->state(index);
            if (!automaton_->set(state)[static_cast<std::size_t>(after)]) continue;
            moved.emplace_back(current.begin_of(index), state.next);
        }
        if (moved.empty() && best) break;
    }
    return best;
}

}  // namespace halfcell::userland
