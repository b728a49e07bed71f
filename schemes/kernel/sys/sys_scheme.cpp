#include "schemes/kernel/sys/sys_scheme.h"

#include <algorithm>
#include <array>

#include "abi/flags.h"
#include "schemes/common/directory.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes::sys {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

const std::vector<File>& files() {
    static const std::vector<File> all = {
        {"block", read_block, nullptr},
        {"context", read_context, nullptr},
        {"cpu", read_cpu, nullptr},
        {"exe", read_exe, nullptr},
        {"iostat", read_iostat, nullptr},
        {"irq", read_irq, nullptr},
        {"log", read_log, nullptr},
        {"syscall", read_syscall, nullptr},
        {"uname", read_uname, nullptr},
        {"env", read_env, nullptr},
        {"spurious_irq", read_spurious_irq, nullptr},
        {"stat", read_stat, nullptr},
        {"update_time_offset", nullptr, write_update_time_offset},
        {"kstop", nullptr, write_kstop},
    };
    return all;
}

SysScheme::SysScheme(Sources sources) : sources_(std::move(sources)) {
    // Counted here, where all CPUs can be seen: workers, which ask later, are bound to one.
    cpu_count();
}

Result<OpenedHandle> SysScheme::root() {
    auto handle = std::make_shared<Handle>();
    handle->root = true;
    return OpenedHandle{.number = handles_.add(std::move(handle))};
}

Result<std::shared_ptr<SysScheme::Handle>> SysScheme::find(HandleNumber number) const {
    auto handle = TRY(handles_.find(number));
    if (handle->root) return fail(Errno::kEBADF);
    return handle;
}

Result<OpenResult> SysScheme::openat(const Caller& caller, HandleNumber, std::string_view path, std::uint64_t,
                                     std::uint32_t) {
    path = without_leading_slashes(path);
    path = path.substr(0, path.find_last_not_of('/') + 1);
    auto handle = std::make_shared<Handle>();
    if (!path.empty()) {
        const auto file = std::find_if(files().begin(), files().end(),
                                       [&](const File& entry) { return entry.name == path; });
        if (file == files().end()) return fail(Errno::kENOENT);
        if (file->write != nullptr && caller.uid != 0) return fail(Errno::kEPERM);
        handle->file = &*file;
    }
    return OpenedHandle{.number = handles_.add(std::move(handle)), .positioned = true};
}

Result<SysScheme::Text> SysScheme::text_of(Handle& handle, const Caller& caller) const {
    if (handle.file->read == nullptr) return fail(Errno::kEISDIR);
    if (Text text = handle.text.with([](const Text& made) { return made; })) return text;
    // Made without the lock: some files ask every scheme there is. Who comes second takes what is there.
    const auto fresh = std::make_shared<const std::string>(TRY(handle.file->read(sources_, caller)));
    return handle.text.with([&](Text& made) {
        if (made == nullptr) made = fresh;
        return made;
    });
}

Result<std::uint64_t> SysScheme::read_at(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                         std::uint64_t offset, scheme::TransferFlags) {
    const auto handle = TRY(find(number));
    if (handle->file == nullptr) return fail(Errno::kEBADF);
    const Text text = TRY(text_of(*handle, caller));
    return reply_text(to, *text, offset);
}

Result<std::uint64_t> SysScheme::write_at(const Caller&, HandleNumber number, const mem::UserIn& from,
                                          std::uint64_t, scheme::TransferFlags) {
    const auto handle = TRY(find(number));
    if (handle->file == nullptr || handle->file->write == nullptr) return fail(Errno::kEISDIR);
    std::array<char, 256> text;
    const std::uint64_t size = std::min<std::uint64_t>(text.size(), from.size());
    TRY(from.read(0, std::as_writable_bytes(std::span(text)).first(size)));
    return handle->file->write(sources_, std::string_view(text.data(), size));
}

Result<std::uint64_t> SysScheme::fsize(const Caller& caller, HandleNumber number) {
    const auto handle = TRY(find(number));
    if (handle->file == nullptr || handle->file->read == nullptr) return 0;
    const Text text = TRY(text_of(*handle, caller));
    return text->size();
}

Result<std::uint64_t> SysScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(find(number));
    std::string path = "/scheme/sys/";
    if (handle->file != nullptr) path += handle->file->name;
    return to.write_common(path);
}

Result<void> SysScheme::fstat(const Caller& caller, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(find(number));
    if (handle->file == nullptr) return reply_stat(to, abi::Mode::kDir | 0444);
    const Text text = TRY(text_of(*handle, caller));
    return reply_stat(to, abi::Mode::kFile | 0666, text->size());
}

Result<std::uint64_t> SysScheme::getdents(const Caller&, HandleNumber number, const mem::UserOut& to,
                                          std::uint16_t header_size, std::uint64_t opaque_id) {
    const auto handle = TRY(find(number));
    if (handle->file != nullptr) return fail(Errno::kENOTDIR);
    std::vector<DirectoryEntry> entries;
    for (std::uint64_t i = opaque_id; i < files().size(); ++i)
        entries.push_back({i, i + 1, abi::DirentKind::kRegular, std::string(files()[i].name)});
    return reply_all_entries(to, header_size, entries);
}

Result<void> SysScheme::close(HandleNumber number) {
    TRY(handles_.remove(number));
    return {};
}

}  // namespace halfcell::schemes::sys
