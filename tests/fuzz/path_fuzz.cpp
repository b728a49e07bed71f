// links: halfcell_file halfcell_memfs halfcell_test_support
// Random programs of opens, links, renames and removals with hostile paths, run on a host directory and in
// memory at once: both must answer alike, and what lies outside the host directory must stay unseen and
// whole.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "abi/flags.h"
#include "kernel_shim/base/check.h"
#include "kernel_shim/scheme/event_registry.h"
#include "kernel_shim/scheme/redox_path.h"
#include "kernel_shim/scheme/registry.h"
#include "schemes/file/file_scheme.h"
#include "schemes/file/host_volume.h"
#include "schemes/memfs/mem_volume.h"
#include "tests/support/fake_machine.h"

namespace {

using namespace halfcell;
using abi::OpenFlags;

constexpr std::string_view kSecret = "outside";

// OUTER/secret and OUTER/jail, the volume. Removed at exit.
class Jail {
  public:
    Jail() {
        std::string pattern = (std::filesystem::temp_directory_path() / "halfcell-fuzz-XXXXXX").string();
        HC_CHECK(mkdtemp(pattern.data()) != nullptr, "a temporary directory");
        outer_ = pattern;
        std::ofstream(secret()) << kSecret;
        umask(0);
    }
    Jail(const Jail&) = delete;
    Jail& operator=(const Jail&) = delete;
    ~Jail() { std::filesystem::remove_all(outer_); }

    [[nodiscard]] std::string secret() const { return outer_ + "/secret"; }
    [[nodiscard]] std::string inside() const { return outer_ + "/jail"; }
    void empty() const {
        std::filesystem::remove_all(inside());
        std::filesystem::create_directory(inside());
    }
    void check_outside() const {
        std::string text;
        std::ifstream(secret()) >> text;
        HC_CHECK(text == kSecret, "a path led outside");
        int names = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(outer_))
            ++names;
        HC_CHECK(names == 2, "a name was made outside");
    }

  private:
    std::string outer_;
};

struct Program {
    const std::uint8_t* data;
    std::size_t size;
    std::uint8_t next() {
        if (size == 0) return 0;
        --size;
        return *data++;
    }
    // Two to five pieces of what paths are made of.
    std::string path() {
        static const std::string kPieces[] = {"a", "b",  "c", "a/b",    "..", ".",       "/", "../..",
                                              "",  "//", "~", "a/../b", "b/", "/scheme", "x:"};
        std::string path;
        const unsigned pieces = next() % 4 + 1;
        for (unsigned i = 0; i < pieces; ++i) {
            if (i != 0 && next() % 8 != 0) path += '/';
            const std::uint8_t piece = next();
            if (piece == 255) path += '\0';
            path += kPieces[piece % std::size(kPieces)];
        }
        return path;
    }
};

void check_pure(const std::string& path) {
    if (const auto parsed = scheme::parse_redox_path(path)) {
        HC_CHECK(parsed->scheme.find('/') == std::string_view::npos, "a scheme name with a slash");
        if (path.starts_with('/') && !parsed->reference.empty())
            HC_CHECK(scheme::resolve_reference({}, parsed->reference) == parsed->reference, "not canonical");
    }
    const std::string resolved = scheme::resolve_reference("a/b", path);
    HC_CHECK(scheme::resolve_reference({}, resolved) == resolved, "resolving twice changes something");
    HC_CHECK(!resolved.starts_with('/') && !resolved.ends_with('/'), "stray slash");
    HC_CHECK(("/" + resolved + "/").find("/../") == std::string::npos, "a way up is left");
}

// One scheme over one volume.
class Side {
  public:
    explicit Side(std::shared_ptr<file::Volume> volume)
        : scheme_(std::make_shared<file::FileScheme>(
              "file", std::vector<file::Mount>{{.path = "", .volume = std::move(volume)}}, pool_)) {
        (void)registry_.add(scheme_).value();
        root_ = scheme_->root().value().number;
    }

    // Runs one operation and says what came of it in a word.
    std::string step(std::uint8_t operation, const std::string& first, const std::string& second,
                     std::uint64_t flags) {
        switch (operation % 6) {
            case 0:
            case 1:
                return open(first, flags);
            case 2:
                return answer(
                    scheme_->unlinkat(caller_, root_, first, operation & 64 ? abi::AtFlags::kRemovedir : 0));
            case 3:
                return with(first, [&](HandleNumber number) {
                    return answer(scheme_->frename(caller_, number, second));
                });
            case 4:
                return with(first, [&](HandleNumber number) {
                    return answer(scheme_->flink(caller_, number, second));
                });
            default:
                return make_link(first, second);
        }
    }

  private:
    static std::string word(Errno error) { return "error " + std::to_string(static_cast<int>(error)); }
    static std::string answer(const Result<void>& result) { return result ? "done" : word(result.error()); }

    Result<HandleNumber> open_handle(const std::string& path, std::uint64_t flags) {
        auto opened = scheme_->openat(caller_, root_, path, flags, 0);
        if (!opened) return fail(opened.error());
        return std::get<scheme::OpenedHandle>(*opened).number;
    }
    std::string path_of(HandleNumber number) {
        std::string text(4096, '\0');
        text.resize(
            scheme_->fpath(caller_, number, mem::UserOut::local(std::as_writable_bytes(std::span(text))))
                .value());
        return text;
    }
    template <typename Use>
    std::string with(const std::string& path, Use use) {
        const auto number = open_handle(path, OpenFlags::kStat | OpenFlags::kNofollow);
        if (!number) return "source " + word(number.error());
        const std::string result = use(*number) + " " + path_of(*number);
        HC_CHECK(scheme_->close(*number).has_value(), "close");
        return result;
    }
    std::string open(const std::string& path, std::uint64_t flags) {
        const auto number = open_handle(path, flags);
        if (!number) return word(number.error());
        abi::Stat stat{};
        const auto stated = scheme_->fstat(caller_, *number,
                                           mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1))));
        std::string text(64, '\0');
        const auto count = scheme_->read_at(
            caller_, *number, mem::UserOut::local(std::as_writable_bytes(std::span(text))), 0, {});
        text.resize(count.value_or(0));
        HC_CHECK(text != kSecret, "the outside was read");
        std::string result = path_of(*number) + " " + std::to_string(stat.st_mode & abi::Mode::kType) + " " +
                             text + answer(stated);
        (void)scheme_->write_at(caller_, *number, mem::UserIn::local("x"), 0, {});
        HC_CHECK(scheme_->close(*number).has_value(), "close");
        return result;
    }
    std::string make_link(const std::string& path, const std::string& target) {
        const auto number = open_handle(
            path, OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kWronly | OpenFlags::kSymlink | 0777);
        if (!number) return word(number.error());
        // An empty link exists in memory only; the host makes the link with its target.
        const bool usable = !target.empty() && target.find('\0') == std::string::npos;
        const auto written =
            scheme_->write_at(caller_, *number, mem::UserIn::local(usable ? target : "z"), 0, {});
        HC_CHECK(scheme_->close(*number).has_value(), "close");
        return written ? "linked" : word(written.error());
    }

    test::FakePool pool_;
    scheme::EventRegistry events_;
    scheme::SchemeRegistry registry_{events_};
    wait::Waiter waiter_;
    scheme::Caller caller_{.context = ContextId{1}, .pid = 1, .uid = 0, .gid = 0, .waiter = waiter_};
    std::shared_ptr<file::FileScheme> scheme_;
    HandleNumber root_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Jail jail;
    jail.empty();
    Side host(file::HostVolume::create(jail.inside(), file::Writes::kAllowed).value());
    Side memory(std::make_shared<memfs::MemVolume>(
        memfs::MemVolumeOptions{.limit = 1 << 24, .writes = file::Writes::kAllowed, .first_inode = 1}));
    constexpr std::uint64_t kFlags[] = {
        OpenFlags::kRdonly,
        OpenFlags::kRdwr,
        OpenFlags::kStat,
        OpenFlags::kStat | OpenFlags::kNofollow,
        OpenFlags::kRdonly | OpenFlags::kSymlink,
        OpenFlags::kRdwr | OpenFlags::kCreat | 0644,
        OpenFlags::kRdwr | OpenFlags::kCreat | OpenFlags::kTrunc | 0644,
        OpenFlags::kRdonly | OpenFlags::kCreat | 0644,
        OpenFlags::kRdwr | OpenFlags::kCreat | OpenFlags::kExcl | 0644,
        OpenFlags::kCreat | OpenFlags::kDirectory | 0755,
        OpenFlags::kCreat | OpenFlags::kDirectory | OpenFlags::kExcl | 0755,
        OpenFlags::kRdonly | OpenFlags::kDirectory,
        OpenFlags::kRdonly | OpenFlags::kTrunc,
        OpenFlags::kCreat | 0644,
    };
    constexpr int kMostSteps = 24;
    Program program{data, size};
    for (int step = 0; step < kMostSteps && program.size != 0; ++step) {
        const std::uint8_t operation = program.next();
        const std::uint64_t flags = kFlags[program.next() % std::size(kFlags)];
        const std::string first = program.path();
        std::string second = program.path();
        // Sometimes the target is the very thing that must not be reached.
        if (second.ends_with('~')) second = program.next() % 2 == 0 ? jail.secret() : "../../secret";
        check_pure(first);
        check_pure(second);
        const std::string from_host = host.step(operation, first, second, flags);
        const std::string from_memory = memory.step(operation, first, second, flags);
        if (from_host != from_memory) {
            std::printf("operation %u flags %llx\n  first  %s\n  second %s\n  host   %s\n  memory %s\n",
                        operation % 6U, static_cast<unsigned long long>(flags), first.c_str(), second.c_str(),
                        from_host.c_str(), from_memory.c_str());
            std::fflush(stdout);
            check_failed("from_host == from_memory", __FILE__, __LINE__, "the volumes disagree");
        }
    }
    jail.check_outside();
    return 0;
}
