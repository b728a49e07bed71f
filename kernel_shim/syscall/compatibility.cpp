#include "kernel_shim/syscall/compatibility.h"

#include <algorithm>
#include <array>

#include "kernel_shim/base/text.h"
#include "kernel_shim/syscall/call_table.h"

namespace halfcell::syscall {

namespace {

constexpr const char* kIntroduction =
    "# Compatibility\n"
    "\n"
    "Every call of redox_syscall 0.7.4, and where halfcell answers it differently from the Redox kernel. "
    "Made\n"
    "from `table.def`; a test fails when this file is older. Write it anew with\n"
    "`halfcell compat > kernel_shim/syscall/COMPATIBILITY.md`. `halfcell conform` makes calls and shows "
    "where\n"
    "answers differ.\n"
    "\n"
    "A deviation is *safer* where Redox hangs, leaks, loses descriptors or panics, *host* where Linux cannot "
    "do\n"
    "what Redox does, *resurrected* where Redox declares something it no longer does, *timing* where only "
    "the\n"
    "time it takes differs.\n";

constexpr DeviationClass kClasses[] = {DeviationClass::kSafer, DeviationClass::kResurrected,
                                       DeviationClass::kHost, DeviationClass::kTiming};

std::string hex(std::uint32_t number) {
    std::array<char, 24> storage;
    TextWriter writer(storage);
    writer.append_hex(number);
    return std::string(writer.text());
}

// The classes of a call's deviations, each once.
std::string classes_of(std::uint32_t number) {
    std::string classes;
    for (const DeviationClass deviation : kClasses) {
        const auto fits = [&](const DeviationRow& row) {
            return row.number == number && row.deviation == deviation;
        };
        if (std::ranges::none_of(deviation_rows(), fits)) continue;
        if (!classes.empty()) classes += ", ";
        classes += name_of(deviation);
    }
    return classes;
}

void add_calls(std::string& text) {
    text += "\n## Calls\n\n| call | number | support | deviations | note |\n|---|---|---|---|---|\n";
    for (const CallRow& row : call_rows())
        text += "| `" + std::string(row.constant) + "` | " + hex(row.number) + " | " + name_of(row.support) +
                " | " + classes_of(row.number) + " | " + row.note + " |\n";
}

void add_deviations(std::string& text, std::uint32_t number, const char* title) {
    if (classes_of(number).empty()) return;
    text += "\n### " + std::string(title) + "\n\n| class | Redox | halfcell |\n|---|---|---|\n";
    for (const DeviationRow& row : deviation_rows())
        if (row.number == number)
            text +=
                "| " + std::string(name_of(row.deviation)) + " | " + row.there + " | " + row.here + " |\n";
}

}  // namespace

std::string compatibility_markdown() {
    std::string text = kIntroduction;
    add_calls(text);
    text += "\n## Deviations\n";
    add_deviations(text, 0, "All calls");
    for (const CallRow& row : call_rows())
        add_deviations(text, row.number, row.constant);
    return text;
}

}  // namespace halfcell::syscall
