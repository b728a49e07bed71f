// links: halfcell_control
// What strangers send to the control socket: lines in pieces of any size, whole, cut off, too long, with
// NULs. Whatever comes, there is a next step, answers are whole lines, and what is kept stays small.

#include <string>

#include "kernel_shim/base/check.h"
#include "kernel_shim/base/json.h"
#include "kernel_shim/control/conversation.h"
#include "kernel_shim/control/people.h"
#include "tests/fuzz/input.h"

namespace {

using namespace halfcell;
using control::Conversation;
using Step = Conversation::Step;

constexpr std::string_view kWords[] = {
    "ping",       "prompt", "i",     "p",           "n",           "version",
    "help",       "quit",   "exit",  "kill",        "stop",        "cont",
    "fds",        "maps",   "trace", "tail",        "gdb",         "lock",
    "blocked",    "ps",     "stat",  "stats",       "schemes",     "1",
    "-1",         "on",     "off",   "openat,read", "scheme=file", "18446744073709551616",
    "4294967296", "unix:/x"};

std::string piece_of(fuzz::Input& input) {
    switch (input.byte() % 8) {
        case 0:
            return "\n";
        case 1:
            return std::string(1, static_cast<char>(input.byte()));
        case 2:
            return std::string(input.byte() * std::size_t{17} % control::kLongestLine, ' ');
        case 3:
            return "\r\n";
        case 4:
            return " ";
        default:
            return std::string(input.one_of(kWords)) + (input.chance(30) ? "\n" : " ");
    }
}

// An answer is one JSON object a line, or, as help's, text that ends with an empty line.
void check_answers(const std::string& output) {
    std::string text = output;
    while (text.starts_with("; "))
        text.erase(0, 2);
    HC_CHECK(output.empty() || output.ends_with('\n') || output.ends_with("; "), "half an answer");
    const std::size_t end = text.find('\n');
    if (!text.starts_with('{') || end == std::string::npos) return;
    const auto parsed = parse_ordered_json(std::string_view(text).substr(0, end));
    HC_CHECK(parsed && parsed->is_object(), "an answer that is no JSON");
    HC_CHECK(!control::for_people(*parsed).empty(), "a report that cannot be shown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Conversation talk;
    bool locked = false;
    bool ended = false;
    for (int steps = 0; steps < 10000; ++steps) {
        switch (talk.next(locked)) {
            case Step::kRead: {
                HC_CHECK(!ended, "a peer that sends nothing more is read from");
                if (input.empty()) {
                    talk.end_of_input();
                    ended = true;
                    break;
                }
                if (input.chance(2)) {
                    talk.refuse(Errno::kEACCES, "AUTH");
                    break;
                }
                std::string bytes;
                while (!input.empty() && !input.chance(20))
                    bytes += piece_of(input);
                bytes.resize(std::min(bytes.size(), control::kLongestLine));
                talk.feed(bytes);
                break;
            }
            case Step::kWrite: {
                const std::string output(talk.output());
                HC_CHECK(output.size() < 64 * 1024, "answers pile up");
                check_answers(output);
                // A slow peer takes a part.
                const std::size_t part = input.chance(30) ? output.size() / 2 + 1 : output.size();
                talk.wrote(part);
                if (part < output.size()) talk.wrote(output.size() - part);
                break;
            }
            case Step::kOrder:
                HC_CHECK(!locked, "an order after the lock");
                HC_CHECK(talk.request().text.size() < control::kLongestLine, "an order that is too long");
                HC_CHECK(talk.next(locked) == Step::kWait, "an order that is made twice");
                locked = talk.request().verb == control::Verb::kLock;
                talk.answer(control::success_line());
                break;
            case Step::kWait:
                HC_CHECK(false, "nobody is waited for");
                break;
            case Step::kClose:
                return 0;
        }
    }
    HC_CHECK(false, "it never ends");
    return 0;
}
