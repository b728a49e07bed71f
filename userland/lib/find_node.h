#pragma once

// A node of find's expressions; shared by the parser and the evaluation.

#include <cstdint>
#include <memory>
#include <string_view>

#include "userland/lib/find_expression.h"

namespace halfcell::userland {

struct FindExpression::Node {
    enum class Kind : std::uint8_t {
        kAnd,
        kOr,
        kNot,
        kTrue,
        kFalse,
        kName,
        kPath,
        kType,
        kSize,
        kNewer,
        kEmpty,
        kModified,
        kAccessed,
        kPermissions,
        kLinks,
        kInode,
        kUser,
        kGroup,
        kPrint,
        kPrintNul,
        kDelete,
        kPrune,
        kQuit,
        kExecute,      // -exec … ;
        kExecuteMany,  // -exec … +
        kAsk           // -ok … ;
    };
    enum class Relation : std::uint8_t { kExactly, kMore, kLess };

    Kind kind = Kind::kTrue;
    std::unique_ptr<const Node> left;
    std::unique_ptr<const Node> right;
    std::string_view text;
    bool ignore_case = false;
    Relation relation = Relation::kExactly;
    std::uint64_t number = 0;
    std::uint64_t unit = 1;
    std::int64_t now = 0;
    abi::Stat reference{};
    std::vector<std::string> command;
    // What kExecuteMany has collected; filled while files are evaluated.
    mutable std::vector<std::string> collected;
};

// Runs what is left in the kExecuteMany nodes below one.
void finish_find_node(const FindExpression::Node& node);

bool evaluate_find_node(const FindExpression::Node& node, FoundFile& file);

}  // namespace halfcell::userland
