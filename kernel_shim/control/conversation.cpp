#include "kernel_shim/control/conversation.h"

#include <algorithm>
#include <utility>

#include "kernel_shim/base/json.h"
#include "kernel_shim/control/version.h"

namespace halfcell::control {

namespace {

constexpr std::string_view kPromptText = "; ";
// So much output is written before further commands are read.
constexpr std::size_t kMuchOutput = 16 * 1024;
// A buffer that has grown beyond this is given back when it is empty.
constexpr std::size_t kSmallBuffer = 256;

void clear_and_shrink(std::string& buffer) {
    buffer.clear();
    if (buffer.capacity() > kSmallBuffer) buffer.shrink_to_fit();
}

// Ends with an empty line, by which programs see the end.
std::string help_text() {
    std::size_t width = 0;
    const auto usage = [](const CommandRow& row) {
        std::string text(row.name);
        if (!row.arguments.empty()) text.append(" ").append(row.arguments);
        return text;
    };
    for (const CommandRow& row : command_rows())
        width = std::max(width, usage(row).size());
    std::string text;
    for (const CommandRow& row : command_rows()) {
        std::string line = usage(row);
        line.resize(width + 2, ' ');
        text.append(line).append(row.meaning).append("\n");
    }
    return text + "\n";
}

std::string version_line() {
    OrderedJson answer;
    answer["major"] = kMajorVersion;
    answer["minor"] = kMinorVersion;
    answer["version"] = version();
    return dump_json(answer) + "\n";
}

}  // namespace

Conversation::Step Conversation::next(bool locked) {
    std::string line;
    while (!ordered_ && !closing_ && output_.size() < kMuchOutput && take_line(line))
        ordered_ = handle(line, locked);
    if (!output().empty()) return Step::kWrite;
    if (ordered_) return std::exchange(announced_, true) ? Step::kWait : Step::kOrder;
    return closing_ ? Step::kClose : Step::kRead;
}

bool Conversation::take_line(std::string& line) {
    const std::size_t end = input_.find('\n', taken_);
    const bool whole = end != std::string::npos;
    const std::size_t size = (whole ? end : input_.size()) - taken_;
    if (size >= kLongestLine) {
        refuse(Errno::kE2BIG, "RATE");
        return false;
    }
    if (!whole && !ended_) return false;
    if (!whole && size == 0) {
        closing_ = true;
        return false;
    }
    line.assign(input_, taken_, size);
    if (line.ends_with('\r')) line.pop_back();
    taken_ += size + (whole ? 1 : 0);
    if (taken_ == input_.size()) {
        clear_and_shrink(input_);
        taken_ = 0;
    }
    return true;
}

bool Conversation::handle(std::string_view line, bool locked) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) {
        if (mode_ == Mode::kPrompt) output_ += kPromptText;
        return false;
    }
    ++commands_;
    if (locked) {
        output_ += error_line(Errno::kEPERM, "LOCKED");
        finish_answer();
        return false;
    }
    auto request = parse_command(line);
    if (!request) {
        output_ += error_line(request.error().error, request.error().message);
        finish_answer();
        return false;
    }
    request_ = std::move(*request);
    if (!handle_here()) {
        announced_ = false;
        return true;
    }
    finish_answer();
    return false;
}

bool Conversation::handle_here() {
    switch (request_.verb) {
        case Verb::kHelp:
            output_ += help_text();
            return true;
        case Verb::kPing:
            output_ += success_line("PONG");
            return true;
        case Verb::kPrompt:
            switch_mode(request_.text);
            output_ += success_line();
            return true;
        case Verb::kQuit:
            output_ += success_line();
            mode_ = Mode::kOnce;
            return true;
        case Verb::kVersion:
            output_ += version_line();
            return true;
        default:
            return false;
    }
}

void Conversation::switch_mode(std::string_view word) {
    if (word.empty())
        mode_ = mode_ == Mode::kPrompt ? Mode::kOnce : Mode::kPrompt;
    else
        mode_ = word == "n" ? Mode::kOnce : word == "i" ? Mode::kInteractive : Mode::kPrompt;
}

void Conversation::finish_answer() {
    if (mode_ == Mode::kOnce) {
        closing_ = true;
        clear_and_shrink(input_);
        taken_ = 0;
    } else if (mode_ == Mode::kPrompt) {
        output_ += kPromptText;
    }
}

void Conversation::feed(std::string_view bytes) {
    input_.erase(0, taken_);
    taken_ = 0;
    input_ += bytes;
}

void Conversation::answer(std::string_view text) {
    ordered_ = false;
    output_ += text;
    finish_answer();
}

void Conversation::refuse(Errno error, std::string_view message) {
    output_ += error_line(error, message);
    closing_ = true;
    ordered_ = false;
    clear_and_shrink(input_);
    taken_ = 0;
}

void Conversation::wrote(std::size_t bytes) {
    written_ += bytes;
    if (written_ < output_.size()) return;
    clear_and_shrink(output_);
    written_ = 0;
}

}  // namespace halfcell::control
