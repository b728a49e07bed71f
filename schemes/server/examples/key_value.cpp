// key_value: a scheme of keys. Every key is a file and its value the content; "await/KEY" opens once there is
// such a key. The first thing to read about writing a server.

#include <algorithm>
#include <cstring>

#include "abi/flags.h"
#include "schemes/server/handles.h"

namespace halfcell::server {
namespace {

using abi::OpenFlags;

class KeyValue final : public Scheme {
  public:
    Result<Opened> openat(const Request&, Id base, std::string_view path, std::uint64_t flags) override {
        if (base != kRoot) return Errno::kENOTDIR;
        if (path.empty()) return Opened(kRoot);
        constexpr std::string_view kAwait = "await/";
        const bool await = path.starts_with(kAwait);
        if (await) path.remove_prefix(kAwait.size());
        std::size_t entry = position_of(path);
        if (entry == entries_.size()) {
            // Tried again after other requests: one of them may make it.
            if (await) return Errno::kEWOULDBLOCK;
            if ((flags & OpenFlags::kCreat) == 0) return Errno::kENOENT;
            if (path.find('/') != path.npos) return Errno::kENOENT;
            entries_.push_back({std::string(path), {}});
        }
        if ((flags & OpenFlags::kTrunc) != 0) entries_[entry].value.clear();
        return Opened(handles_.add({std::string(path)}));
    }

    Result<void> unlinkat(const Request&, Id base, std::string_view path, std::uint64_t) override {
        const std::size_t entry = position_of(path);
        if (base != kRoot || entry == entries_.size()) return Errno::kENOENT;
        entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(entry));
        return {};
    }

    Result<std::uint64_t> read(const Request&, Id id, std::span<std::byte> to,
                               std::uint64_t offset) override {
        const std::string& value = RT_TRY(find(id))->value;
        if (offset >= value.size()) return 0;
        const std::size_t count = std::min(to.size(), value.size() - offset);
        std::memcpy(to.data(), value.data() + offset, count);
        return count;
    }

    Result<std::uint64_t> write(const Request& request, Id id, std::span<const std::byte> from,
                                std::uint64_t offset) override {
        Entry& entry = *RT_TRY(find(id));
        if ((request.flags & OpenFlags::kAppend) != 0) offset = entry.value.size();
        if (offset > kLargest || from.size() > kLargest - offset) return Errno::kEFBIG;
        entry.value.resize(std::max<std::size_t>(entry.value.size(), offset + from.size()));
        std::memcpy(entry.value.data() + offset, from.data(), from.size());
        // Whoever watches a key hears that it has changed.
        handles_.for_each([&](Id other, const Handle& handle) {
            if (handle.key == entry.key) notify(other, abi::EventFlags::kEventRead);
        });
        return from.size();
    }

    Result<std::uint64_t> fsize(const Request&, Id id) override { return RT_TRY(find(id))->value.size(); }

    Result<void> ftruncate(const Request&, Id id, std::uint64_t size) override {
        if (size > kLargest) return Errno::kEFBIG;
        RT_TRY(find(id))->value.resize(size);
        return {};
    }

    Result<void> getdents(const Request&, Id id, std::uint64_t from, abi::DirentWriter& to) override {
        using Status = abi::DirentWriter::Status;
        if (id != kRoot) return Errno::kENOTDIR;
        for (std::uint64_t i = from; i < entries_.size(); ++i) {
            const std::string& key = entries_[i].key;
            const Status status = to.append(i + 1, i + 1, abi::DirentKind::kRegular, key.data(), key.size());
            if (status == Status::kOk) continue;
            if (to.written() == 0) return Errno::kEINVAL;
            break;
        }
        return {};
    }

    Result<abi::Stat> fstat(const Request&, Id id) override {
        abi::Stat stat{};
        stat.st_nlink = 1;
        stat.st_mode = abi::Mode::kDir | 0755;
        if (id == kRoot) return stat;
        stat.st_mode = abi::Mode::kFile | 0644;
        stat.st_size = RT_TRY(find(id))->value.size();
        return stat;
    }

    Result<void> fcntl(const Request&, Id, std::uint64_t, std::uint64_t) override { return {}; }

    Result<std::uint64_t> fevent(const Request&, Id, std::uint64_t interest) override {
        return interest & abi::EventFlags::kEventWrite;
    }

    // Counts the keys: what a call can be good for.
    Result<std::uint64_t> call(const Request&, Id, std::span<std::byte>,
                               std::span<const std::uint64_t, 3>) override {
        return entries_.size();
    }

    void closed(Id id) override { handles_.remove(id); }

  private:
    static constexpr std::uint64_t kLargest = std::uint64_t{16} << 20;
    struct Entry {
        std::string key;
        std::string value;
    };
    struct Handle {
        std::string key;
    };

    std::size_t position_of(std::string_view key) const {
        const auto is_it = [key](const Entry& entry) { return entry.key == key; };
        return static_cast<std::size_t>(std::find_if(entries_.begin(), entries_.end(), is_it) -
                                        entries_.begin());
    }
    Result<Entry*> find(Id id) {
        if (id == kRoot) return Errno::kEISDIR;
        const std::size_t entry = position_of(RT_TRY(handles_.find(id))->key);
        if (entry == entries_.size()) return Errno::kENOENT;
        return &entries_[entry];
    }

    std::vector<Entry> entries_;
    Handles<Handle> handles_;
};

}  // namespace

std::unique_ptr<Scheme> make_scheme(std::span<const std::string_view>) {
    return std::make_unique<KeyValue>();
}

}  // namespace halfcell::server
