#pragma once

// CLI11 as halfcell uses it: the notation of its command lines, their help, and what is said of mistakes. The
// only user of CLI11, which all others get from here.

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace halfcell::supervisor {

// A number, decimal or after "0x". CLI11 by itself takes -1 for the largest.
[[nodiscard]] CLI::Validator whole_number();

// A number of bytes, which may have a unit: 64M.
[[nodiscard]] CLI::Validator size_in_bytes();

// One of these words, for an option whose type is the enumeration they stand for.
template <typename Enum>
[[nodiscard]] CLI::Validator one_of(std::vector<std::pair<std::string, Enum>> words) {
    return {[words = std::move(words)](std::string& text) {
                std::string expected;
                for (const auto& [word, value] : words) {
                    if (text == word) {
                        text = std::to_string(static_cast<int>(value));
                        return std::string();
                    }
                    expected += (expected.empty() ? "" : &word == &words.back().first ? " or " : ", ") + word;
                }
                return "expected " + expected + ", got '" + text + "'";
            },
            ""};
}

// The long names of a command's options, without dashes.
[[nodiscard]] std::vector<std::string> option_names(const CLI::App& command);

// Where "--" stands between the options of `sub` and its program; argc where it does not. CLI11 would hand
// the words behind it to the main command, so they are kept from it.
[[nodiscard]] int separator_index(const CLI::App& sub, int argc, char** argv);

// For all commands, once they are there.
void add_help(CLI::App& app);

// What is wrong with the first word, which should be a command or an option of the program itself; empty
// where nothing is.
[[nodiscard]] std::string wrong_beginning(CLI::App& app, const std::string& word);

// What CLI11 found wrong about a command, or the program itself.
[[nodiscard]] std::string mistake_of(const CLI::ParseError& error, CLI::App& command);

}  // namespace halfcell::supervisor
