#include "kernel_shim/supervisor/option_values.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "kernel_shim/supervisor/command_words.h"

namespace halfcell::supervisor {

namespace {

// As shells have it, and POSIX.
bool is_variable_name(std::string_view name) {
    constexpr std::string_view kDigits = "0123456789";
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    if (name.empty() || kDigits.find(name.front()) != kDigits.npos) return false;
    return std::ranges::all_of(
        name, [&](char c) { return kLetters.find(c) != kLetters.npos || kDigits.find(c) != kDigits.npos; });
}

}  // namespace

std::string absolute_on_host(const std::string& path) {
    std::error_code error;
    std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
    if (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
    return absolute;
}

std::string parse_bind(const std::string& text, Bind& bind) {
    const std::size_t first = text.find(':');
    if (text.empty() || first == 0) return "expected HOST[:GUESTPATH[:ro]], got '" + text + "'";
    if (first == std::string::npos) {
        bind = {.host = text, .guest = absolute_on_host(text)};
        return "";
    }
    bind.host = text.substr(0, first);
    bind.guest = text.substr(first + 1);
    const std::size_t second = bind.guest.find(':');
    if (second != std::string::npos) {
        const std::string mode = bind.guest.substr(second + 1);
        if (mode != "ro" && mode != "rw")
            return "expected :ro or :rw after the guest path, got ':" + mode + "'";
        bind.read_only = mode == "ro";
        bind.guest.resize(second);
    }
    if (bind.guest.empty() || bind.guest.front() != '/')
        return "the guest path must be absolute, got '" + bind.guest + "'";
    return "";
}

std::string parse_host_scheme(const std::string& text, HostScheme& scheme) {
    constexpr std::string_view kSocket = "unix:";
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        return "expected NAME=COMMAND or NAME=unix:PATH, got '" + text + "'";
    scheme.name = text.substr(0, equals);
    if (scheme.name.find_first_of(":/") != std::string::npos)
        return "a scheme's name has neither ':' nor '/', got '" + scheme.name + "'";
    const std::string rest = text.substr(equals + 1);
    if (rest.starts_with(kSocket)) {
        scheme.socket = absolute_on_host(rest.substr(kSocket.size()));
        return rest.size() == kSocket.size() ? "expected a path after 'unix:'" : "";
    }
    auto words = split_words(rest);
    if (!words) return "a quote is not closed in '" + rest + "'";
    if (words->empty()) return "expected a command after '" + scheme.name + "='";
    scheme.command = std::move(*words);
    return "";
}

std::string add_environment(const std::string& text, std::vector<std::string>& environment) {
    const std::size_t equals = text.find('=');
    if (equals == 0) return "expected a name before '=', got '" + text + "'";
    if (equals != std::string::npos) {
        environment.push_back(text);
        return "";
    }
    const bool prefix = text.ends_with('*');
    const std::string wanted = prefix ? text.substr(0, text.size() - 1) : text + "=";
    const std::size_t before = environment.size();
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (std::string_view(*entry).starts_with(wanted)) environment.emplace_back(*entry);
    if (environment.size() > before || wanted.empty()) return "";
    if (is_variable_name(prefix ? wanted : text)) return "";
    return "'" + text + "' is no name of a variable; to set one: --env NAME='two words'";
}

}  // namespace halfcell::supervisor
