#include "kernel_shim/control/command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "kernel_shim/base/json.h"

namespace halfcell::control {

namespace {

constexpr std::array kCommands{
    CommandRow{Verb::kBlocked, "blocked", "", "who waits for whom, and why; deadlocks by name"},
    CommandRow{Verb::kContinue, "cont", "PID", "let a stopped process go on"},
    CommandRow{Verb::kQuit, "exit", "", "end this connection"},
    CommandRow{Verb::kDescriptors, "fds", "PID", "open descriptors, and what they lead to"},
    CommandRow{Verb::kDebug, "gdb", "PID [LISTEN]", "let gdb in, at unix:PATH or 127.0.0.1:PORT"},
    CommandRow{Verb::kHelp, "help", "", "this list"},
    CommandRow{Verb::kKill, "kill", "PID", "end a process"},
    CommandRow{Verb::kLock, "lock", "", "refuse every command from now on; there is no way back"},
    CommandRow{Verb::kMaps, "maps", "PID", "what is mapped where"},
    CommandRow{Verb::kPing, "ping", "", "is anybody there?"},
    CommandRow{Verb::kPrompt, "prompt", "[n|i|p]", "one command, many, or many with a prompt; alone: p or n"},
    CommandRow{Verb::kProcesses, "ps", "", "processes and their threads"},
    CommandRow{Verb::kQuit, "quit", "", "end this connection"},
    CommandRow{Verb::kSchemes, "schemes", "", "the servers behind the names"},
    CommandRow{Verb::kStat, "stat", "", "the whole state, for programs"},
    CommandRow{Verb::kStats, "stats", "", "the same for people"},
    CommandRow{Verb::kStop, "stop", "PID", "stop a process, as SIGSTOP does"},
    CommandRow{Verb::kTail, "tail", "PID [COUNT]", "the last calls of a process that is traced"},
    CommandRow{Verb::kTrace, "trace", "PID on|off|FILTER",
               "remember a process's calls; FILTER as trace -e has it"},
    CommandRow{Verb::kVersion, "version", "", "of halfcell"},
};

constexpr std::uint64_t kUsualTail = 20;

std::vector<std::string_view> words_of(std::string_view line) {
    constexpr std::string_view kBlanks = " \t";
    std::vector<std::string_view> words;
    for (std::size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;) {
        const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
        words.push_back(line.substr(at, end - at));
        at = line.find_first_not_of(kBlanks, end);
    }
    return words;
}

template <typename Number>
std::optional<Number> number_of(std::string_view word) {
    Number number{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return number;
}

// The arguments, by kind of command. False where they do not fit.
bool read_arguments(std::span<const std::string_view> words, Request& request) {
    const auto read_pid = [&] {
        const auto pid = words.empty() ? std::nullopt : number_of<std::uint32_t>(words[0]);
        if (pid) request.pid = *pid;
        return pid.has_value();
    };
    switch (request.verb) {
        case Verb::kContinue:
        case Verb::kDescriptors:
        case Verb::kKill:
        case Verb::kMaps:
        case Verb::kStop:
            return words.size() == 1 && read_pid();
        case Verb::kDebug:
            if (words.empty() || words.size() > 2 || !read_pid()) return false;
            if (words.size() == 2) request.text = words[1];
            return true;
        case Verb::kTrace:
            if (words.size() != 2 || !read_pid()) return false;
            request.text = words[1];
            return true;
        case Verb::kTail: {
            if (words.size() > 2 || !read_pid()) return false;
            const auto count = words.size() == 2 ? number_of<std::uint64_t>(words[1]) : kUsualTail;
            if (count) request.count = *count;
            return count.has_value();
        }
        case Verb::kPrompt:
            if (words.empty()) return true;
            request.text = words[0];
            return words.size() == 1 && (words[0] == "n" || words[0] == "i" || words[0] == "p");
        case Verb::kBlocked:
        case Verb::kHelp:
        case Verb::kLock:
        case Verb::kPing:
        case Verb::kProcesses:
        case Verb::kQuit:
        case Verb::kSchemes:
        case Verb::kStat:
        case Verb::kStats:
        case Verb::kVersion:
            return words.empty();
    }
    return false;
}

std::string answer_line(std::int32_t error, std::string_view message) {
    OrderedJson answer;
    answer["err"] = error;
    answer["msg"] = message;
    return dump_json(answer) + "\n";
}

}  // namespace

std::span<const CommandRow> command_rows() {
    return kCommands;
}

Expected<Request, Complaint> parse_command(std::string_view line) {
    if (line.find('\0') != std::string_view::npos)
        return unexpected(Complaint{Errno::kEINVAL, "a NUL is no part of a command"});
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty()) return unexpected(Complaint{Errno::kEINVAL, "no command"});
    const auto row = std::ranges::find(kCommands, words[0], &CommandRow::name);
    if (row == kCommands.end())
        return unexpected(
            Complaint{Errno::kENOSYS, "no command is called '" + std::string(words[0]) + "'; try help"});
    Request request{.verb = row->verb};
    if (read_arguments(std::span(words).subspan(1), request)) return request;
    std::string usage = "usage: " + std::string(row->name);
    if (!row->arguments.empty()) usage.append(" ").append(row->arguments);
    return unexpected(Complaint{Errno::kEINVAL, std::move(usage)});
}

std::string error_line(Errno error, std::string_view message) {
    return answer_line(static_cast<std::int32_t>(error), message);
}

std::string success_line(std::string_view message) {
    return answer_line(0, message);
}

}  // namespace halfcell::control
