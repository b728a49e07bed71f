#include "userland/lib/find_node.h"
#include "userland/lib/glob.h"
#include "userland/lib/mode.h"
#include "userland/lib/run_command.h"
#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

using Node = FindExpression::Node;
using Kind = Node::Kind;

bool compare(std::uint64_t value, const Node& node) {
    if (node.relation == Node::Relation::kMore) return value > node.number;
    if (node.relation == Node::Relation::kLess) return value < node.number;
    return value == node.number;
}

char type_letter(std::uint16_t mode) {
    const char letter = mode_text(mode)[0];
    return letter == '-' ? 'f' : letter;
}

bool is_empty(FoundFile& file, const abi::Stat& stat) {
    if (is_regular(stat)) return stat.st_size == 0;
    if (!is_directory(stat)) return false;
    const Result<std::vector<DirectoryEntry>> entries = read_directory(file.path());
    return entries && entries->empty();
}

bool has_permissions(std::uint16_t mode, const Node& node) {
    const std::uint16_t bits = mode & 07777;
    if (node.relation == Node::Relation::kLess)
        return (bits & node.number) == node.number;  // -MODE: all of them
    if (node.relation == Node::Relation::kMore) return node.number == 0 || (bits & node.number) != 0;
    return bits == node.number;
}

bool is_newer(const abi::Stat& stat, const abi::Stat& reference) {
    return std::pair(stat.st_mtime_sec, stat.st_mtime_nsec) >
           std::pair(reference.st_mtime_sec, reference.st_mtime_nsec);
}

std::uint64_t age(std::uint64_t seconds, const Node& node) {
    const std::int64_t passed = node.now - static_cast<std::int64_t>(seconds);
    return passed < 0 ? 0 : static_cast<std::uint64_t>(passed) / node.unit;
}

bool delete_file(FoundFile& file, const abi::Stat& stat) {
    if (file.path() == ".") return true;
    const Result<void> removed =
        is_directory(stat) ? remove_directory(file.path()) : remove_file(file.path());
    if (!removed) complain("cannot delete ", quoted(file.path()), ": ", error_sentence(removed.error()));
    return static_cast<bool>(removed);
}

bool test_stat(const Node& node, FoundFile& file) {
    const abi::Stat* stat = file.stat();
    if (stat == nullptr) return false;
    switch (node.kind) {
        case Kind::kType:
            return node.text.find(type_letter(stat->st_mode)) != std::string_view::npos;
        case Kind::kSize:
            return compare(stat->st_size / node.unit + (stat->st_size % node.unit != 0 ? 1 : 0), node);
        case Kind::kNewer:
            return is_newer(*stat, node.reference);
        case Kind::kEmpty:
            return is_empty(file, *stat);
        case Kind::kModified:
            return compare(age(stat->st_mtime_sec, node), node);
        case Kind::kAccessed:
            return compare(age(stat->st_atime_sec, node), node);
        case Kind::kPermissions:
            return has_permissions(stat->st_mode, node);
        case Kind::kLinks:
            return compare(stat->st_nlink, node);
        case Kind::kInode:
            return compare(stat->st_ino, node);
        case Kind::kUser:
            return compare(stat->st_uid, node);
        case Kind::kGroup:
            return compare(stat->st_gid, node);
        default:
            return delete_file(file, *stat);
    }
}

// Commands take at most this many files at once, well below what fits onto a stack.
constexpr std::size_t kMostCollected = 4096;

// Every "{}" in the words of a command becomes the path.
bool run_for(const Node& node, const std::string& path) {
    std::vector<std::string> words;
    for (const std::string& word : node.command) {
        std::string replaced;
        std::size_t at = 0;
        for (std::size_t found = word.find("{}"); found != std::string::npos; found = word.find("{}", at)) {
            replaced.append(word, at, found - at).append(path);
            at = found + 2;
        }
        words.push_back(replaced.append(word, at));
    }
    if (node.kind == Kind::kAsk && !confirmed(concat("< ", words[0], " ... ", path, " > ? "))) return false;
    return run_command(words) == 0;
}

void run_collected(const Node& node) {
    if (node.collected.empty()) return;
    std::vector<std::string> words = node.command;
    words.insert(words.end(), node.collected.begin(), node.collected.end());
    node.collected.clear();
    if (run_command(words) != 0 && tool_status() == 0) set_tool_status(1);
}

}  // namespace

void finish_find_node(const FindExpression::Node& node) {
    if (node.left) finish_find_node(*node.left);
    if (node.right) finish_find_node(*node.right);
    if (node.kind == Kind::kExecuteMany) run_collected(node);
}

bool evaluate_find_node(const FindExpression::Node& node, FoundFile& file) {
    switch (node.kind) {
        case FindExpression::Node::Kind::kAnd:
            return evaluate_find_node(*node.left, file) && evaluate_find_node(*node.right, file);
        case FindExpression::Node::Kind::kOr:
            return evaluate_find_node(*node.left, file) || evaluate_find_node(*node.right, file);
        case FindExpression::Node::Kind::kNot:
            return !evaluate_find_node(*node.left, file);
        case FindExpression::Node::Kind::kTrue:
            return true;
        case FindExpression::Node::Kind::kFalse:
            return false;
        case FindExpression::Node::Kind::kName:
            return glob_matches(node.text, base_name(file.path()), node.ignore_case);
        case FindExpression::Node::Kind::kPath:
            return glob_matches(node.text, file.path(), node.ignore_case);
        case FindExpression::Node::Kind::kPrint:
            out().print(file.path(), '\n');
            return true;
        case FindExpression::Node::Kind::kPrintNul:
            out().print(file.path(), '\0');
            return true;
        case FindExpression::Node::Kind::kPrune:
            file.pruned = true;
            return true;
        case FindExpression::Node::Kind::kExecute:
        case FindExpression::Node::Kind::kAsk:
            return run_for(node, file.path());
        case FindExpression::Node::Kind::kExecuteMany:
            node.collected.push_back(file.path());
            if (node.collected.size() == kMostCollected) run_collected(node);
            return true;
        case FindExpression::Node::Kind::kQuit:
            exit_program(tool_status());
        default:
            return test_stat(node, file);
    }
}

const abi::Stat* FoundFile::stat() {
    if (!asked_) {
        asked_ = true;
        Result<abi::Stat> result = stat_file(path_, follow_ ? FollowLinks::kYes : FollowLinks::kNo);
        if (!result && follow_) result = stat_file(path_, FollowLinks::kNo);
        if (result) {
            stat_ = *result;
        } else {
            complain(quoted(path_), ": ", error_sentence(result.error()));
        }
    }
    return stat_ ? &*stat_ : nullptr;
}

}  // namespace halfcell::userland
