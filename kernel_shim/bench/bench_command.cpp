#include "kernel_shim/bench/bench_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "kernel_shim/base/json.h"
#include "kernel_shim/bench/bare_notify.h"
#include "kernel_shim/bench/child.h"
#include "kernel_shim/bench/control_run.h"
#include "kernel_shim/bench/guest_run.h"
#include "kernel_shim/bench/native.h"
#include "kernel_shim/bench/native_process.h"

namespace halfcell::bench {

namespace {

constexpr std::uint64_t kCalls = 50'000;
constexpr std::uint64_t kFileCalls = 20'000;
constexpr std::uint64_t kLargeReads = 2'000;
constexpr std::uint64_t kMappings = 5'000;
constexpr std::uint64_t kThreadCalls = 2'000;
constexpr std::uint64_t kForks = 200;
constexpr std::uint64_t kLargeForks = 10;
constexpr std::uint64_t kThreads = 500;
constexpr std::uint64_t kCrowd = 32;
constexpr std::uint64_t kCrowdMilliseconds = 300;
constexpr std::uint64_t kStops = 10'000;
constexpr std::uint64_t kSliceCalls = 10'000;
constexpr unsigned kFloodConnections = 1000;
constexpr std::size_t kFileSize = 64 << 20;

// What is measured beside the rows.
constexpr std::string_view kIdle = "idle";
constexpr int kOwnFailure = 125;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// A file of a given size in the page cache, removed at the end.
class MeasuredFile {
  public:
    explicit MeasuredFile(std::size_t size) {
        char path[] = "/tmp/halfcell-bench-XXXXXX";
        const int file = ::mkstemp(path);
        if (file < 0) return;
        path_ = path;
        const std::vector<char> block(1 << 20, 'x');
        for (std::size_t written = 0; written < size; written += block.size())
            if (::write(file, block.data(), block.size()) < 0) break;
        ::close(file);
    }
    ~MeasuredFile() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    MeasuredFile(const MeasuredFile&) = delete;
    MeasuredFile& operator=(const MeasuredFile&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::vector<std::string> bind() const { return {"--bind", path_ + ":/measured"}; }

  private:
    std::string path_;
};

struct Row {
    std::string key;
    std::string unit;
    std::function<Result<double>()> measure;
};

// A ratio of the table, its bar, and what it is made of.
struct Ratio {
    std::string key;
    std::string meaning;
    double bar;
    bool at_least;
    std::function<std::optional<double>(const std::map<std::string, double>&)> compute;
};

std::optional<double> quotient(const std::map<std::string, double>& values, const std::string& above,
                               const std::string& below) {
    const auto a = values.find(above);
    const auto b = values.find(below);
    if (a == values.end() || b == values.end() || b->second <= 0) return std::nullopt;
    return a->second / b->second;
}

// The longest wait over the median one, of many clients of one server at once.
std::function<Result<double>()> crowd(const std::string& kind, std::vector<std::string> options = {}) {
    const std::string script =
        "crowdspeed " + kind + " " + std::to_string(kCrowd) + " " + std::to_string(kCrowdMilliseconds);
    return [=] { return measure_script(options, script); };
}

std::vector<Row> rows(const MeasuredFile& file, const MeasuredFile& trace) {
    const auto guest = [](std::string row, std::uint64_t count, std::vector<std::string> options = {}) {
        return [=] { return measure_in_guest(options, "speed", row, count); };
    };
    const auto processes = [](std::string row, std::uint64_t count) {
        return [=] { return measure_in_guest({}, "procspeed", row, count); };
    };
    const std::string hello = "run true";
    return {
        {"bare_notify_ns", "ns", [] { return measure_bare_notify(kCalls); }},
        {"null_call_ns", "ns", guest("null", kCalls)},
        {"failing_close_ns", "ns", guest("close", kCalls)},
        {"read64_ns", "ns", guest("read64", kCalls)},
        {"traced_read64_ns", "ns", guest("read64", kCalls, {"--trace=" + trace.path()})},
        {"read4k_ns", "ns", guest("read4k", kFileCalls, file.bind())},
        {"read1m_mib_s", "MiB/s", guest("read1m", kLargeReads, file.bind())},
        {"native_read1m_mib_s", "MiB/s", [&file] { return measure_native_read(file.path(), kLargeReads); }},
        {"open_close_ns", "ns", guest("openclose", kFileCalls, file.bind())},
        {"native_open_close_ns", "ns",
         [&file] { return measure_native_open_close(file.path(), kFileCalls); }},
        {"fmap64k_ns", "ns", guest("fmap64k", kMappings)},
        {"threads64_ns", "ns", guest("threads64", kThreadCalls)},
        {"fork1m_ns", "ns", processes("fork1m", kForks)},
        {"native_fork1m_ns", "ns", [] { return measure_native_fork(1 << 20, kForks); }},
        {"fork256m_ns", "ns", processes("fork256m", kLargeForks)},
        {"native_fork256m_ns", "ns", [] { return measure_native_fork(256 << 20, kLargeForks); }},
        {"fork_exec_ns", "ns", processes("forkexec", kForks)},
        {"thread_ns", "ns", processes("thread", kThreads)},
        {"native_thread_ns", "ns", [] { return measure_native_thread(kThreads); }},
        {"pingpong_ns", "ns", processes("pingpong", kFileCalls)},
        {"breakpoint_ns", "ns", processes("breakpoint", kStops)},
        {"step_ns", "ns", processes("step", kStops)},
        {"served64_ns", "ns", guest("served64", kFileCalls)},
        {"served_open_close_ns", "ns", guest("servedopen", kFileCalls)},
        {"served1m_mib_s", "MiB/s", guest("served1m", kLargeReads)},
        {"crowd_processes", "x", crowd("processes")},
        {"crowd_threads", "x", crowd("threads")},
        {"hello_ms", "ms", [hello] { return measure_command(own_program(), hello); }},
        {"control_command_ns", "ns", [] { return measure_control_commands(kFileCalls); }},
        {"ring_trace", "x", [] { return measure_ring_trace(kSliceCalls); }},
        {"trace_switch_ms", "ms", [] { return measure_trace_switch(); }},
        {"flood", "x", [] { return measure_flood(kSliceCalls, kFloodConnections); }},
        {"bwrap_ms", "ms", [] { return measure_command("bwrap", "--ro-bind / / true"); }},
    };
}

// Schemes that the examples of the server kit serve as programs of the host. They are built beside this
// program; where they are not, there is nothing to measure.
void add_server_rows(std::vector<Row>& rows) {
    const std::string program = own_program();
    const std::string directory = program.substr(0, program.rfind('/'));
    const std::string host = directory + "/schemes/server/bin/";
    if (::access((host + "key_value").c_str(), X_OK) != 0) return;
    const auto with_host = [host](std::string server, std::string script) {
        return [=] { return measure_script({"--scheme", "m=" + host + server}, script); };
    };
    const std::string small = "echo some text > /scheme/m/x; speed ";
    const std::string large = "dd if=/scheme/zero of=/scheme/m/x bs=1M count=4 2> /scheme/null; speed ";
    const std::string calls = " " + std::to_string(kFileCalls) + " /scheme/m/x";
    const std::string reads = "read1m " + std::to_string(kLargeReads) + " /scheme/m/x";
    rows.push_back({"host_server_read64_ns", "ns", with_host("key_value", small + "read64" + calls)});
    rows.push_back({"host_server_open_close_ns", "ns", with_host("key_value", small + "openclose" + calls)});
    const std::vector<std::string> speed{"--scheme", "speed=" + host + "speedscheme"};
    rows.push_back({"host_crowd_processes", "x", crowd("processes", speed)});
    rows.push_back({"host_crowd_threads", "x", crowd("threads", speed)});
    rows.push_back({"host_server_read1m_mib_s", "MiB/s", with_host("shared_pages", large + reads)});
}

std::vector<Ratio> ratios() {
    const auto plain = [](std::string above, std::string below) {
        return [=](const std::map<std::string, double>& values) { return quotient(values, above, below); };
    };
    const auto value = [](std::string key) {
        return [=](const std::map<std::string, double>& values) -> std::optional<double> {
            const auto found = values.find(key);
            if (found == values.end()) return std::nullopt;
            return found->second;
        };
    };
    return {
        {"null_call_ratio", "null call / bare notification", 1.25, false,
         plain("null_call_ns", "bare_notify_ns")},
        {"failing_close_ratio", "failing close / bare notification", 1.25, false,
         plain("failing_close_ns", "bare_notify_ns")},
        {"read64_ratio", "64 B read / null call", 1.3, false, plain("read64_ns", "null_call_ns")},
        {"trace_ratio", "64 B read traced to a file / untraced", 1.3, false,
         plain("traced_read64_ns", "read64_ns")},
        {"ring_trace_ratio", "the same traced to a ring / untraced", 1.05, false, value("ring_trace")},
        {"trace_switch", "until tracing takes effect, ms", 10, false, value("trace_switch_ms")},
        {"control_command", "command at the control socket, ns", 100'000, false, value("control_command_ns")},
        {"flood_ratio", "64 B read with 1,000 connections / without", 1.05, false, value("flood")},
        {"read4k_ratio", "4 KiB file read / null call", 1.8, false, plain("read4k_ns", "null_call_ns")},
        {"read1m_ratio", "1 MiB reads / native rate", 0.6, true,
         plain("read1m_mib_s", "native_read1m_mib_s")},
        {"open_close_ratio", "open+close / (native + 2 null calls)", 1.5, false,
         [](const std::map<std::string, double>& values) -> std::optional<double> {
             const auto ours = values.find("open_close_ns");
             const auto native = values.find("native_open_close_ns");
             const auto null = values.find("null_call_ns");
             if (ours == values.end() || native == values.end() || null == values.end()) return std::nullopt;
             return ours->second / (native->second + 2 * null->second);
         }},
        {"fmap64k_ratio", "fmap+touch+funmap 64 KiB / null call", 10, false,
         plain("fmap64k_ns", "null_call_ns")},
        {"threads64_ratio", "call of 64 threads / of one", 1.5, false, plain("threads64_ns", "null_call_ns")},
        {"fork1m_ratio", "fork+exit+wait of 1 MiB / native", 6, false,
         plain("fork1m_ns", "native_fork1m_ns")},
        {"fork256m_ratio", "the same with 256 MiB touched / native", 3, false,
         plain("fork256m_ns", "native_fork256m_ns")},
        {"fork_exec_ms", "fork+exec+wait of true, ms", 3, false,
         [](const std::map<std::string, double>& values) -> std::optional<double> {
             const auto found = values.find("fork_exec_ns");
             if (found == values.end()) return std::nullopt;
             return found->second / 1e6;
         }},
        {"thread_ratio", "thread start+join / native", 10, false, plain("thread_ns", "native_thread_ns")},
        {"pingpong_ratio", "pipe hop between processes / null call", 5, false,
         plain("pingpong_ns", "null_call_ns")},
        {"breakpoint_ratio", "breakpoint, registers, resume / null call", 20, false,
         plain("breakpoint_ns", "null_call_ns")},
        {"served64_ratio", "64 B read from a guest server / null call", 5, false,
         plain("served64_ns", "null_call_ns")},
        {"served_open_close_ratio", "open+close through it / null call", 10, false,
         plain("served_open_close_ns", "null_call_ns")},
        {"served1m_ratio", "1 MiB reads from it / in-process rate", 0.4, true,
         plain("served1m_mib_s", "read1m_mib_s")},
        {"crowd_processes_ratio", "32 clients: longest wait / median", 10, false, value("crowd_processes")},
        {"crowd_threads_ratio", "32 threads: longest wait / median", 10, false, value("crowd_threads")},
        {"host_crowd_processes_ratio", "32 clients of a host server: the same", 10, false,
         value("host_crowd_processes")},
        {"host_crowd_threads_ratio", "32 threads of a host server: the same", 10, false,
         value("host_crowd_threads")},
        {"hello_ratio", "hello / bwrap true", 3, false, plain("hello_ms", "bwrap_ms")},
        {"host_server_read64_ratio", "64 B read, host server / null call", 4, false,
         plain("host_server_read64_ns", "null_call_ns")},
        {"host_server_read1m_ratio", "1 MiB reads, host server / in process", 0.4, true,
         plain("host_server_read1m_mib_s", "read1m_mib_s")},
    };
}

void print_table(const std::vector<Row>& measured, const std::map<std::string, double>& values,
                 const std::map<std::string, std::pair<double, double>>& spans) {
    std::printf("%-24s %12s %12s %12s\n", "row", "median", "min", "max");
    for (const Row& row : measured) {
        const auto value = values.find(row.key);
        if (value == values.end()) continue;
        const auto [low, high] = spans.at(row.key);
        std::printf("%-24s %12.2f %12.2f %12.2f\n", row.key.c_str(), value->second, low, high);
    }
    std::printf("\n%-40s %10s %10s\n", "ratio", "measured", "bar");
    for (const Ratio& ratio : ratios()) {
        const auto value = ratio.compute(values);
        if (!value) continue;
        const bool met = ratio.at_least ? *value >= ratio.bar : *value <= ratio.bar;
        std::printf("%-40s %10.2f %s%9.2f  %s\n", ratio.meaning.c_str(), *value, ratio.at_least ? ">" : "<",
                    ratio.bar, met ? "met" : "NOT MET");
    }
}

}  // namespace

int run_bench_command(const BenchOptions& options) {
    const MeasuredFile file(kFileSize);
    const MeasuredFile trace(0);
    if (file.path().empty() || trace.path().empty()) {
        std::fprintf(stderr, "halfcell bench: cannot create a file in /tmp\n");
        return 1;
    }
    std::vector<Row> chosen;
    std::vector<Row> all = rows(file, trace);
    add_server_rows(all);
    const bool want_idle = kIdle.find(options.filter) != std::string_view::npos;
    std::string names(kIdle);
    for (Row& row : all) {
        names += " " + row.key;
        if (row.key.find(options.filter) != std::string::npos) chosen.push_back(std::move(row));
    }
    if (chosen.empty() && !want_idle) {
        std::fprintf(stderr, "halfcell bench: --filter: no row has '%s' in its name; there are %s\n",
                     options.filter.c_str(), names.c_str());
        return kOwnFailure;
    }

    // Repetitions of the whole list, not of each row: a slow moment of the machine then hits all rows alike.
    std::map<std::string, std::vector<double>> samples;
    int status = 0;
    for (unsigned repetition = 1; repetition <= options.repetitions; ++repetition) {
        for (const Row& row : chosen) {
            std::fprintf(stderr, "\r%u/%u %-24s", repetition, options.repetitions, row.key.c_str());
            const auto value = row.measure();
            if (value) {
                samples[row.key].push_back(*value);
            } else if (repetition == 1) {
                std::fprintf(stderr, "\rhalfcell bench: %s: %s\n", row.key.c_str(),
                             abi::errno_text(value.error()));
                status = 1;
            }
        }
    }
    std::fprintf(stderr, "\r%40s\r", "");

    std::map<std::string, double> values;
    std::map<std::string, std::pair<double, double>> spans;
    for (const auto& [key, list] : samples) {
        values[key] = median(list);
        spans[key] = {*std::min_element(list.begin(), list.end()),
                      *std::max_element(list.begin(), list.end())};
    }
    std::optional<IdleCost> idle;
    if (want_idle)
        if (const auto cost = measure_idle(2)) idle = *cost;
    if (!options.json) {
        print_table(chosen, values, spans);
        if (idle)
            std::printf("%-40s %10.2f <%9.2f\n%-40s %10.2f <%9.2f\n", "idle guest: wake-ups a second",
                        idle->wakeups_per_second, 0.0, "idle guest: supervisor memory, MiB",
                        idle->memory_kib / 1024, 1.0);
        return status;
    }
    OrderedJson report;
    for (const Row& row : chosen)
        if (values.contains(row.key)) report[row.key] = values[row.key];
    for (const Ratio& ratio : ratios())
        if (const auto value = ratio.compute(values)) report[ratio.key] = *value;
    if (idle) {
        report["idle_wakeups_per_s"] = idle->wakeups_per_second;
        report["idle_memory_kib"] = idle->memory_kib;
    }
    std::printf("%s\n", dump_json(report, 2).c_str());
    return status;
}

}  // namespace halfcell::bench
