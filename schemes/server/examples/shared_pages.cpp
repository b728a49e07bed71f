// shared_pages: a scheme of memory. Every name is some pages that programs may map and so share, read, write
// and lengthen; descriptors that are sent to a name wait there for whoever asks for them.

#include <algorithm>
#include <cstring>

#include "abi/flags.h"
#include "schemes/server/handles.h"

namespace halfcell::server {
namespace {

class SharedPages final : public Scheme {
  public:
    Result<Opened> openat(const Request&, Id base, std::string_view path, std::uint64_t flags) override {
        if (base != kRoot || path.empty()) return Errno::kEACCES;
        const auto is_it = [path](const std::unique_ptr<Area>& area) { return area->name == path; };
        const auto found = std::find_if(areas_.begin(), areas_.end(), is_it);
        if (found != areas_.end()) return Opened(handles_.add({found->get(), flags}));
        if ((flags & abi::OpenFlags::kCreat) == 0) return Errno::kENOENT;
        // All the memory it may come to have: pages that nobody touches cost nothing, and none moves.
        Pages pages = RT_TRY(Pages::allocate(kLargest));
        areas_.push_back(std::make_unique<Area>(Area{std::string(path), std::move(pages)}));
        return Opened(handles_.add({areas_.back().get(), flags}));
    }

    Result<std::uint64_t> read(const Request&, Id id, std::span<std::byte> to,
                               std::uint64_t offset) override {
        const Area& area = *RT_TRY(handles_.find(id))->area;
        if (offset >= area.size) return 0;
        const std::size_t count = std::min<std::uint64_t>(to.size(), area.size - offset);
        std::memcpy(to.data(), area.pages.bytes().data() + offset, count);
        return count;
    }

    Result<std::uint64_t> write(const Request&, Id id, std::span<const std::byte> from,
                                std::uint64_t offset) override {
        Area& area = *RT_TRY(handles_.find(id))->area;
        if (offset > kLargest || from.size() > kLargest - offset) return Errno::kENOSPC;
        std::memcpy(area.pages.bytes().data() + offset, from.data(), from.size());
        area.size = std::max(area.size, offset + from.size());
        return from.size();
    }

    Result<std::uint64_t> fsize(const Request&, Id id) override {
        return RT_TRY(handles_.find(id))->area->size;
    }

    // What is cut off reads as zero later, in mappings too.
    Result<void> ftruncate(const Request&, Id id, std::uint64_t size) override {
        Area& area = *RT_TRY(handles_.find(id))->area;
        if (size > kLargest) return Errno::kENOSPC;
        if (size < area.size) std::memset(area.pages.bytes().data() + size, 0, area.size - size);
        area.size = size;
        return {};
    }

    Result<abi::Stat> fstat(const Request&, Id id) override {
        const Area& area = *RT_TRY(handles_.find(id))->area;
        abi::Stat stat{};
        stat.st_mode = abi::Mode::kFile | 0666;
        stat.st_nlink = 1;
        stat.st_size = area.size;
        stat.st_blocks = area.mappings;
        return stat;
    }

    // The kernel does not know which rights a handle has, so whoever may only read is refused here.
    Result<Mapped> mmap(const Request&, Id id, std::uint64_t offset, std::uint64_t size,
                        std::uint64_t flags) override {
        const Handle& handle = *RT_TRY(handles_.find(id));
        const bool stores =
            (flags & abi::MapFlags::kMapShared) != 0 && (flags & abi::MapFlags::kProtWrite) != 0;
        const bool may_write = (handle.flags & abi::OpenFlags::kWronly) != 0;
        if (stores && !may_write) return Errno::kEACCES;
        if (offset > kLargest || size > kLargest - offset) return Errno::kEINVAL;
        ++handle.area->mappings;
        return Mapped{&handle.area->pages, offset};
    }

    Result<void> munmap(const Request&, Id id, std::uint64_t, std::uint64_t, std::uint64_t) override {
        --RT_TRY(handles_.find(id))->area->mappings;
        return {};
    }

    Result<std::uint64_t> sendfd(const Request&, Id id, std::vector<Descriptor>& descriptors,
                                 std::uint64_t) override {
        auto& box = RT_TRY(handles_.find(id))->area->descriptors;
        const std::size_t count = descriptors.size();
        if (count > kMostDescriptors - box.size()) return Errno::kENOSPC;
        for (Descriptor& descriptor : descriptors)
            box.push_back(std::move(descriptor));
        return count;
    }

    // In the order they were sent.
    Result<std::vector<Descriptor>> recvfd(const Request&, Id id, std::uint64_t count) override {
        auto& box = RT_TRY(handles_.find(id))->area->descriptors;
        if (count > box.size()) return Errno::kEAGAIN;
        const auto end = box.begin() + static_cast<std::ptrdiff_t>(count);
        std::vector<Descriptor> given(std::make_move_iterator(box.begin()), std::make_move_iterator(end));
        box.erase(box.begin(), end);
        return given;
    }

    Result<void> fcntl(const Request&, Id, std::uint64_t, std::uint64_t) override { return {}; }

    void closed(Id id) override { handles_.remove(id); }

  private:
    static constexpr std::uint64_t kLargest = std::uint64_t{4} << 20;
    static constexpr std::size_t kMostDescriptors = 64;
    struct Area {
        std::string name;
        Pages pages;
        std::uint64_t size = 0;
        std::uint64_t mappings = 0;
        std::vector<Descriptor> descriptors = {};
    };
    struct Handle {
        Area* area;
        std::uint64_t flags;
    };

    std::vector<std::unique_ptr<Area>> areas_;  // their addresses stay
    Handles<Handle> handles_;
};

}  // namespace

std::unique_ptr<Scheme> make_scheme(std::span<const std::string_view>) {
    return std::make_unique<SharedPages>();
}

}  // namespace halfcell::server
