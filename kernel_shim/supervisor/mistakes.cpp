#include "kernel_shim/supervisor/mistakes.h"

#include <cstdio>

#include "kernel_shim/base/spelling.h"

namespace halfcell::supervisor {

namespace {

std::string joined(std::span<const std::string> words) {
    std::string text;
    for (const std::string& word : words)
        text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

}  // namespace

void complain(std::string_view command, std::string_view what) {
    std::string name = "halfcell";
    if (!command.empty()) name.append(" ").append(command);
    // A question is not run into another clause.
    const std::string text =
        name + ": " + std::string(what) + (what.ends_with('?') ? " See " : "; see ") + name + " --help\n";
    std::fputs(text.c_str(), stderr);
}

std::string no_command(const std::string& word, std::span<const std::string> commands) {
    if (const auto meant = similar_word(word, commands))
        return "there is no command '" + word + "'; did you mean " + *meant + "?";
    return "there is no command '" + word + "', only " + joined(commands) +
           "; to run a program of that name: halfcell run " + word;
}

std::string command_missing(std::span<const std::string> commands) {
    return "no command given; there are " + joined(commands);
}

std::string unknown_option(std::string_view word, std::span<const std::string> options) {
    word = word.substr(0, word.find('='));
    std::string text = "unknown option " + std::string(word);
    if (!word.starts_with("--")) return text;
    if (const auto meant = similar_word(word.substr(2), options)) text += "; did you mean --" + *meant + "?";
    return text;
}

}  // namespace halfcell::supervisor
