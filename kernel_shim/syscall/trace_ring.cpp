#include "kernel_shim/syscall/trace_ring.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "kernel_shim/base/result.h"
#include "kernel_shim/fd/fd_table.h"
#include "kernel_shim/syscall/call_table.h"
#include "kernel_shim/syscall/describe_values.h"

namespace halfcell::syscall {

TraceRing::TraceRing() : slots_(std::make_unique<std::array<Slot, kRecords>>()) {}

void TraceRing::add(const CallRecord& record) {
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    Slot& slot = (*slots_)[number % kRecords];
    // Somebody who was interrupted here may still be at it, a whole round of the ring later: then this record
    // is lost.
    std::uint64_t seen = slot.version.load(std::memory_order_relaxed);
    if (seen % 2 != 0 || seen > 2 * number ||
        !slot.version.compare_exchange_strong(seen, 2 * number + 1, std::memory_order_acquire))
        return;
    // Whoever reads one of these words also sees that version, or a later one. The thread sanitizer knows
    // nothing of fences, and on this processor they would save nothing.
    const auto words = std::bit_cast<std::array<std::uint64_t, kWords>>(record);
    for (std::size_t i = 0; i < kWords; ++i)
        slot.words[i].store(words[i], std::memory_order_release);
    slot.version.store(2 * number + 2, std::memory_order_release);
}

bool TraceRing::read(std::uint64_t number, CallRecord& record) const {
    const Slot& slot = (*slots_)[number % kRecords];
    const std::uint64_t whole = 2 * number + 2;
    if (slot.version.load(std::memory_order_acquire) != whole) return false;
    std::array<std::uint64_t, kWords> words;
    for (std::size_t i = 0; i < kWords; ++i)
        words[i] = slot.words[i].load(std::memory_order_acquire);
    if (slot.version.load(std::memory_order_relaxed) != whole) return false;
    record = std::bit_cast<CallRecord>(words);
    return true;
}

std::vector<CallRecord> TraceRing::last_of(std::uint32_t pid, std::size_t most) const {
    std::vector<CallRecord> found;
    const std::uint64_t end = added();
    const std::uint64_t begin = end - std::min<std::uint64_t>(end, kRecords);
    CallRecord record;
    for (std::uint64_t number = end; number > begin && found.size() < most;)
        if (read(--number, record) && record.pid == pid) found.push_back(record);
    std::ranges::reverse(found);
    return found;
}

namespace {

void append_argument(TextWriter& to, const Argument& argument, const CallRecord& record, std::size_t index) {
    const std::uint64_t value = record.args[index];
    switch (argument.kind) {
        case ArgumentKind::kFd:
            if (value == UINT64_MAX) return to.append("-1");
            if (fd::is_upper(value)) to.append("upper|");
            return to.append_decimal(fd::index_of(value));
        case ArgumentKind::kPath: {
            const std::string_view shown(record.text.data(),
                                         std::ranges::find(record.text, '\0') - record.text.begin());
            to.append_quoted(shown);
            const std::uint64_t size = index + 1 < record.args.size() ? record.args[index + 1] : 0;
            if (size > shown.size()) to.append("...");
            return;
        }
        default:
            // What lies in memory may be gone, too.
            return append_word(to, argument, value);
    }
}

void append_result(TextWriter& to, const CallRow* row, std::uint64_t result) {
    if (const std::int32_t code = abi::demux_errno(result);
        code != 0 && result >= UINT64_MAX - abi::kErrnoCount) {
        const auto error = static_cast<Errno>(code);
        to.append(abi::errno_name(error));
        to.append(" (");
        to.append(abi::errno_text(error));
        return to.append(')');
    }
    if (row != nullptr && row->result == ResultKind::kAddress) return to.append_hex(result);
    if (row != nullptr && row->result == ResultKind::kFd && fd::is_upper(result)) to.append("upper|");
    to.append_decimal(row != nullptr && row->result == ResultKind::kFd ? fd::index_of(result) : result);
}

}  // namespace

void append_record(TextWriter& to, const CallRecord& record, double ticks_per_microsecond) {
    const CallRow* const row = find_call(record.number);
    to.append('[');
    to.append_decimal(record.pid);
    to.append(':');
    to.append_decimal(record.context);
    to.append("] ");
    if (row != nullptr) {
        to.append(row->name);
    } else {
        to.append("unknown_");
        to.append_hex(record.number);
    }
    to.append('(');
    for (std::size_t index = 0, shown = 0; index < record.args.size(); ++index) {
        const Argument argument =
            row != nullptr ? row->arguments[index] : Argument{"", ArgumentKind::kAddress};
        if (argument.kind == ArgumentKind::kAbsent || argument.kind == ArgumentKind::kImplied) continue;
        if (shown++ > 0) to.append(", ");
        append_argument(to, argument, record, index);
    }
    to.append(") = ");
    append_result(to, row, record.result);
    constexpr std::uint64_t kSecond = 1'000'000;  // in microseconds
    const auto microseconds =
        static_cast<std::uint64_t>(static_cast<double>(record.elapsed) / ticks_per_microsecond);
    to.append(" <");
    to.append_decimal(microseconds / kSecond);
    to.append('.');
    to.append_padded(microseconds % kSecond, 6);
    to.append('>');
}

}  // namespace halfcell::syscall
