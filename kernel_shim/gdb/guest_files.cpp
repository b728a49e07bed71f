#include "kernel_shim/gdb/guest_files.h"

#include <array>

#include "abi/data.h"
#include "abi/flags.h"

namespace halfcell::gdb {

namespace {

using abi::OpenFlags;

scheme::Caller as_root(wait::Waiter& waiter) {
    return {ContextId{}, 0, 0, 0, waiter};
}

class OpenFile final : public TargetFile {
  public:
    explicit OpenFile(scheme::DescriptionRef file) : file_(std::move(file)) {}

    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> to) override {
        scheme::Scheme* const source = TRY(file_->scheme());
        return source->read_at(as_root(waiter_), file_->number(), mem::UserOut::local(to), offset, {});
    }
    Result<FileStatus> status() override {
        abi::Stat stat{};
        const auto room = mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)));
        scheme::Scheme* const source = TRY(file_->scheme());
        TRY(source->fstat(as_root(waiter_), file_->number(), room));
        return FileStatus{.mode = stat.st_mode, .size = stat.st_size, .modified = stat.st_mtime_sec};
    }

  private:
    const scheme::DescriptionRef file_;
    wait::Waiter waiter_;
};

}  // namespace

Result<scheme::DescriptionRef> GuestFiles::open_description(const std::string& path, std::uint64_t flags) {
    if (!path.starts_with('/')) return fail(Errno::kENOENT);
    scheme::Scheme* const names = TRY(names_->scheme());
    auto opened = TRY(names->openat(as_root(waiter_), names_->number(), path, flags, 0));
    // The namespace hands out other schemes' descriptions only.
    if (auto* const description = std::get_if<scheme::DescriptionRef>(&opened))
        return std::move(*description);
    return fail(Errno::kEISDIR);
}

Result<std::unique_ptr<TargetFile>> GuestFiles::open(const std::string& path) {
    auto description = TRY(open_description(path, OpenFlags::kRdonly));
    auto file = std::make_unique<OpenFile>(std::move(description));
    const FileStatus status = TRY(file->status());
    // Whatever else there may be, reading it could block or change something.
    if ((status.mode & abi::Mode::kType) != abi::Mode::kFile) return fail(Errno::kEISDIR);
    return file;
}

Result<std::string> GuestFiles::read_link(const std::string& path) {
    constexpr std::size_t kLongestPath = 4096;
    const auto link =
        TRY(open_description(path, OpenFlags::kRdonly | OpenFlags::kSymlink | OpenFlags::kNofollow));
    OpenFile file(link);
    const FileStatus status = TRY(file.status());
    if ((status.mode & abi::Mode::kType) != abi::Mode::kSymlink) return fail(Errno::kEINVAL);
    std::array<std::byte, kLongestPath> bytes{};
    const std::size_t size = TRY(file.read(0, bytes));
    return std::string(as_text(bytes).substr(0, size));
}

bool GuestFiles::exists(const std::string& path) {
    return open(path).has_value();
}

}  // namespace halfcell::gdb
