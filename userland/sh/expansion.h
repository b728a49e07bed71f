#pragma once

// Words to fields: parameters, substitutions, splitting, file names. Pure: what needs a process or a file
// goes through an interface; tested on the host. Source of the rules: POSIX.1-2017, Shell Command
// Language, 2.6.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "userland/sh/arithmetic.h"
#include "userland/sh/fields.h"
#include "userland/sh/pathname.h"
#include "userland/sh/syntax.h"

namespace halfcell::userland::sh {

// What expansions need of the shell.
class ExpansionHost {
  public:
    virtual ~ExpansionHost() = default;
    // A variable, or a special parameter of one value: "?", "$", "!", "-", "0". Nothing where it is unset.
    virtual std::optional<std::string> parameter(std::string_view name) = 0;
    // False, with `error` set, for a variable that may not be changed.
    virtual bool set_variable(std::string_view name, std::string_view value, std::string& error) = 0;
    virtual std::span<const std::string> arguments() = 0;
    // Runs commands and appends what they write; false, with `error` set, where they could not be run.
    virtual bool command_output(const List& commands, std::string& output, std::string& error) = 0;
    // The home directory of a user; nothing for an unknown one.
    virtual std::optional<std::string> home_of(std::string_view user) = 0;
    virtual Directories& directories() = 0;
    // set -u and set -f.
    virtual bool refuses_unset() = 0;
    virtual bool expands_patterns() = 0;
};

// Every function returns false, with error() set, after a mistake; the command must not run then.
class Expander {
  public:
    explicit Expander(ExpansionHost& host) : host_(host) {}

    // The fields of a command's word, appended.
    bool fields(const Word& word, std::vector<std::string>& result);
    // Where neither splitting nor file names apply: redirections, the subject of case, here-documents.
    bool text(const Word& word, std::string& result);
    // The same for the value of an assignment, where '~' works behind each ':' too.
    bool assigned(const Word& word, std::string& result);
    // A pattern for glob_matches, in which what was quoted is escaped.
    bool pattern(const Word& word, std::string& result);

    const std::string& error() const { return error_; }

  private:
    enum class Tilde { kNone, kFirst, kColons };
    // `splits`: unquoted results may become several fields.
    bool expand(const Word& word, Tilde tilde, bool splits, std::vector<Fragment>& result);
    bool expand_part(const WordPart& part, bool splits, std::vector<Fragment>& result);
    void expand_text(const WordPart& part, Tilde tilde, bool first, bool last, std::vector<Fragment>& result);
    bool expand_parameter(const WordPart& part, bool splits, std::vector<Fragment>& result);
    bool expand_all_arguments(const WordPart& part, bool splits, std::vector<Fragment>& result);
    bool expand_arithmetic(const WordPart& part, bool splits, std::vector<Fragment>& result);
    bool use_operand(const WordPart& part, bool splits, std::vector<Fragment>& result);
    bool trim(const WordPart& part, std::string& value);
    std::string joined_arguments(std::string_view separator);
    std::string ifs();
    bool fail(std::string message);

    ExpansionHost& host_;
    std::string error_;
};

}  // namespace halfcell::userland::sh
