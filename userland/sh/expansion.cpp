#include "userland/sh/expansion.h"

#include "userland/lib/glob.h"
#include "userland/lib/number.h"
#include "userland/sh/characters.h"

namespace halfcell::userland::sh {
namespace {

using Operation = ParameterOperation;

bool trims(Operation operation) {
    return operation >= Operation::kShortestPrefix;
}

bool is_all_arguments(std::string_view name) {
    return name == "@" || name == "*";
}

// Variables of an expression are the shell's.
class ExpressionVariables final : public ArithmeticVariables {
  public:
    explicit ExpressionVariables(ExpansionHost& host) : host_(host) {}

    std::optional<std::string> arithmetic_value(std::string_view name, std::string& error) override {
        auto value = host_.parameter(name);
        if (!value && host_.refuses_unset()) error = std::string(name) + ": parameter not set";
        return value;
    }
    bool assign_arithmetic(std::string_view name, std::int64_t value, std::string& error) override {
        const std::uint64_t magnitude =
            value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
        return host_.set_variable(name, (value < 0 ? "-" : "") + decimal(magnitude), error);
    }

  private:
    ExpansionHost& host_;
};

// Removes the shortest or longest piece that matches from one side.
void trim_value(Operation operation, std::string_view pattern, std::string& value) {
    const bool prefix = operation == Operation::kShortestPrefix || operation == Operation::kLongestPrefix;
    const bool shortest = operation == Operation::kShortestPrefix || operation == Operation::kShortestSuffix;
    const std::size_t size = value.size();
    for (std::size_t i = 0; i <= size; ++i) {
        const std::size_t count = shortest ? i : size - i;
        const std::string_view text(value);
        const std::string_view piece = prefix ? text.substr(0, count) : text.substr(size - count);
        if (!glob_matches(pattern, piece)) continue;
        value = std::string(prefix ? text.substr(count) : text.substr(0, size - count));
        return;
    }
}

}  // namespace

bool Expander::fail(std::string message) {
    error_ = std::move(message);
    return false;
}

std::string Expander::ifs() {
    return host_.parameter("IFS").value_or(" \t\n");
}

bool Expander::fields(const Word& word, std::vector<std::string>& result) {
    std::vector<Fragment> fragments;
    if (!expand(word, Tilde::kFirst, true, fragments)) return false;
    for (Field& field : split_fields(fragments, ifs())) {
        if (field.has_pattern && host_.expands_patterns()) {
            std::vector<std::string> paths = matching_paths(field.pattern, host_.directories());
            for (std::string& path : paths)
                result.push_back(std::move(path));
            if (!paths.empty()) continue;
        }
        result.push_back(std::move(field.text));
    }
    return true;
}

bool Expander::text(const Word& word, std::string& result) {
    std::vector<Fragment> fragments;
    if (!expand(word, Tilde::kFirst, false, fragments)) return false;
    result = join_fragments(fragments).text;
    return true;
}

bool Expander::assigned(const Word& word, std::string& result) {
    std::vector<Fragment> fragments;
    if (!expand(word, Tilde::kColons, false, fragments)) return false;
    result = join_fragments(fragments).text;
    return true;
}

bool Expander::pattern(const Word& word, std::string& result) {
    std::vector<Fragment> fragments;
    if (!expand(word, Tilde::kFirst, false, fragments)) return false;
    result = join_fragments(fragments).pattern;
    return true;
}

bool Expander::expand(const Word& word, Tilde tilde, bool splits, std::vector<Fragment>& result) {
    for (std::size_t i = 0; i < word.parts.size(); ++i) {
        const WordPart& part = word.parts[i];
        if (part.kind == WordPart::Kind::kText) {
            expand_text(part, tilde, i == 0, i + 1 == word.parts.size(), result);
        } else if (!expand_part(part, splits, result)) {
            return false;
        }
    }
    return true;
}

void Expander::expand_text(const WordPart& part, Tilde tilde, bool first, bool last,
                           std::vector<Fragment>& result) {
    if (part.quoted || tilde == Tilde::kNone || part.text.find('~') == std::string::npos) {
        result.push_back({part.text, part.quoted, false, false});
        return;
    }
    std::string_view rest = part.text;
    bool may_begin = first;
    while (!rest.empty()) {
        const std::size_t end = tilde == Tilde::kColons ? rest.find(':') : std::string_view::npos;
        const std::string_view piece = rest.substr(0, end);
        const std::size_t slash = piece.find('/');
        // A quoted rest would be part of the user's name, and there is no such user.
        const bool whole = slash != std::string_view::npos || end != std::string_view::npos || last;
        std::optional<std::string> home;
        if (may_begin && whole && piece.starts_with('~')) {
            home = host_.home_of(piece.substr(1, slash == std::string_view::npos ? slash : slash - 1));
        }
        if (home) {
            result.push_back({*home, true, false, false});
            if (slash != std::string_view::npos)
                result.push_back({std::string(piece.substr(slash)), false, false, false});
        } else {
            result.push_back({std::string(piece), false, false, false});
        }
        if (end == std::string_view::npos) return;
        result.push_back({":", false, false, false});
        rest.remove_prefix(end + 1);
        may_begin = true;
    }
}

bool Expander::expand_part(const WordPart& part, bool splits, std::vector<Fragment>& result) {
    switch (part.kind) {
        case WordPart::Kind::kParameter:
            return expand_parameter(part, splits, result);
        case WordPart::Kind::kArithmetic:
            return expand_arithmetic(part, splits, result);
        case WordPart::Kind::kCommand: {
            std::string output;
            std::string error;
            if (!host_.command_output(*part.commands, output, error)) return fail(std::move(error));
            while (output.ends_with('\n'))
                output.pop_back();
            result.push_back({std::move(output), part.quoted, splits && !part.quoted, false});
            return true;
        }
        default:
            return fail("Bad substitution");
    }
}

bool Expander::expand_arithmetic(const WordPart& part, bool splits, std::vector<Fragment>& result) {
    std::string expression;
    std::vector<Fragment> fragments;
    if (!expand(*part.operand, Tilde::kNone, false, fragments)) return false;
    expression = join_fragments(fragments).text;
    ExpressionVariables variables(host_);
    std::string error;
    const auto value = evaluate_arithmetic(expression, variables, error);
    if (!value) return fail(std::move(error));
    const std::uint64_t magnitude =
        *value < 0 ? ~static_cast<std::uint64_t>(*value) + 1 : static_cast<std::uint64_t>(*value);
    result.push_back(
        {(*value < 0 ? "-" : "") + decimal(magnitude), part.quoted, splits && !part.quoted, false});
    return true;
}

std::string Expander::joined_arguments(std::string_view separator) {
    std::string text;
    bool first = true;
    for (const std::string& argument : host_.arguments()) {
        if (!first) text.append(separator);
        text.append(argument);
        first = false;
    }
    return text;
}

// $@ and $* without an operation, or with one that lets them through.
bool Expander::expand_all_arguments(const WordPart& part, bool splits, std::vector<Fragment>& result) {
    const auto set_ifs = host_.parameter("IFS");
    const std::string separator = set_ifs ? set_ifs->substr(0, 1) : " ";
    if (!splits || (part.quoted && part.text == "*")) {
        result.push_back({joined_arguments(part.text == "*" ? separator : " "), part.quoted, false, false});
        return true;
    }
    bool first = true;
    for (const std::string& argument : host_.arguments()) {
        result.push_back({argument, part.quoted, !part.quoted, !first});
        first = false;
    }
    return true;
}

bool Expander::use_operand(const WordPart& part, bool splits, std::vector<Fragment>& result) {
    std::vector<Fragment> fragments;
    if (!expand(*part.operand, part.quoted ? Tilde::kNone : Tilde::kFirst, splits, fragments)) return false;
    for (Fragment& fragment : fragments) {
        // Plain text of the operand is part of the expansion's result and splits as such.
        if (splits && !fragment.quoted && !part.quoted) fragment.splits = true;
        result.push_back(std::move(fragment));
    }
    // "${x-}" is an empty field as "" is.
    if (part.quoted) result.push_back({"", true, false, false});
    return true;
}

bool Expander::trim(const WordPart& part, std::string& value) {
    std::string trimmed_by;
    if (!pattern(*part.operand, trimmed_by)) return false;
    trim_value(part.operation, trimmed_by, value);
    return true;
}

bool Expander::expand_parameter(const WordPart& part, bool splits, std::vector<Fragment>& result) {
    const std::string& name = part.text;
    const bool all = is_all_arguments(name);
    std::optional<std::string> value;
    if (all) {
        if (!host_.arguments().empty()) value = joined_arguments(" ");
    } else if (name == "#") {
        value = decimal(host_.arguments().size());
    } else if (is_number(name) && name != "0") {
        const auto index = parse_unsigned(name);
        if (index && *index >= 1 && *index <= host_.arguments().size()) value = host_.arguments()[*index - 1];
    } else {
        value = host_.parameter(name);
    }
    const bool missing = !value || (part.null_too && value->empty());
    switch (part.operation) {
        case Operation::kDefault:
            if (missing) return use_operand(part, splits, result);
            break;
        case Operation::kAlternative:
            if (!missing) return use_operand(part, splits, result);
            if (part.quoted && !all) result.push_back({"", true, false, false});
            return true;
        case Operation::kAssign: {
            if (!missing) break;
            if (!is_name(name)) return fail(name + ": bad variable name");
            std::string text;
            if (!assigned(*part.operand, text)) return false;
            std::string error;
            if (!host_.set_variable(name, text, error)) return fail(std::move(error));
            value = std::move(text);
            break;
        }
        case Operation::kError: {
            if (!missing) break;
            std::string message;
            if (!text(*part.operand, message)) return false;
            if (message.empty()) message = part.null_too ? "parameter not set or null" : "parameter not set";
            return fail(name + ": " + message);
        }
        default:
            if (!value && !all && host_.refuses_unset()) return fail(name + ": parameter not set");
            break;
    }
    if (part.operation == Operation::kLength) {
        result.push_back({decimal(value ? value->size() : 0), part.quoted, splits && !part.quoted, false});
        return true;
    }
    if (all && !trims(part.operation)) return expand_all_arguments(part, splits, result);
    std::string text = value.value_or("");
    if (trims(part.operation) && !trim(part, text)) return false;
    result.push_back({std::move(text), part.quoted, splits && !part.quoted, false});
    return true;
}

}  // namespace halfcell::userland::sh
