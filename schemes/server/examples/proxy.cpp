// proxy DIRECTORY: a scheme that says what is asked of it, and asks somebody else. As a guest it forwards to
// any scheme of files (proxy seen /scheme/file/tmp), as a Linux process to a directory of the host.

#include "abi/flags.h"
#include "schemes/server/files.h"
#include "schemes/server/handles.h"

namespace halfcell::server {
namespace {

class Proxy final : public Scheme {
  public:
    explicit Proxy(Directory directory) : directory_(std::move(directory)) {}

    Result<Opened> openat(const Request& request, Id base, std::string_view path,
                          std::uint64_t flags) override {
        std::string name = base == kRoot ? "" : RT_TRY(handles_.find(base))->name;
        if (!name.empty() && !path.empty()) name += '/';
        name += path;
        Result<File> file = directory_.open_file(name, flags);
        say(request, "open", name, file ? Errno{} : file.error());
        if (!file) return file.error();
        return Opened(handles_.add({std::move(name), std::move(*file)}));
    }

    Result<void> unlinkat(const Request& request, Id base, std::string_view path,
                          std::uint64_t flags) override {
        if (base != kRoot) return Errno::kENOENT;
        return said(request, "remove", path, directory_.remove(path, flags));
    }

    Result<std::uint64_t> read(const Request& request, Id id, std::span<std::byte> to,
                               std::uint64_t offset) override {
        const Handle& handle = *RT_TRY(handles_.find(id));
        return said(request, "read", handle.name, handle.file.read(to, offset));
    }

    Result<std::uint64_t> write(const Request& request, Id id, std::span<const std::byte> from,
                                std::uint64_t offset) override {
        const Handle& handle = *RT_TRY(handles_.find(id));
        return said(request, "write", handle.name, handle.file.write(from, offset));
    }

    Result<std::uint64_t> fsize(const Request& request, Id id) override {
        return RT_TRY(fstat(request, id)).st_size;
    }

    Result<void> ftruncate(const Request& request, Id id, std::uint64_t size) override {
        const Handle& handle = *RT_TRY(handles_.find(id));
        return said(request, "truncate", handle.name, handle.file.truncate(size));
    }

    Result<abi::Stat> fstat(const Request& request, Id id) override {
        const Handle& handle = *RT_TRY(handles_.find(id));
        return said(request, "stat", handle.name, handle.file.status());
    }

    Result<void> getdents(const Request& request, Id id, std::uint64_t from, abi::DirentWriter& to) override {
        using Status = abi::DirentWriter::Status;
        const Handle& handle = *RT_TRY(handles_.find(id));
        const auto entries = RT_TRY(said(request, "list", handle.name, handle.file.entries()));
        for (std::uint64_t i = from; i < entries.size(); ++i) {
            const std::string& name = entries[i].name;
            const Status status = to.append(i + 1, i + 1, entries[i].kind, name.data(), name.size());
            if (status == Status::kOk) continue;
            if (to.written() == 0) return Errno::kEINVAL;
            break;
        }
        return {};
    }

    Result<void> fcntl(const Request&, Id, std::uint64_t, std::uint64_t) override { return {}; }

    void closed(Id id) override { handles_.remove(id); }

  private:
    struct Handle {
        std::string name;
        File file;
    };

    static void say(const Request& request, std::string_view what, std::string_view name, Errno error) {
        std::string line = "proxy: ";
        line.append(what).append(" \"").append(name).append("\"");
        if (request.uid != 0) line += " not by root";
        if (error != Errno{}) line.append(": ").append(abi::errno_name(error));
        log(line);
    }
    // Says what came of an operation, and passes that on.
    template <typename T>
    static Result<T> said(const Request& request, std::string_view what, std::string_view name,
                          Result<T> result) {
        say(request, what, name, result ? Errno{} : result.error());
        return result;
    }

    Directory directory_;
    Handles<Handle> handles_;
};

}  // namespace

std::unique_ptr<Scheme> make_scheme(std::span<const std::string_view> arguments) {
    if (arguments.size() != 1) {
        log("proxy: one argument is wanted, the directory to forward to");
        return nullptr;
    }
    Result<Directory> directory = Directory::open(arguments.front());
    if (!directory) {
        log("proxy: cannot open " + std::string(arguments.front()) + ": " +
            abi::errno_text(directory.error()));
        return nullptr;
    }
    return std::make_unique<Proxy>(std::move(*directory));
}

}  // namespace halfcell::server
