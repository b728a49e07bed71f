// Tests that a program starts with arguments, environment and descriptors, in its ET_EXEC and its static-PIE
// form.

#include <string>

#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

// A table of pointers: what a static-PIE must relocate by itself.
constexpr const char* kWords[] = {"hello", "from", "a", "guest"};

struct Greeter {
    virtual ~Greeter() = default;
    virtual std::string_view greeting() const { return "nobody"; }
};
struct LoudGreeter : Greeter {
    std::string_view greeting() const override { return "somebody"; }
};
const LoudGreeter kGreeter;
const Greeter* volatile chosen = &kGreeter;

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    std::string text;
    for (const char* const volatile& word : kWords)
        text.append(word).append(" ");
    out().print(text, "for ", chosen->greeting(), '\n');
    for (const std::string_view argument : arguments)
        out().print("argument ", argument, '\n');
    out().print("directory ", process().working_directory, '\n');
    const bool complete = process().process != Fd::kNone && process().thread != Fd::kNone;
    out().print(complete ? "PASS\n" : "FAIL: a descriptor is missing\n");
    return complete ? 0 : 1;
}

}  // namespace halfcell::userland
