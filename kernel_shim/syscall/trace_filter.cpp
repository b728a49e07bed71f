#include "kernel_shim/syscall/trace_filter.h"

#include <algorithm>
#include <optional>

#include "kernel_shim/syscall/call_table.h"

namespace halfcell::syscall {

namespace {

static_assert(std::tuple_size_v<ArgumentList> == 6);

std::uint64_t bit_of(const CallRow& row) {
    return std::uint64_t{1} << (&row - call_rows().data());
}

bool takes(const CallRow& row, ArgumentKind kind) {
    return std::ranges::any_of(row.arguments,
                               [&](const Argument& argument) { return argument.kind == kind; });
}

// The calls a word stands for; nullopt where it stands for nothing.
std::optional<std::uint64_t> calls_of(std::string_view word) {
    if (!word.starts_with('%')) {
        const CallRow* const row = find_call(word);
        if (row == nullptr) return std::nullopt;
        return bit_of(*row);
    }
    const std::string_view group = word.substr(1);
    std::uint64_t calls = 0;
    for (const CallRow& row : call_rows()) {
        const bool member = group == name_of(row.topic) ||
                            (group == "file" && takes(row, ArgumentKind::kPath)) ||
                            (group == "fd" && takes(row, ArgumentKind::kFd));
        if (member) calls |= bit_of(row);
    }
    if (calls == 0) return std::nullopt;
    return calls;
}

}  // namespace

Expected<void, std::string> TraceFilter::add_word(std::string_view word) {
    constexpr std::string_view kScheme = "scheme=";
    if (word.starts_with(kScheme)) {
        auto scheme = std::make_unique<NamedScheme>();
        scheme->name = word.substr(kScheme.size());
        schemes_.push_back(std::move(scheme));
        return {};
    }
    const bool exclude = word.starts_with('!');
    if (exclude) word.remove_prefix(1);
    const auto calls = calls_of(word);
    if (!calls) return unexpected("no call or group of calls is named '" + std::string(word) + "'");
    if (exclude) {
        excluded_ |= *calls;
    } else {
        chosen_ |= *calls;
        choosing_ = true;
    }
    return {};
}

Expected<void, std::string> TraceFilter::add(std::string_view expression) {
    for (;;) {
        const std::size_t comma = expression.find(',');
        if (auto added = add_word(expression.substr(0, comma)); !added) return added;
        if (comma == std::string_view::npos) return {};
        expression.remove_prefix(comma + 1);
    }
}

bool TraceFilter::wants_number(std::uint32_t number) const {
    if (!choosing_ && excluded_ == 0) return true;
    const CallRow* const row = find_call(number);
    // A number that is no call is shown where nothing was asked for by name.
    if (row == nullptr) return !choosing_;
    return (excluded_ & bit_of(*row)) == 0 && (!choosing_ || (chosen_ & bit_of(*row)) != 0);
}

bool TraceFilter::wants_call(std::uint32_t number, const Call& call) const {
    if (schemes_.empty()) return true;
    const CallRow* const row = find_call(number);
    if (row == nullptr || row->arguments[0].kind != ArgumentKind::kFd) return false;
    const auto description = call.files.find(FdNumber{call.args[0]});
    if (!description) return false;
    const auto scheme = (*description)->scheme();
    if (!scheme) return false;
    const auto named = std::ranges::find_if(
        schemes_, [&](const auto& candidate) { return candidate->name == (*scheme)->name(); });
    if (named == schemes_.end()) return false;
    // Read first: what is written by every call would go from CPU to CPU.
    std::atomic<bool>& met = (*named)->met;
    if (!met.load(std::memory_order_relaxed)) met.store(true, std::memory_order_relaxed);
    return true;
}

std::vector<std::string> TraceFilter::schemes_not_met() const {
    std::vector<std::string> names;
    for (const auto& scheme : schemes_)
        if (!scheme->met.load(std::memory_order_relaxed)) names.push_back(scheme->name);
    return names;
}

}  // namespace halfcell::syscall
