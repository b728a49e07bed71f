#include "kernel_shim/supervisor/command_line.h"

#include "kernel_shim/supervisor/help.h"
#include "kernel_shim/supervisor/mistakes.h"

namespace halfcell::supervisor {

namespace {

// Help as CLI11 makes it, but for what its own notation would not tell: that words follow the options, and
// that a flag may have a file.
class HelpFormatter final : public CLI::Formatter {
  public:
    std::string make_usage(const CLI::App* app, std::string name) const override {
        std::string text = CLI::Formatter::make_usage(app, std::move(name));
        const std::size_t end = text.find_last_not_of('\n') + 1;
        if (const CommandHelp* const help = help_of(app->get_name())) text.insert(end, help->behind);
        return text;
    }
    std::string make_option_name(const CLI::Option* option, bool positional) const override {
        std::string name = CLI::Formatter::make_option_name(option, positional);
        if (const std::size_t at = name.find("{-}"); at != std::string::npos) name.replace(at, 3, "[=FILE]");
        return name;
    }
};

// Those that the help lists.
std::vector<CLI::App*> listed_commands(CLI::App& app) {
    return app.get_subcommands([](CLI::App* command) { return !command->get_group().empty(); });
}

std::vector<std::string> command_names(CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* const command : listed_commands(app))
        names.push_back(command->get_name());
    return names;
}

}  // namespace

CLI::Validator whole_number() {
    return {[](const std::string& text) {
                const bool hexadecimal = text.starts_with("0x") && text.size() > 2;
                const char* const digits = hexadecimal ? "0123456789abcdefABCDEF" : "0123456789";
                const std::size_t strange = text.find_first_not_of(digits, hexadecimal ? 2 : 0);
                if (!text.empty() && strange == std::string::npos) return std::string();
                return "expected a number, got '" + text + "'";
            },
            ""};
}

CLI::Validator size_in_bytes() {
    return {[as_size = CLI::AsSizeValue(false)](std::string& text) {
                std::string problem = "expected a size such as 64M or 2G, got '" + text + "'";
                if (text.starts_with('-')) return problem;
                try {
                    return as_size(text).empty() ? std::string() : problem;
                } catch (const CLI::ValidationError&) {
                    return problem;
                }
            },
            ""};
}

int separator_index(const CLI::App& sub, int argc, char** argv) {
    for (int index = 2; index < argc; ++index) {
        const std::string word = argv[index];
        if (word == "--") return index;
        if (word.size() < 2 || word.front() != '-') return argc;
        if (word.find('=') != std::string::npos) continue;
        const CLI::Option* const option = sub.get_option_no_throw(word);
        if (option != nullptr && option->get_items_expected_min() > 0) ++index;
    }
    return argc;
}

void add_help(CLI::App& app) {
    const auto formatter = std::make_shared<HelpFormatter>();
    formatter->column_width(34);
    formatter->label("SUBCOMMAND", "COMMAND");
    app.formatter(formatter);
    app.footer(help_of(app.get_name())->footer);
    for (CLI::App* const command : listed_commands(app)) {
        command->formatter(formatter);
        command->group("Commands");
        command->footer(help_of(command->get_name())->footer);
    }
}

std::vector<std::string> option_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* const option : command.get_options())
        for (const std::string& name : option->get_lnames())
            names.push_back(name.substr(0, name.find('{')));
    return names;
}

std::string wrong_beginning(CLI::App& app, const std::string& word) {
    const auto named = app.get_subcommands([&](CLI::App* command) { return command->get_name() == word; });
    if (!named.empty()) return "";
    if (!word.starts_with('-')) return no_command(word, command_names(app));
    const std::string option = word.substr(0, word.find('='));
    if (app.get_option_no_throw(option) != nullptr) return "";
    if (app.get_subcommand("run")->get_option_no_throw(option) != nullptr)
        return "options stand behind their command: halfcell run " + word + " …";
    return unknown_option(word, option_names(app));
}

std::string mistake_of(const CLI::ParseError& error, CLI::App& command) {
    const auto is = [&error](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
    if (command.get_parent() == nullptr && is(CLI::ExitCodes::RequiredError))
        return command_missing(command_names(command));
    if (const auto words = command.remaining(); is(CLI::ExitCodes::ExtrasError) && !words.empty())
        return words.front().starts_with('-') ? unknown_option(words.front(), option_names(command))
                                              : "nothing can be done with the word '" + words.front() + "'";
    return error.what();
}

}  // namespace halfcell::supervisor
