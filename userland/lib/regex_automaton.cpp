#include "userland/lib/regex_automaton.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kLargestAutomaton = 200'000;

bool is_word(int neighbour) {
    return neighbour != kTextEdge && is_word_byte(static_cast<unsigned char>(neighbour));
}

}  // namespace

bool RegexAutomaton::holds(Assertion assertion, int before, int after) {
    switch (assertion) {
        case Assertion::kLineStart:
            return before == kTextEdge;
        case Assertion::kLineEnd:
            return after == kTextEdge;
        case Assertion::kWordStart:
            return !is_word(before) && is_word(after);
        case Assertion::kWordEnd:
            return is_word(before) && !is_word(after);
        case Assertion::kWordBoundary:
            return is_word(before) != is_word(after);
        case Assertion::kNotWordBoundary:
            return is_word(before) == is_word(after);
        case Assertion::kNoWordBefore:
            return !is_word(before);
        case Assertion::kNoWordAfter:
            return !is_word(after);
    }
    return false;
}

std::uint32_t RegexAutomaton::add(State state) {
    if (states_.size() >= kLargestAutomaton) {
        too_big_ = true;
        return 0;
    }
    uses_assertions_ = uses_assertions_ || state.kind == Kind::kAssertion;
    states_.push_back(state);
    return static_cast<std::uint32_t>(states_.size() - 1);
}

// Builds backwards: the states of `node` lead to `next`; the first of them is returned.
std::uint32_t RegexAutomaton::emit(const RegexTree& tree, std::uint32_t index, std::uint32_t next) {
    const RegexNode& node = tree.nodes[index];
    switch (node.kind) {
        case RegexNode::Kind::kEmpty:
            return next;
        case RegexNode::Kind::kBytes:
            sets_.push_back(node.bytes);
            return add({Kind::kBytes, {}, static_cast<std::uint32_t>(sets_.size() - 1), next, 0});
        case RegexNode::Kind::kAssertion:
            return add({Kind::kAssertion, node.assertion, 0, next, 0});
        case RegexNode::Kind::kConcatenation:
            for (std::size_t i = node.children.size(); i-- > 0 && !too_big_;)
                next = emit(tree, node.children[i], next);
            return next;
        case RegexNode::Kind::kAlternation: {
            std::uint32_t first = 0;
            for (std::size_t i = node.children.size(); i-- > 0 && !too_big_;) {
                const std::uint32_t branch = emit(tree, node.children[i], next);
                const bool last = i + 1 == node.children.size();
                first = last ? branch : add({Kind::kSplit, {}, 0, branch, first});
            }
            return first;
        }
        case RegexNode::Kind::kRepetition:
            return emit_repetition(tree, node, next);
    }
    return next;
}

std::uint32_t RegexAutomaton::emit_repetition(const RegexTree& tree, const RegexNode& node,
                                              std::uint32_t next) {
    const std::uint32_t body = node.children[0];
    std::uint32_t first = next;
    if (node.most == RegexNode::kUnlimited) {
        const std::uint32_t loop = add({Kind::kSplit, {}, 0, 0, next});
        const std::uint32_t inner = emit(tree, body, loop);
        states_[loop].next = inner;
        first = loop;
    } else {
        for (std::uint32_t i = node.least; i < node.most && !too_big_; ++i) {
            first = add({Kind::kSplit, {}, 0, emit(tree, body, first), next});
        }
    }
    for (std::uint32_t i = 0; i < node.least && !too_big_; ++i)
        first = emit(tree, body, first);
    return first;
}

std::unique_ptr<RegexAutomaton> RegexAutomaton::build(const RegexTree& tree, bool whole_words,
                                                      bool whole_text, std::string& error) {
    auto automaton = std::make_unique<RegexAutomaton>();
    std::uint32_t end = automaton->add({Kind::kMatch, {}, 0, 0, 0});
    if (whole_text) {
        end = automaton->add({Kind::kAssertion, Assertion::kLineEnd, 0, end, 0});
    } else if (whole_words) {
        end = automaton->add({Kind::kAssertion, Assertion::kNoWordAfter, 0, end, 0});
    }
    std::uint32_t start = automaton->emit(tree, tree.root, end);
    if (whole_text) {
        start = automaton->add({Kind::kAssertion, Assertion::kLineStart, 0, start, 0});
    } else if (whole_words) {
        start = automaton->add({Kind::kAssertion, Assertion::kNoWordBefore, 0, start, 0});
    }
    automaton->start_ = start;
    if (automaton->too_big_) {
        error = "Regular expression too big";
        return nullptr;
    }
    return automaton;
}

}  // namespace halfcell::userland
