#pragma once

// One line a call, decoded from the table of calls:
//
//   [7:1] openat(3</scheme/file/>, "etc/motd", O_RDONLY, 0) = 4</scheme/file/etc/motd> <0.000012>
//
//   [7:1] read(4</scheme/file/etc/motd>, "Welcome to Redox"..., 4096) = 112 <0.000003>
//
//   [7:1] close(99) = EBADF (Bad file number) <0.000001>
//
// The number in front is the process, then the context; the one at the end the seconds the call took. As
// JSON:
//
//   {"pid":7,"context":1,"time_ns":…,"call":"close","args":{"fd":"99"},"error":"EBADF","elapsed_ns":1021}
//
// with "result" (as text where it is a descriptor, an address or flags) in place of "error" where it
// succeeded.

#include <memory>

#include "kernel_shim/syscall/describe_call.h"
#include "kernel_shim/syscall/dispatch.h"
#include "kernel_shim/syscall/trace_filter.h"
#include "kernel_shim/syscall/trace_sink.h"

namespace halfcell::syscall {

class Tracer final : public CallObserver {
  public:
    Tracer(TraceFilter filter, TraceFormat format, std::unique_ptr<TraceSink> sink)
        : filter_(std::move(filter)), format_(format), sink_(std::move(sink)) {}

    // Runs a call and shows it. Any worker; blocks as the call and the sink do.
    Result<std::uint64_t> run(std::uint32_t number, Call& call) override;
    [[nodiscard]] bool watches(std::uint32_t) const override { return true; }
    [[nodiscard]] const TraceFilter& filter() const { return filter_; }

  private:
    const TraceFilter filter_;
    const TraceFormat format_;
    const std::unique_ptr<TraceSink> sink_;
};

// A tracer from the words of a command line: `file` is empty for standard error, where lines end with
// `line_end`. The error is one line for the user.
Expected<std::unique_ptr<Tracer>, std::string> make_tracer(const std::string& file, bool json,
                                                           const std::vector<std::string>& filters,
                                                           std::string_view line_end = "\n");

}  // namespace halfcell::syscall
