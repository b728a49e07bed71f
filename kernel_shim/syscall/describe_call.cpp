#include "kernel_shim/syscall/describe_call.h"

#include <algorithm>

#include "abi/data.h"

namespace halfcell::syscall {

namespace {

constexpr std::uint64_t kBytesShown = 32;
constexpr std::uint64_t kPathShown = 128;
// An argument of a JSON line is written here first, and quoted then.
constexpr std::size_t kLongestArgument = 512;

// What a fcntl command takes or gives.
void append_fcntl(TextWriter& to, const Call& call, FdPaths* paths, std::uint64_t value) {
    using abi::FcntlCommand;
    switch (call.args[1]) {
        case FcntlCommand::kGetfl:
        case FcntlCommand::kSetfl:
        case FcntlCommand::kGetfd:
        case FcntlCommand::kSetfd:
            return append_open_flags(to, value);
        case FcntlCommand::kDupfd:
        case FcntlCommand::kDupfdCloexec:
            if (paths != nullptr) return paths->append(to, call, value);
            if (fd::is_upper(value)) to.append("upper|");
            return to.append_decimal(fd::index_of(value));
        default:
            return to.append_hex(value);
    }
}

}  // namespace

void ArgumentPrinter::begin(const char* name) {
    if (!first_) to_.append(format_ == TraceFormat::kJson ? "," : ", ");
    first_ = false;
    if (format_ == TraceFormat::kText) return;
    to_.append_json(name);
    to_.append(':');
}

void ArgumentPrinter::before() {
    if (row_ == nullptr) return print_raw();
    for (; next_ < row_->arguments.size(); ++next_) {
        if (is_output(row_->arguments[next_].kind)) return;
        print(row_->arguments[next_], next_, nullptr);
    }
}

void ArgumentPrinter::after(const Result<std::uint64_t>& result) {
    if (row_ == nullptr) return;
    for (; next_ < row_->arguments.size(); ++next_)
        print(row_->arguments[next_], next_, &result);
}

void ArgumentPrinter::print_raw() {
    static constexpr const char* kRegisters[] = {"rdi", "rsi", "rdx", "r10", "r8", "r9"};
    for (std::size_t index = 0; index < call_.args.size(); ++index) {
        begin(kRegisters[index]);
        if (format_ == TraceFormat::kJson)
            to_.append_decimal(word(index));
        else
            to_.append_hex(word(index));
    }
}

void ArgumentPrinter::print(const Argument& argument, std::size_t index,
                            const Result<std::uint64_t>* result) {
    if (argument.kind == ArgumentKind::kAbsent || argument.kind == ArgumentKind::kImplied) return;
    begin(argument.name);
    // Numbers are numbers in JSON too; all else is text.
    if (format_ == TraceFormat::kText || argument.kind == ArgumentKind::kNumber)
        return print_value(to_, argument, index, result);
    std::array<char, kLongestArgument> storage;
    TextWriter value(storage);
    print_value(value, argument, index, result);
    to_.append_json(value.text());
}

void ArgumentPrinter::print_value(TextWriter& to, const Argument& argument, std::size_t index,
                                  const Result<std::uint64_t>* result) {
    const std::uint64_t value = word(index);
    const std::uint64_t size = index + 1 < call_.args.size() ? word(index + 1) : 0;
    const Quoting quoting = format_ == TraceFormat::kText ? Quoting::kQuoted : Quoting::kBare;
    const bool failed = result != nullptr && !*result;
    // A failed call has filled nothing; an interrupted sleep has.
    if (is_output(argument.kind) && failed && argument.kind != ArgumentKind::kRemainingOut)
        return to.append_hex(value);

    switch (argument.kind) {
        case ArgumentKind::kAbsent:
        case ArgumentKind::kImplied:
            return;
        case ArgumentKind::kFd:
            return paths_.append(to, call_, value);
        case ArgumentKind::kPath:
            return append_bytes(to, call_.space, value, size, kPathShown, quoting);
        case ArgumentKind::kBytesIn:
            return append_bytes(to, call_.space, value, size, kBytesShown, quoting);
        case ArgumentKind::kBytesOut:
            return append_bytes(to, call_.space, value, std::min(size, result->value()), kBytesShown,
                                quoting);
        case ArgumentKind::kEntriesOut:
            return append_entries(to, call_.space, value, std::min(size, result->value()));
        case ArgumentKind::kStatOut:
            return append_stat(to, call_.space, value, size);
        case ArgumentKind::kStatVfsOut:
            return append_statvfs(to, call_.space, value, size);
        case ArgumentKind::kMapIn:
            return append_map(to, call_.space, value, size);
        case ArgumentKind::kTimesIn:
            return append_times(to, call_.space, value, size);
        case ArgumentKind::kTimeIn:
        case ArgumentKind::kTimeOut:
            return append_time(to, call_.space, value);
        case ArgumentKind::kRemainingOut:
            if (failed && result->error() != Errno::kEINTR) return to.append_hex(value);
            return append_time(to, call_.space, value);
        case ArgumentKind::kTransferFlags:
            if (value == UINT64_MAX) return to.append("stored");
            return append_flags(to, abi::names_of<abi::RwFlags>(), value);
        case ArgumentKind::kMetadata:
            return append_metadata(to, call_.space, value, word(index - 1));
        case ArgumentKind::kFcntlArgument:
            return append_fcntl(to, call_, nullptr, value);
        case ArgumentKind::kNumber:
        case ArgumentKind::kOffset:
        case ArgumentKind::kOctal:
        case ArgumentKind::kAddress:
        case ArgumentKind::kFlags:
        case ArgumentKind::kOneOf:
        case ArgumentKind::kOpenFlags:
        case ArgumentKind::kCallFlags:
        case ArgumentKind::kRemapFlags:
            return append_word(to, argument, value);
    }
}

void append_value(TextWriter& to, const CallRow* row, const Call& call, FdPaths& paths, std::uint64_t value) {
    switch (row == nullptr ? ResultKind::kNumber : row->result) {
        case ResultKind::kNothing:
        case ResultKind::kNumber:
            return to.append_decimal(value);
        case ResultKind::kFd:
            return paths.append(to, call, value);
        case ResultKind::kAddress:
            return to.append_hex(value);
        case ResultKind::kEvents:
            return append_flags(to, abi::names_of<abi::EventFlags>(), value);
        case ResultKind::kFcntl:
            return append_fcntl(to, call, &paths, value);
    }
}

}  // namespace halfcell::syscall
