#include "userland/lib/regex_searcher.h"

#include <algorithm>

namespace halfcell::userland {
namespace {

constexpr std::size_t kLargestCache = 4096;
constexpr std::size_t kBuckets = 16384;

std::size_t hash(const std::vector<std::uint32_t>& states, int before) {
    std::uint64_t value = static_cast<std::uint64_t>(before) + 0x9E3779B97F4A7C15U;
    for (const std::uint32_t state : states)
        value = (value ^ state) * 0x100000001B3U;
    return static_cast<std::size_t>(value ^ (value >> 29));
}

}  // namespace

RegexSearcher::RegexSearcher(const RegexAutomaton& automaton)
    : automaton_(automaton), marks_(automaton.size()) {
    find_byte_classes();
    forget();
}

// Bytes that no set and no assertion tells apart share a column of the transition table.
void RegexSearcher::find_byte_classes() {
    std::vector<ByteSet> distinctions = automaton_.sets();
    if (automaton_.uses_assertions()) {
        ByteSet words;
        for (unsigned c = 0; c < 256; ++c)
            words[c] = is_word_byte(static_cast<unsigned char>(c));
        distinctions.push_back(words);
    }
    std::size_t count = 1;
    for (const ByteSet& set : distinctions) {
        // Splits each class by membership, keeping the number of classes at most 256.
        std::array<int, 512> renamed;
        renamed.fill(-1);
        std::size_t next = 0;
        for (std::size_t c = 0; c < 256; ++c) {
            const std::size_t key = class_of_[c] * std::size_t{2} + (set[c] ? 1 : 0);
            if (renamed[key] < 0) renamed[key] = static_cast<int>(next++);
            class_of_[c] = static_cast<std::uint8_t>(renamed[key]);
        }
        count = next;
        if (count == 256) break;
    }
    representative_.assign(count + 1, kTextEdge);
    for (int c = 255; c >= 0; --c)
        representative_[class_of_[static_cast<std::size_t>(c)]] = c;
}

void RegexSearcher::forget() {
    subsets_.clear();
    transitions_.clear();
    buckets_.assign(kBuckets, kUnknown);
    // State 0 is acceptance, and stays so whatever follows.
    subsets_.push_back({{}, -1});
    transitions_.assign(representative_.size(), kAccept);
    begin_ = intern({{}, kTextEdge});
}

std::uint32_t RegexSearcher::intern(Subset subset) {
    std::size_t at = hash(subset.states, subset.before) % kBuckets;
    while (buckets_[at] != kUnknown) {
        const Subset& known = subsets_[buckets_[at]];
        if (known.before == subset.before && known.states == subset.states) return buckets_[at];
        at = (at + 1) % kBuckets;
    }
    const auto index = static_cast<std::uint32_t>(subsets_.size());
    buckets_[at] = index;
    subsets_.push_back(std::move(subset));
    transitions_.resize(transitions_.size() + representative_.size(), kUnknown);
    return index;
}

// Follows empty moves from the subset, and from the start as a match may begin anywhere. True where the end
// is reached; `closed` gets the states that read a byte.
bool RegexSearcher::close(const Subset& subset, int after, std::vector<std::uint32_t>& closed) {
    ++stamp_;
    std::vector<std::uint32_t> pending(subset.states.rbegin(), subset.states.rend());
    pending.insert(pending.begin(), automaton_.start());
    while (!pending.empty()) {
        const std::uint32_t index = pending.back();
        pending.pop_back();
        if (marks_[index] == stamp_) continue;
        marks_[index] = stamp_;
        const RegexAutomaton::State& state = automaton_.state(index);
        switch (state.kind) {
            case RegexAutomaton::Kind::kMatch:
                return true;
            case RegexAutomaton::Kind::kBytes:
                closed.push_back(index);
                break;
            case RegexAutomaton::Kind::kSplit:
                pending.push_back(state.second);
                pending.push_back(state.next);
                break;
            case RegexAutomaton::Kind::kAssertion:
                if (RegexAutomaton::holds(state.assertion, subset.before, after))
                    pending.push_back(state.next);
                break;
        }
    }
    return false;
}

std::uint32_t RegexSearcher::step(std::uint32_t from, std::uint32_t byte_class) {
    const int byte = representative_[byte_class];
    std::vector<std::uint32_t> closed;
    std::uint32_t target = kAccept;
    if (!close(subsets_[from], byte, closed)) {
        Subset next;
        // Without assertions all that matters of the last byte is that there was one.
        next.before = byte != kTextEdge && automaton_.uses_assertions() &&
                              is_word_byte(static_cast<unsigned char>(byte))
                          ? 'a'
                          : ' ';
        if (byte != kTextEdge) {
            for (const std::uint32_t index : closed) {
                const RegexAutomaton::State& state = automaton_.state(index);
                if (automaton_.set(state)[static_cast<std::size_t>(byte)]) next.states.push_back(state.next);
            }
        }
        std::sort(next.states.begin(), next.states.end());
        next.states.erase(std::unique(next.states.begin(), next.states.end()), next.states.end());
        if (subsets_.size() >= kLargestCache) {
            // The caller goes on from the interned copy; old transitions are gone with the rest.
            forget();
            return intern(std::move(next));
        }
        target = intern(std::move(next));
    }
    transitions_[from * representative_.size() + byte_class] = target;
    return target;
}

bool RegexSearcher::matches(std::string_view text) {
    const std::size_t width = representative_.size();
    std::uint32_t state = begin_;
    for (const char c : text) {
        const std::uint32_t byte_class = class_of_[static_cast<unsigned char>(c)];
        const std::uint32_t known = transitions_[state * width + byte_class];
        state = known != kUnknown ? known : step(state, byte_class);
        if (state == kAccept) return true;
    }
    const auto end = static_cast<std::uint32_t>(width - 1);
    const std::uint32_t known = transitions_[state * width + end];
    return (known != kUnknown ? known : step(state, end)) == kAccept;
}

}  // namespace halfcell::userland
