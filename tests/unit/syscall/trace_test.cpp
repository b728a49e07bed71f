#include "kernel_shim/syscall/trace.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "kernel_shim/base/json.h"
#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using syscall::TraceFormat;
using test::SyscallFixture;

namespace {

// As `0.000123>` and the end of the line: whole seconds, and six digits of another.
bool is_seconds(std::string_view text) {
    const std::size_t point = text.find('.');
    const auto digits = [](std::string_view part) {
        return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    };
    return point != std::string_view::npos && digits(text.substr(0, point)) &&
           digits(text.substr(point + 1, 6)) && text.substr(point + 1).size() == 8 && text.ends_with(">\n");
}

// Keeps lines, without their time.
class LineSink final : public syscall::TraceSink {
  public:
    explicit LineSink(std::vector<std::string>& lines) : lines_(lines) {}
    void line(std::string_view text) override { lines_.emplace_back(text); }

  private:
    std::vector<std::string>& lines_;
};

struct Fixture : SyscallFixture {
    std::vector<std::string> lines;
    std::unique_ptr<syscall::Tracer> tracer;

    Fixture() { trace(TraceFormat::kText, {}); }
    void trace(TraceFormat format, const std::vector<std::string>& expressions) {
        syscall::TraceFilter filter;
        for (const std::string& expression : expressions)
            REQUIRE(filter.add(expression));
        tracer =
            std::make_unique<syscall::Tracer>(std::move(filter), format, std::make_unique<LineSink>(lines));
        dispatcher.show_to(tracer.get());
    }
    // The line of one call, from the name on and without the time it took.
    template <typename... Args>
    std::string line(Args... args) {
        lines.clear();
        (void)raw(args...);
        REQUIRE(lines.size() == 1);
        const std::string& printed = lines[0];
        const std::size_t took = printed.rfind(" <");
        REQUIRE(printed.starts_with("[7:1] "));
        REQUIRE(took != std::string::npos);
        CHECK(is_seconds(std::string_view(printed).substr(took + 2)));
        return printed.substr(6, took - 6);
    }
    template <typename... Args>
    Json json(Args... args) {
        lines.clear();
        (void)raw(args...);
        REQUIRE(lines.size() == 1);
        const auto parsed = parse_json(lines[0]);
        REQUIRE(parsed);
        return *parsed;
    }
};

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "descriptors show where they lead, also those that the call closes or makes") {
    CHECK(line(SYS_READ, kFile, kMemory, 100) ==
          R"(read(0</scheme/text/10>, "Redox\n0.5.12\nx86_64\n\n", 100) = 21)");
    CHECK(
        line(SYS_OPENAT, kFile, put("etc/x"), 5, 0x410001a4 | OpenFlags::kRdonly, 0) ==
        R"(openat(0</scheme/text/10>, "etc/x", O_RDONLY|O_CLOEXEC|O_SYMLINK|0644, 0) = 4</scheme/text/77>)");
    CHECK(line(SYS_CLOSE, 4) == "close(4</scheme/text/77>) = 0");
    CHECK(line(SYS_CLOSE, 4) == "close(4) = EBADF (Bad file number)");
    CHECK(line(SYS_DUP2, kFile, kUpperFdtblTag | 3, 0, 0) ==
          R"(dup2(0</scheme/text/10>, upper|3, "", 0) = upper|3</scheme/text/10>)");
    CHECK(line(SYS_FSYNC, kGone) == "fsync(3<gone>) = ENODEV (No such device)");
    CHECK(line(SYS_FSYNC, kPlain) == "fsync(2</scheme/recording/#20>) = 0");
}

TEST_CASE_FIXTURE(Fixture, "long and binary buffers are shortened and quoted") {
    CHECK(line(SYS_WRITE, kStream, put(std::string(500, 'x')), 500) ==
          "write(1</scheme/text/11>, \"" + std::string(32, 'x') + "\"..., 500) = 500");
    CHECK(line(SYS_WRITE, kStream, put(std::string_view("\0\xff\"", 3)), 3) ==
          R"(write(1</scheme/text/11>, "\x00\xff\"", 3) = 3)");
    CHECK(line(SYS_WRITE, kStream, kUnmapped, 3) ==
          "write(1</scheme/text/11>, 0x7000000000, 3) = EFAULT (Bad address)");
    CHECK(line(SYS_READ, kStream, kUnmapped, 3) ==
          "read(1</scheme/text/11>, 0x7000000000, 3) = EFAULT (Bad address)");
}

TEST_CASE_FIXTURE(Fixture, "a scheme that returns more than it was given room for confuses nobody") {
    text->texts[10] = std::string(100, 'z');
    CHECK(
        line(SYS_GETDENTS, kFile, kMemory, 10, 19, 0).starts_with("getdents(0</scheme/text/10>, [...], 10"));
}

TEST_CASE_FIXTURE(Fixture, "flags and commands have names") {
    CHECK(line(SYS_FCNTL, kFile, FcntlCommand::kGetfl, 0) == "fcntl(0</scheme/text/10>, F_GETFL, 0) = 0");
    CHECK(line(SYS_FCNTL, kFile, FcntlCommand::kSetfl, 0x70000) ==
          "fcntl(0</scheme/text/10>, F_SETFL, O_RDWR|O_NONBLOCK) = 0");
    CHECK(line(SYS_FCNTL, kFile, FcntlCommand::kDupfd, 9) ==
          "fcntl(0</scheme/text/10>, F_DUPFD, 9) = 9</scheme/text/10>");
    CHECK(line(SYS_FEVENT, kFile, 3) == "fevent(0</scheme/text/10>, EVENT_READ|EVENT_WRITE) = EVENT_WRITE");
    CHECK(line(SYS_LSEEK, kFile, -1, 0) ==
          "lseek(0</scheme/text/10>, -1, SEEK_SET) = EINVAL (Invalid argument)");
    CHECK(line(SYS_READ2, kFile, kMemory, 5, -1, 1) ==
          R"(read2(0</scheme/text/10>, "Redox", 5, -1, NONBLOCK) = 5)");
    CHECK(line(SYS_READ2, kFile, kMemory, 5, 0, -1) ==
          R"(read2(0</scheme/text/10>, "Redox", 5, 0, stored) = 5)");
    CHECK(line(SYS_MPROTECT, kMemory, 0x1000, MapFlags::kProtRead | MapFlags::kProtWrite) ==
          "mprotect(0x100000, 0x1000, PROT_WRITE|PROT_READ) = 0");
    CHECK(line(SYS_MREMAP, 1, 0, 0, 0, 3 | MapFlags::kProtRead) ==
          "mremap(0x1, 0x0, 0x0, 0x0, FIXED_REPLACE|PROT_READ) = EINVAL (Invalid argument)");
    CHECK(line(SYS_FUTEX, kMemory, 1, 5, 0) == "futex(0x100000, FUTEX_WAKE, 5, null) = 0");
    CHECK(line(SYS_FCHMOD, kFile, 0644) == "fchmod(0</scheme/text/10>, 0644) = 0");
    CHECK(line(SYS_YIELD) == "yield() = 0");
}

TEST_CASE_FIXTURE(Fixture, "SYS_CALL shows its kind and its words") {
    put_words({4, 0, 0}, 0x1000);
    CHECK(line(SYS_CALL, kFile, kMemory, 104, CallFlags::kStdFs | CallFlags::kRead | 3, kMemory + 0x1000)
              .ends_with("104, READ|STD_FS|3, [Fstat, 0x0, 0x0]) = 0"));
    CHECK(line(SYS_CALL, kPlain, 0, 0, 0, 0) ==
          "call(2</scheme/recording/#20>, \"\", 0, 0, []) = EOPNOTSUPP (Operation not supported on transport "
          "endpoint)");
}

TEST_CASE_FIXTURE(Fixture, "structs are shown once the call has filled them") {
    CHECK(line(SYS_FSTAT, kFile, kMemory, 104) ==
          "fstat(0</scheme/text/10>, {st_mode=0, st_size=0, st_uid=0, st_ino=10, st_dev=17}, 104) = 0");
    CHECK(line(SYS_FSTAT, kFile, kMemory, 100) ==
          "fstat(0</scheme/text/10>, 0x100000, 100) = EINVAL (Invalid argument)");
    CHECK(line(SYS_FSTATVFS, kFile, kMemory, 32) ==
          "fstatvfs(0</scheme/text/10>, {f_bsize=4096, f_blocks=1, f_bfree=2}, 32) = 0");
    const std::uint64_t map = put_value(abi::Map{0, 100, MapFlags::kMapPrivate | MapFlags::kProtRead, 0});
    CHECK(line(SYS_FMAP, -1, map, 32) ==
          "fmap(-1, {offset=0x0, size=0x64, flags=PROT_READ|MAP_PRIVATE, address=0x0}, 32) = EINVAL (Invalid "
          "argument)");
    CHECK(line(SYS_NANOSLEEP, put_value(abi::TimeSpec{0, 1500}), kMemory + 64) ==
          "nanosleep(0.000001500, 0) = 0");
    put_value(abi::TimeSpec{1, 0}, 0);
    put_value(abi::TimeSpec{2, -3}, 16);
    CHECK(line(SYS_FUTIMENS, kFile, kMemory, 32) == "futimens(0</scheme/text/10>, [1, 2s-3ns], 32) = 32");
}

TEST_CASE_FIXTURE(Fixture, "numbers that are no calls show their registers") {
    CHECK(line(60, 1, 2) == "unknown_0x3c(0x1, 0x2, 0x0, 0x0, 0x0, 0x0) = ENOSYS (Function not implemented)");
}

TEST_CASE_FIXTURE(Fixture, "handles are asked for their path once, until something is renamed") {
    const auto asked = [&] {
        text->times_asked = 0;
        (void)line(SYS_FCNTL, kFile, FcntlCommand::kGetfd, 0);
        return text->times_asked;
    };
    (void)asked();
    CHECK(asked() == 0);
    (void)line(SYS_FRENAME, kFile, put("/ok"), 3);
    CHECK(asked() == 1);
    CHECK(asked() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a JSON line has typed results and readable arguments") {
    trace(TraceFormat::kJson, {});
    const Json open = json(SYS_OPENAT, kFile, put("a\"\n\xff"), 4, OpenFlags::kRdonly, 0);
    // Not UTF-8: the call fails, and the line is good JSON all the same.
    CHECK(open["error"] == "EINVAL");
    CHECK(open["args"]["path"] == "a\"\n\xc3\xbf");
    CHECK(open["args"]["dirfd"] == "0</scheme/text/10>");
    CHECK(open["args"]["flags"] == "O_RDONLY");
    const Json read = json(SYS_READ, kFile, kMemory, 5);
    CHECK(read["call"] == "read");
    CHECK(read["pid"] == 7);
    CHECK(read["context"] == 1);
    CHECK(read["result"] == 5);
    CHECK(read["args"]["buf"] == "Redox");
    CHECK(read["args"]["len"] == 5);
    CHECK(read["elapsed_ns"].is_number());
    CHECK(json(SYS_DUP, kFile, 0, 0)["result"] == "4</scheme/text/10>");
    CHECK(json(60, 1)["args"]["rdi"] == 1);
}

TEST_CASE_FIXTURE(Fixture, "filters choose by name, topic, kind of argument and scheme") {
    const auto shown = [&](const std::vector<std::string>& expressions) {
        trace(TraceFormat::kText, expressions);
        lines.clear();
        (void)raw(SYS_READ, kFile, kMemory, 1);
        (void)raw(SYS_FSYNC, kPlain);
        (void)raw(SYS_OPENAT, kFile, kEnd, 1, 0, 0);
        (void)raw(SYS_YIELD);
        (void)raw(60);
        std::string names;
        for (const std::string& shown_line : lines)
            names += shown_line.substr(6, shown_line.find('(') - 6) + " ";
        return names;
    };
    CHECK(shown({}) == "read fsync openat yield unknown_0x3c ");
    CHECK(shown({"read,yield"}) == "read yield ");
    CHECK(shown({"read", "openat"}) == "read openat ");
    CHECK(shown({"!read,!yield"}) == "fsync openat unknown_0x3c ");
    CHECK(shown({"%file"}) == "openat ");
    CHECK(shown({"%fd"}) == "read fsync openat ");
    CHECK(shown({"%fd,!openat"}) == "read fsync ");
    CHECK(shown({"%time,%transfer"}) == "read yield ");
    CHECK(shown({"scheme=text"}) == "read openat ");
    CHECK(shown({"scheme=recording", "scheme=none"}) == "fsync ");
    CHECK(shown({"scheme=text", "read"}) == "read ");
}

TEST_CASE("a filter that names nothing is refused by name") {
    syscall::TraceFilter filter;
    for (const char* const word : {"open", "", "%nothing", "!", "read,", "SYS_READ"}) {
        CAPTURE(word);
        const auto added = filter.add(word);
        REQUIRE_FALSE(added);
        CHECK(added.error().find('\'') != std::string::npos);
    }
}

TEST_CASE("a file sink writes every line whole, by several threads, and the rest at its end") {
    const std::string path =
        std::filesystem::temp_directory_path() / ("halfcell_sink_" + std::to_string(getpid()));
    constexpr int kThreads = 4;
    constexpr int kLines = 20000;
    {
        auto sink = syscall::FileSink::open(path);
        REQUIRE(sink);
        std::vector<std::thread> threads;
        for (int i = 0; i < kThreads; ++i)
            threads.emplace_back([&, i] {
                const std::string text = "thread " + std::to_string(i) + std::string(80, '.') + "\n";
                for (int n = 0; n < kLines; ++n)
                    (*sink)->line(text);
            });
        for (std::thread& thread : threads)
            thread.join();
    }
    const std::string all = contents(path);
    constexpr std::size_t kLength = 8 + 80 + 1;
    CHECK(all.size() == kLength * kThreads * kLines);
    for (std::size_t at = 0; at < all.size(); at += kLength)
        if (all.compare(at, 7, "thread ") != 0 || all[at + kLength - 1] != '\n') FAIL("mixed lines");
    std::filesystem::remove(path);
}

TEST_CASE("a file sink writes what lies about when nothing more comes") {
    const std::string path =
        std::filesystem::temp_directory_path() / ("halfcell_idle_" + std::to_string(getpid()));
    auto sink = syscall::FileSink::open(path);
    REQUIRE(sink);
    (*sink)->line("one\n");
    while (contents(path).empty())
        std::this_thread::yield();
    CHECK(contents(path) == "one\n");
    std::filesystem::remove(path);
}

TEST_CASE("a trace into a file that cannot be written says which") {
    const auto tracer = syscall::make_tracer("/nonexistent/trace", false, {});
    REQUIRE_FALSE(tracer);
    CHECK(tracer.error().find("/nonexistent/trace") != std::string::npos);
    CHECK_FALSE(syscall::make_tracer("", false, {"nonsense"}));
    CHECK(syscall::make_tracer("", true, {"read"}));
}

TEST_CASE("the table of calls is complete and consistent") {
    for (const syscall::CallRow& row : syscall::call_rows()) {
        CAPTURE(row.constant);
        CHECK(syscall::find_call(row.number) == &row);
        CHECK(syscall::find_call(row.name) == &row);
        CHECK(std::string(abi::syscall_name(row.number)) == row.constant);
    }
    CHECK(syscall::find_call(0) == nullptr);
    for (const syscall::DeviationRow& row : syscall::deviation_rows())
        CHECK((row.number == 0 || syscall::find_call(row.number) != nullptr));
}
