#include "kernel_shim/syscall/trace.h"

#include <array>
#include <utility>

#include "abi/number.h"
#include "kernel_shim/syscall/dispatch.h"

namespace halfcell::syscall {

namespace {

constexpr std::size_t kLongestLine = 8192;
constexpr std::uint64_t kSecond = 1'000'000'000;  // in nanoseconds

// A line in the making. The worker that runs the call is the only one that writes it.
class Line {
  public:
    Line(std::span<char> storage, TraceFormat format, std::uint32_t number, const Call& call, FdPaths& paths)
        : to_(storage),
          format_(format),
          row_(find_call(number)),
          call_(call),
          paths_(paths),
          arguments_(to_, format, row_, call, paths),
          start_(call.kernel.clock.monotonic()) {
        if (format_ == TraceFormat::kJson)
            open_json(number);
        else
            open_text(number);
        arguments_.before();
    }

    std::string_view close(const Result<std::uint64_t>& result) {
        const std::uint64_t elapsed = call_.kernel.clock.monotonic() - start_;
        arguments_.after(result);
        if (format_ == TraceFormat::kJson)
            close_json(result, elapsed);
        else
            close_text(result, elapsed);
        to_.append('\n');
        return to_.text();
    }

  private:
    void name(std::uint32_t number) {
        if (row_ != nullptr) return to_.append(row_->name);
        to_.append("unknown_");
        to_.append_hex(number);
    }

    void open_text(std::uint32_t number) {
        to_.append('[');
        to_.append_decimal(call_.caller.pid);
        to_.append(':');
        to_.append_decimal(call_.caller.context.value());
        to_.append("] ");
        name(number);
        to_.append('(');
    }

    void close_text(const Result<std::uint64_t>& result, std::uint64_t elapsed) {
        to_.append(") = ");
        if (result) {
            append_value(to_, row_, call_, paths_, *result);
        } else {
            to_.append(abi::errno_name(result.error()));
            to_.append(" (");
            to_.append(abi::errno_text(result.error()));
            to_.append(')');
        }
        to_.append(" <");
        to_.append_decimal(elapsed / kSecond);
        to_.append('.');
        constexpr std::uint64_t kMicrosecond = 1000;
        to_.append_padded(elapsed % kSecond / kMicrosecond, 6);
        to_.append('>');
    }

    void json_number(std::string_view key, std::uint64_t value) {
        to_.append(key);
        to_.append_decimal(value);
    }

    void open_json(std::uint32_t number) {
        json_number("{\"pid\":", call_.caller.pid);
        json_number(",\"context\":", call_.caller.context.value());
        json_number(",\"time_ns\":", start_);
        to_.append(",\"call\":\"");
        name(number);
        to_.append("\",\"args\":{");
    }

    void close_json(const Result<std::uint64_t>& result, std::uint64_t elapsed) {
        to_.append('}');
        if (!result) {
            to_.append(",\"error\":");
            to_.append_json(abi::errno_name(result.error()));
        } else if (row_ == nullptr || row_->result == ResultKind::kNumber ||
                   row_->result == ResultKind::kNothing) {
            json_number(",\"result\":", *result);
        } else {
            std::array<char, 256> storage;
            TextWriter value(storage);
            append_value(value, row_, call_, paths_, *result);
            to_.append(",\"result\":");
            to_.append_json(value.text());
        }
        json_number(",\"elapsed_ns\":", elapsed);
        to_.append('}');
    }

    TextWriter to_;
    const TraceFormat format_;
    const CallRow* const row_;
    const Call& call_;
    FdPaths& paths_;
    ArgumentPrinter arguments_;
    const std::uint64_t start_;
};

}  // namespace

Result<std::uint64_t> Tracer::run(std::uint32_t number, Call& call) {
    const bool wanted = filter_.wants_number(number) && filter_.wants_call(number, call);
    if (!wanted) return dispatch(number, call);
    static thread_local FdPaths paths;
    std::array<char, kLongestLine> storage;
    Line line(storage, format_, number, call, paths);
    const Result<std::uint64_t> result = dispatch(number, call);
    if (number == abi::SYS_FRENAME) FdPaths::forget_all();
    sink_->line(line.close(result));
    return result;
}

Expected<std::unique_ptr<Tracer>, std::string> make_tracer(const std::string& file, bool json,
                                                           const std::vector<std::string>& filters,
                                                           std::string_view line_end) {
    TraceFilter filter;
    for (const std::string& expression : filters)
        if (auto added = filter.add(expression); !added) return unexpected(added.error());
    std::unique_ptr<TraceSink> sink;
    if (file.empty()) {
        sink = std::make_unique<StreamSink>(stderr, line_end);
    } else {
        auto opened = FileSink::open(file);
        if (!opened) return unexpected(opened.error());
        sink = std::move(*opened);
    }
    const TraceFormat format = json ? TraceFormat::kJson : TraceFormat::kText;
    return std::make_unique<Tracer>(std::move(filter), format, std::move(sink));
}

}  // namespace halfcell::syscall
