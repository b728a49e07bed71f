#include "userland/lib/arguments.h"

#include <optional>

namespace halfcell::userland {
namespace {

class Parser {
  public:
    Parser(const Usage& usage, std::span<const std::string_view> arguments)
        : usage_(usage), arguments_(arguments) {}

    CommandLine parse() {
        while (at_ < arguments_.size() && result_.error.empty()) {
            const std::string_view argument = arguments_[at_++];
            if (argument == "--") break;
            if (argument.starts_with("--")) {
                parse_long(argument.substr(2));
            } else if (argument.size() > 1 && argument[0] == '-') {
                parse_short(argument.substr(1));
            } else {
                result_.operands.push_back(argument);
                if (usage_.operands == Operands::kLast) break;
            }
        }
        while (at_ < arguments_.size())
            result_.operands.push_back(arguments_[at_++]);
        return std::move(result_);
    }

  private:
    std::optional<std::string_view> next_argument() {
        if (at_ == arguments_.size()) return {};
        return arguments_[at_++];
    }

    void parse_short(std::string_view letters) {
        while (!letters.empty()) {
            const char letter = letters[0];
            letters.remove_prefix(1);
            const Option* option = nullptr;
            for (const Option& candidate : usage_.options) {
                if (candidate.id == letter) option = &candidate;
            }
            if (option == nullptr) {
                result_.error = std::string("invalid option -- '") + letter + "'";
                return;
            }
            if (option->value == Value::kNone) {
                result_.options.push_back({option->id, {}, false});
                continue;
            }
            if (!letters.empty() || option->value == Value::kOptional) {
                result_.options.push_back({option->id, letters, !letters.empty()});
                return;
            }
            const std::optional<std::string_view> value = next_argument();
            if (!value) {
                result_.error = std::string("option requires an argument -- '") + letter + "'";
                return;
            }
            result_.options.push_back({option->id, *value, true});
            return;
        }
    }

    // The option a long name or an unambiguous beginning of it means.
    const Option* find_long(std::string_view name) {
        const Option* found = nullptr;
        bool ambiguous = false;
        for (const Option& candidate : usage_.options) {
            if (candidate.name.empty() || !candidate.name.starts_with(name)) continue;
            if (candidate.name == name) return &candidate;
            ambiguous = ambiguous || (found != nullptr && found->id != candidate.id);
            found = &candidate;
        }
        if (found == nullptr) result_.error = "unrecognized option '--" + std::string(name) + "'";
        if (ambiguous) result_.error = "option '--" + std::string(name) + "' is ambiguous";
        return ambiguous ? nullptr : found;
    }

    void parse_long(std::string_view text) {
        const std::size_t equals = text.find('=');
        const std::string_view name = text.substr(0, equals);
        if (name == "help") {
            result_.help = true;
            return;
        }
        const Option* option = find_long(name);
        if (option == nullptr) return;
        if (equals != std::string_view::npos) {
            if (option->value == Value::kNone) {
                result_.error = "option '--" + std::string(option->name) + "' doesn't allow an argument";
                return;
            }
            result_.options.push_back({option->id, text.substr(equals + 1), true});
            return;
        }
        if (option->value != Value::kRequired) {
            result_.options.push_back({option->id, {}, false});
            return;
        }
        const std::optional<std::string_view> value = next_argument();
        if (!value) {
            result_.error = "option '--" + std::string(option->name) + "' requires an argument";
            return;
        }
        result_.options.push_back({option->id, *value, true});
    }

    const Usage& usage_;
    std::span<const std::string_view> arguments_;
    std::size_t at_ = 0;
    CommandLine result_;
};

std::string option_column(const Option& option) {
    std::string text = "  ";
    const bool has_letter = option.id < kLongOnly;
    if (has_letter) text.append("-").push_back(static_cast<char>(option.id));
    if (!option.name.empty()) {
        text.append(has_letter ? ", --" : "    --").append(option.name);
    }
    if (option.value == Value::kRequired) {
        text.append(option.name.empty() ? " " : "=").append(option.metavar);
    } else if (option.value == Value::kOptional) {
        text.append(option.name.empty() ? "[" : "[=").append(option.metavar).append("]");
    }
    return text;
}

}  // namespace

std::string_view CommandLine::value_of(int id, std::string_view otherwise) const {
    std::string_view value = otherwise;
    for (const GivenOption& option : options) {
        if (option.id == id && option.has_value) value = option.value;
    }
    return value;
}

bool CommandLine::has(int id) const {
    for (const GivenOption& option : options) {
        if (option.id == id) return true;
    }
    return false;
}

CommandLine parse_command_line(const Usage& usage, std::span<const std::string_view> arguments) {
    return Parser(usage, arguments).parse();
}

std::string help_text(const Usage& usage) {
    constexpr std::size_t kHelpColumn = 28;
    std::string text = "Usage: ";
    text.append(usage.name)
        .append(" ")
        .append(usage.synopsis)
        .append("\n")
        .append(usage.description)
        .append("\n\n");
    for (const Option& option : usage.options) {
        if (option.help.empty()) continue;
        std::string line = option_column(option);
        if (line.size() + 2 > kHelpColumn) {
            line.append("\n").append(kHelpColumn, ' ');
        } else {
            line.append(kHelpColumn - line.size(), ' ');
        }
        text.append(line).append(option.help).append("\n");
    }
    return text.append("      --help                show this help\n");
}

}  // namespace halfcell::userland
