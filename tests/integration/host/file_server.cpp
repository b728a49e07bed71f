// file_server DIRECTORY: a server of the host, made with the kit, that gives away files of the host: "reader"
// and "writer" are ends of two pipes, "feed" and "drain" its own ends of them, and every other name is a file
// in DIRECTORY.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "abi/flags.h"
#include "schemes/server/handles.h"

namespace halfcell::server {
namespace {

struct Pipe {
    Descriptor reader;
    Descriptor writer;
};

int file_of(const Descriptor& descriptor) {
    return static_cast<int>(descriptor.number());
}

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return static_cast<Errno>(errno);
    return Pipe{Descriptor(static_cast<std::uint64_t>(ends[0])),
                Descriptor(static_cast<std::uint64_t>(ends[1]))};
}

class FileServer final : public Scheme {
  public:
    FileServer(std::string directory, Pipe fed, Pipe drained)
        : directory_(std::move(directory)), fed_(std::move(fed)), drained_(std::move(drained)) {}

    Result<Opened> openat(const Request&, Id, std::string_view path, std::uint64_t flags) override {
        if (path == "feed") return Opened(handles_.add(file_of(fed_.writer)), Positioned::kNo);
        if (path == "drain") return Opened(handles_.add(file_of(drained_.reader)), Positioned::kNo);
        if (path == "reader") return given(::fcntl(file_of(fed_.reader), F_DUPFD_CLOEXEC, 0));
        if (path == "writer") return given(::fcntl(file_of(drained_.writer), F_DUPFD_CLOEXEC, 0));
        const std::string name = directory_ + '/' + std::string(path);
        const int access = (flags & abi::OpenFlags::kWronly) != 0 ? O_RDWR | O_CREAT : O_RDONLY;
        return given(::open(name.c_str(), access | O_CLOEXEC, 0666));
    }
    Result<std::uint64_t> read(const Request&, Id id, std::span<std::byte> to, std::uint64_t) override {
        return moved(::read(*RT_TRY(handles_.find(id)), to.data(), to.size()));
    }
    Result<std::uint64_t> write(const Request&, Id id, std::span<const std::byte> from,
                                std::uint64_t) override {
        return moved(::write(*RT_TRY(handles_.find(id)), from.data(), from.size()));
    }
    void closed(Id id) override { handles_.remove(id); }

  private:
    static Result<Opened> given(int file) {
        if (file < 0) return static_cast<Errno>(errno);
        return Opened(Descriptor(static_cast<std::uint64_t>(file)));
    }
    static Result<std::uint64_t> moved(ssize_t count) {
        if (count < 0) return static_cast<Errno>(errno);
        return static_cast<std::uint64_t>(count);
    }

    const std::string directory_;
    const Pipe fed_;
    const Pipe drained_;
    Handles<int> handles_;
};

}  // namespace

std::unique_ptr<Scheme> make_scheme(std::span<const std::string_view> arguments) {
    auto fed = make_pipe();
    auto drained = make_pipe();
    if (arguments.size() != 1 || !fed || !drained) return nullptr;
    return std::make_unique<FileServer>(std::string(arguments.front()), std::move(*fed), std::move(*drained));
}

}  // namespace halfcell::server
