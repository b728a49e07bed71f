#pragma once

// The shell's programs as trees: words and commands. Values; shared between whoever runs them, never changed
// after the parse.

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace halfcell::userland::sh {

struct List;
struct WordPart;

// A word before its expansion.
struct Word {
    std::vector<WordPart> parts;
    int line = 0;
};

// What ${NAME…} does with the value.
enum class ParameterOperation : std::uint8_t {
    kPlain,           // ${x}
    kLength,          // ${#x}
    kDefault,         // ${x-w}
    kAssign,          // ${x=w}
    kError,           // ${x?w}
    kAlternative,     // ${x+w}
    kShortestPrefix,  // ${x#w}
    kLongestPrefix,   // ${x##w}
    kShortestSuffix,  // ${x%w}
    kLongestSuffix    // ${x%%w}
};

struct WordPart {
    enum class Kind : std::uint8_t {
        kText,        // `text` as it is
        kParameter,   // `text` is the name
        kCommand,     // the output of `commands`
        kArithmetic,  // the value of the expression in `operand`
        kBad          // a wrong substitution, reported when it is expanded
    };
    Kind kind = Kind::kText;
    // Inside quotes, or behind a backslash: no splitting, no patterns.
    bool quoted = false;
    std::string text;
    ParameterOperation operation = ParameterOperation::kPlain;
    bool null_too = false;  // ${x:-w}: a null value counts as unset.
    std::shared_ptr<const Word> operand;
    std::shared_ptr<const List> commands;
};

struct HereDocument {
    bool strip_tabs = false;
    bool literal = false;  // The delimiter was quoted: no expansion.
    std::string delimiter;
    Word body;
};

struct Redirection {
    enum class Kind : std::uint8_t {
        kInput,         // <
        kOutput,        // >
        kClobber,       // >|
        kAppend,        // >>
        kReadWrite,     // <>
        kDuplicate,     // <& and >&
        kHereDocument,  // << and <<-
    };
    Kind kind = Kind::kInput;
    int descriptor = 0;
    Word target;
    std::shared_ptr<HereDocument> document;
};

struct Assignment {
    std::string name;
    Word value;
};

struct Command;
using CommandPointer = std::shared_ptr<const Command>;
using ListPointer = std::shared_ptr<const List>;

struct SimpleCommand {
    std::vector<Assignment> assignments;
    std::vector<Word> words;
};
struct GroupCommand {
    ListPointer body;
};
struct SubshellCommand {
    ListPointer body;
};
struct IfCommand {
    struct Branch {
        ListPointer condition;
        ListPointer body;
    };
    std::vector<Branch> branches;
    ListPointer otherwise;  // May be null.
};
struct LoopCommand {
    bool until = false;
    ListPointer condition;
    ListPointer body;
};
struct ForCommand {
    std::string variable;
    bool over_arguments = false;  // No "in": the positional parameters.
    std::vector<Word> words;
    ListPointer body;
};
struct CaseCommand {
    struct Item {
        std::vector<Word> patterns;
        ListPointer body;  // May be null.
    };
    Word subject;
    std::vector<Item> items;
};
struct FunctionDefinition {
    std::string name;
    CommandPointer body;
};

struct Command {
    std::variant<SimpleCommand, GroupCommand, SubshellCommand, IfCommand, LoopCommand, ForCommand,
                 CaseCommand, FunctionDefinition>
        body;
    std::vector<Redirection> redirections;
    int line = 0;
};

struct Pipeline {
    bool negated = false;
    std::vector<CommandPointer> commands;
};

struct AndOr {
    enum class Join : std::uint8_t { kFirst, kAnd, kOr };
    struct Item {
        Join join = Join::kFirst;
        Pipeline pipeline;
    };
    std::vector<Item> items;
    bool background = false;
    std::string text;  // As it was written, for the job list.
};

struct List {
    std::vector<AndOr> items;
};

}  // namespace halfcell::userland::sh
