#include "kernel_shim/syscall/call_table.h"

#include <algorithm>

#include "abi/number.h"

namespace halfcell::syscall {

namespace {

#define HALFCELL_UNPACK(...) __VA_ARGS__

// A handler is named after its call.
constexpr std::string_view without_prefix(std::string_view handler) {
    return handler.substr(std::string_view("sys_").size());
}

constexpr CallRow kRows[] = {
#define HALFCELL_CALL(number, handler, topic, support, result, arguments, note) \
    {static_cast<std::uint32_t>(abi::number),                                   \
     #number,                                                                   \
     without_prefix(#handler),                                                  \
     Topic::topic,                                                              \
     Support::support,                                                          \
     ResultKind::result,                                                        \
     ArgumentList{HALFCELL_UNPACK arguments},                                   \
     note},
#include "kernel_shim/syscall/table.def"
};

// The number column of a deviation is a name of number.def, or 0.
using namespace abi;  // NOLINT: so that SYS_READ and 0 can stand in one column
constexpr DeviationRow kDeviations[] = {
#define HALFCELL_DEVIATION(number, class, there, here) \
    {static_cast<std::uint32_t>(number), DeviationClass::class, there, here},
#include "kernel_shim/syscall/table.def"
};

// One row a number: neither forgotten nor twice.
constexpr std::size_t kMaskRows = 9;
constexpr bool complete() {
    const abi::NameList numbers = abi::number_rows();
    if (numbers.count - kMaskRows != std::size(kRows)) return false;
    for (std::size_t i = kMaskRows; i < numbers.count; ++i) {
        std::size_t found = 0;
        for (const CallRow& row : kRows)
            found += row.number == numbers.rows[i].value ? 1 : 0;
        if (found != 1) return false;
    }
    return true;
}
static_assert(complete());

}  // namespace

std::span<const CallRow> call_rows() {
    return kRows;
}

std::span<const DeviationRow> deviation_rows() {
    return kDeviations;
}

const CallRow* find_call(std::uint32_t number) {
    const auto* const found = std::ranges::find(kRows, number, &CallRow::number);
    return found == std::end(kRows) ? nullptr : found;
}

const CallRow* find_call(std::string_view name) {
    const auto* const found = std::ranges::find(kRows, name, &CallRow::name);
    return found == std::end(kRows) ? nullptr : found;
}

const char* name_of(Topic topic) {
    switch (topic) {
        case Topic::kPath:
            return "path";
        case Topic::kDescriptor:
            return "descriptor";
        case Topic::kTransfer:
            return "transfer";
        case Topic::kMetadata:
            return "metadata";
        case Topic::kMemory:
            return "memory";
        case Topic::kTime:
            return "time";
    }
    return "";
}

const char* name_of(Support support) {
    switch (support) {
        case Support::kFull:
            return "full";
        case Support::kPartial:
            return "partial";
        case Support::kNone:
            return "none";
    }
    return "";
}

const char* name_of(DeviationClass deviation) {
    switch (deviation) {
        case DeviationClass::kSafer:
            return "safer";
        case DeviationClass::kResurrected:
            return "resurrected";
        case DeviationClass::kHost:
            return "host";
        case DeviationClass::kTiming:
            return "timing";
    }
    return "";
}

}  // namespace halfcell::syscall
