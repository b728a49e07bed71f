#include "userland/lib/find_expression.h"

#include "userland/lib/find_node.h"
#include "userland/lib/mode.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"

namespace halfcell::userland {

namespace {

using Node = FindExpression::Node;
using Kind = Node::Kind;
using NodePointer = std::unique_ptr<const Node>;

class ExpressionParser {
  public:
    ExpressionParser(std::span<const std::string_view> words, FindOptions& options)
        : words_(words), options_(options) {
        const Result<abi::TimeSpec> clock = sys_clock_gettime(abi::Clock::kRealtime);
        now_ = clock ? clock->tv_sec : 0;
    }

    NodePointer parse() {
        NodePointer root = words_.empty() ? make(Kind::kTrue) : disjunction();
        if (at_ < words_.size()) give_up(1, "paths must precede expression: ", quoted(words_[at_]));
        if (!has_action_) root = join(Kind::kAnd, std::move(root), make(Kind::kPrint));
        return root;
    }

  private:
    static NodePointer make(Kind kind) {
        auto node = std::make_unique<Node>();
        node->kind = kind;
        return node;
    }
    static NodePointer join(Kind kind, NodePointer left, NodePointer right) {
        auto node = std::make_unique<Node>();
        node->kind = kind;
        node->left = std::move(left);
        node->right = std::move(right);
        return node;
    }

    bool accept(std::string_view word) {
        if (at_ == words_.size() || words_[at_] != word) return false;
        ++at_;
        return true;
    }

    NodePointer disjunction() {
        NodePointer left = conjunction();
        while (accept("-o") || accept("-or"))
            left = join(Kind::kOr, std::move(left), conjunction());
        return left;
    }
    NodePointer conjunction() {
        NodePointer left = negation();
        for (;;) {
            const bool joined = accept("-a") || accept("-and");
            const bool more =
                at_ < words_.size() && words_[at_] != "-o" && words_[at_] != "-or" && words_[at_] != ")";
            if (!joined && !more) return left;
            left = join(Kind::kAnd, std::move(left), negation());
        }
    }
    NodePointer negation() {
        if (!accept("!") && !accept("-not")) return primary();
        return join(Kind::kNot, negation(), nullptr);
    }
    NodePointer primary() {
        if (at_ == words_.size()) give_up(1, "expected an expression after ", quoted(words_.back()));
        if (accept("(")) {
            NodePointer inner = disjunction();
            if (!accept(")")) give_up(1, "expected ')'");
            return inner;
        }
        const std::string_view word = words_[at_++];
        if (NodePointer node = action(word)) return node;
        if (NodePointer node = option(word)) return node;
        if (NodePointer node = test(word)) return node;
        if (word == "-exec" || word == "-ok") return command(word);
        if (word.starts_with('-')) give_up(1, "unknown predicate ", quoted(word));
        give_up(1, "paths must precede expression: ", quoted(word));
    }

    std::string_view argument() {
        if (at_ == words_.size()) give_up(1, "missing argument to ", quoted(words_[at_ - 1]));
        return words_[at_++];
    }

    NodePointer action(std::string_view word) {
        Kind kind{};
        if (word == "-print") {
            kind = Kind::kPrint;
        } else if (word == "-print0") {
            kind = Kind::kPrintNul;
        } else if (word == "-delete") {
            kind = Kind::kDelete;
            options_.contents_first = true;
        } else if (word == "-quit") {
            kind = Kind::kQuit;
        } else {
            return nullptr;
        }
        has_action_ = has_action_ || kind != Kind::kQuit;
        return make(kind);
    }

    // "-exec COMMAND… ;", "-exec COMMAND… {} +" and "-ok COMMAND… ;"
    NodePointer command(std::string_view word) {
        auto node = std::make_unique<Node>();
        node->kind = word == "-ok" ? Kind::kAsk : Kind::kExecute;
        while (at_ < words_.size()) {
            const std::string_view next = words_[at_++];
            const bool many = next == "+" && node->kind == Kind::kExecute && !node->command.empty() &&
                              node->command.back() == "{}";
            if (many) node->kind = Kind::kExecuteMany;
            if (many) node->command.pop_back();
            if (many || next == ";") {
                if (node->command.empty()) break;
                has_action_ = true;
                return node;
            }
            node->command.emplace_back(next);
        }
        give_up(1, "missing argument to ", quoted(word));
    }

    NodePointer option(std::string_view word) {
        if (word == "-depth" || word == "-d") {
            options_.contents_first = true;
        } else if (word == "-maxdepth" || word == "-mindepth") {
            const auto depth = parse_unsigned(argument());
            if (!depth) give_up(1, "Expected a positive decimal integer argument to ", word);
            (word == "-maxdepth" ? options_.most_depth : options_.least_depth) = *depth;
        } else if (word != "-xdev" && word != "-mount" && word != "-noleaf") {
            return nullptr;
        }
        return make(Kind::kTrue);
    }

    NodePointer text_test(Kind kind, bool ignore_case) {
        auto node = std::make_unique<Node>();
        node->kind = kind;
        node->text = argument();
        node->ignore_case = ignore_case;
        return node;
    }

    // "N", "+N" or "-N".
    static bool parse_relation(std::string_view text, Node& node) {
        if (text.starts_with('+')) node.relation = Node::Relation::kMore;
        if (text.starts_with('-')) node.relation = Node::Relation::kLess;
        if (node.relation != Node::Relation::kExactly) text.remove_prefix(1);
        const auto number = parse_unsigned(text);
        node.number = number.value_or(0);
        return number.has_value();
    }

    NodePointer number_test(Kind kind, std::string_view word, std::uint64_t unit = 1) {
        auto node = std::make_unique<Node>();
        node->kind = kind;
        node->unit = unit;
        node->now = now_;
        const std::string_view text = argument();
        if (!parse_relation(text, *node)) give_up(1, "invalid argument ", quoted(text), " to ", word);
        return node;
    }

    NodePointer size_test() {
        auto node = std::make_unique<Node>();
        node->kind = Kind::kSize;
        const std::string_view whole = argument();
        std::string_view text = whole;
        constexpr std::string_view kUnits = "bcwkMG";
        constexpr std::uint64_t kSizes[] = {512, 1, 2, 1024, 1024 * 1024, 1024 * 1024 * 1024};
        node->unit = 512;
        if (!text.empty() && (text.back() < '0' || text.back() > '9')) {
            const std::size_t unit = kUnits.find(text.back());
            if (unit == std::string_view::npos)
                give_up(1, "invalid -size type ", quoted(text.substr(text.size() - 1)));
            node->unit = kSizes[unit];
            text.remove_suffix(1);
        }
        if (!parse_relation(text, *node)) give_up(1, "Invalid argument ", quoted(whole), " to -size");
        return node;
    }

    NodePointer permission_test() {
        auto node = std::make_unique<Node>();
        node->kind = Kind::kPermissions;
        const std::string_view whole = argument();
        std::string_view text = whole;
        if (text.starts_with('-')) node->relation = Node::Relation::kLess;
        if (text.starts_with('/')) node->relation = Node::Relation::kMore;
        if (node->relation != Node::Relation::kExactly) text.remove_prefix(1);
        const auto mode = apply_mode(text, 0, false, 0);
        if (!mode) give_up(1, "invalid mode ", quoted(whole));
        node->number = *mode;
        return node;
    }

    NodePointer newer_test() {
        auto node = std::make_unique<Node>();
        node->kind = Kind::kNewer;
        const std::string_view path = argument();
        const Result<abi::Stat> stat = stat_file(path);
        if (!stat) give_up(1, quoted(path), ": ", error_sentence(stat.error()));
        node->reference = *stat;
        return node;
    }

    NodePointer test(std::string_view word) {
        if (word == "-name" || word == "-iname") return text_test(Kind::kName, word == "-iname");
        if (word == "-path" || word == "-wholename") return text_test(Kind::kPath, false);
        if (word == "-ipath") return text_test(Kind::kPath, true);
        if (word == "-type") return text_test(Kind::kType, false);
        if (word == "-size") return size_test();
        if (word == "-newer") return newer_test();
        if (word == "-perm") return permission_test();
        if (word == "-empty") return make(Kind::kEmpty);
        if (word == "-true") return make(Kind::kTrue);
        if (word == "-false") return make(Kind::kFalse);
        if (word == "-prune") return make(Kind::kPrune);
        if (word == "-mtime") return number_test(Kind::kModified, word, 86400);
        if (word == "-mmin") return number_test(Kind::kModified, word, 60);
        if (word == "-atime") return number_test(Kind::kAccessed, word, 86400);
        if (word == "-amin") return number_test(Kind::kAccessed, word, 60);
        if (word == "-links") return number_test(Kind::kLinks, word);
        if (word == "-inum") return number_test(Kind::kInode, word);
        if (word == "-uid") return number_test(Kind::kUser, word);
        if (word == "-gid") return number_test(Kind::kGroup, word);
        return nullptr;
    }

    std::span<const std::string_view> words_;
    FindOptions& options_;
    std::size_t at_ = 0;
    std::int64_t now_ = 0;
    bool has_action_ = false;
};

}  // namespace

FindExpression::FindExpression() = default;
FindExpression::FindExpression(FindExpression&&) noexcept = default;
FindExpression::~FindExpression() = default;

FindExpression FindExpression::parse(std::span<const std::string_view> words) {
    FindExpression expression;
    expression.root_ = ExpressionParser(words, expression.options_).parse();
    return expression;
}

bool FindExpression::evaluate(FoundFile& file) const {
    return evaluate_find_node(*root_, file);
}

void FindExpression::finish() const {
    finish_find_node(*root_);
}

}  // namespace halfcell::userland
