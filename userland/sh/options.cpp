#include "userland/sh/options.h"

namespace halfcell::userland::sh {
namespace {

struct Row {
    Option option;
    char letter;
    std::string_view name;
};

constexpr Row kRows[] = {
    {Option::kErrExit, 'e', "errexit"},     {Option::kNoGlob, 'f', "noglob"},
    {Option::kIgnoreEof, 0, "ignoreeof"},   {Option::kInteractive, 'i', "interactive"},
    {Option::kMonitor, 'm', "monitor"},     {Option::kNoExec, 'n', "noexec"},
    {Option::kStandardIn, 's', "stdin"},    {Option::kTrace, 'x', "xtrace"},
    {Option::kVerbose, 'v', "verbose"},     {Option::kNoClobber, 'C', "noclobber"},
    {Option::kAllExport, 'a', "allexport"}, {Option::kNotify, 'b', "notify"},
    {Option::kNoUnset, 'u', "nounset"},
};

}  // namespace

std::string Options::letters() const {
    std::string text;
    for (const Row& row : kRows) {
        if (row.letter != 0 && has(row.option)) text.push_back(row.letter);
    }
    return text;
}

std::optional<Option> option_of_letter(char letter) {
    for (const Row& row : kRows) {
        if (row.letter == letter && letter != 0) return row.option;
    }
    return {};
}

std::optional<Option> option_of_name(std::string_view name) {
    for (const Row& row : kRows) {
        if (row.name == name) return row.option;
    }
    return {};
}

std::string_view name_of(Option option) {
    for (const Row& row : kRows) {
        if (row.option == option) return row.name;
    }
    return {};
}

}  // namespace halfcell::userland::sh
