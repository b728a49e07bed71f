#include "kernel_shim/control/ctl_command.h"

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <iostream>
#include <optional>

#include "kernel_shim/base/json.h"
#include "kernel_shim/control/client.h"
#include "kernel_shim/control/command.h"
#include "kernel_shim/control/line_editor.h"
#include "kernel_shim/control/people.h"

namespace halfcell::control {

namespace {

constexpr int kFailed = 1;
constexpr int kNobodyThere = 125;

std::string joined(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words)
        line += (line.empty() ? "" : " ") + word;
    return line;
}

bool blank(std::string_view line) {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

bool is_failure(const OrderedJson& report) {
    return report.contains("err") && report["err"].is_number() && report["err"] != 0;
}

// What a failure says: what was tried, why it failed, and by which number programs know that.
std::string failure_text(const std::string& command, const OrderedJson& report) {
    std::string text = command + ": ";
    text += report.contains("msg") && report["msg"].is_string() ? report["msg"].get<std::string>() : "failed";
    const auto error = static_cast<Errno>(report["err"].get<int>());
    if (const char* const name = abi::errno_name(error); name != nullptr)
        text += " (" + std::string(name) + ")";
    if (error == Errno::kESRCH) text += "; ps shows which there are";
    return text;
}

// Prints the answer to a command, and returns whether that succeeded.
bool show(const std::string& command, const std::string& answer, bool as_it_comes) {
    auto report = parse_ordered_json(answer);
    const bool object = report && report->is_object();
    const bool failed = object && is_failure(*report);
    if (as_it_comes || !object) {
        std::fwrite(answer.data(), 1, answer.size(), stdout);
    } else if (failed) {
        std::fprintf(stderr, "halfcell ctl: %s\n", failure_text(command, *report).c_str());
    } else {
        report->erase("err");
        // An acknowledgement, or a line to copy; everything else is a report.
        if (report->size() == 1 && report->begin()->is_string())
            std::printf("%s\n", report->begin()->get<std::string>().c_str());
        else
            std::fputs(for_people(*report).c_str(), stdout);
    }
    std::fflush(stdout);
    return !failed;
}

int went_away(Errno error) {
    std::fprintf(stderr, "halfcell ctl: the run went away before it answered (%s)\n", abi::errno_text(error));
    return kNobodyThere;
}

// One line after the other, over one connection.
int converse(Client& client, const CtlOptions& options,
             const std::function<std::optional<std::string>()>& next) {
    const auto begun = client.ask("prompt i");
    if (!begun) return went_away(begun.error());
    if (const auto welcome = parse_ordered_json(*begun); welcome && is_failure(*welcome)) {
        show("connect", *begun, options.json);
        return kFailed;
    }
    int status = 0;
    while (const auto line = next()) {
        if (blank(*line)) continue;
        const auto request = parse_command(*line);
        if (request && request->verb == Verb::kPrompt) {
            std::fprintf(stderr, "halfcell ctl: the prompt is this program's own\n");
            continue;
        }
        const auto answer = client.ask(*line);
        if (!answer) return went_away(answer.error());
        if (!show(*line, *answer, options.json)) status = kFailed;
        if (request && (request->verb == Verb::kQuit || request->verb == Verb::kLock)) break;
    }
    return status;
}

}  // namespace

int run_ctl_command(const CtlOptions& options) {
    auto client = Client::connect(options.where);
    if (!client) {
        std::fprintf(stderr, "halfcell ctl: %s\n", client.error().c_str());
        return kNobodyThere;
    }
    if (!options.words.empty()) {
        const std::string command = joined(options.words);
        const auto answer = client->ask(command);
        if (!answer) return went_away(answer.error());
        return show(command, *answer, options.json) ? 0 : kFailed;
    }
    if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1)
        if (const auto editor = LineEditor::create())
            return converse(*client, options, [&] { return editor->next(); });
    return converse(*client, options, []() -> std::optional<std::string> {
        std::string line;
        if (!std::getline(std::cin, line)) return std::nullopt;
        return line;
    });
}

}  // namespace halfcell::control
