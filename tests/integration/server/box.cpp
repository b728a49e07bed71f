// box: a scheme that keeps descriptors for whoever asks for them, refuses when it is told to, and counts what
// it has open. Every open of a name is a box of its own; "one" behind a box opens the descriptor that waits
// longest.

#include <algorithm>
#include <optional>

#include "schemes/server/handles.h"
#include "schemes/server/pages.h"
#include "tests/integration/server/box_call.h"

namespace halfcell::server {
namespace {

class Boxes final : public Scheme {
  public:
    Result<Opened> openat(const Request&, Id base, std::string_view path, std::uint64_t) override {
        if (path == "never") return Errno::kEWOULDBLOCK;
        if (path != "one") return Opened(boxes_.add({}));
        Box& box = *RT_TRY(boxes_.find(base));
        if (box.kept.empty()) return Errno::kENOENT;
        Descriptor first = std::move(box.kept.front());
        box.kept.erase(box.kept.begin());
        return Opened(std::move(first));
    }

    Result<std::uint64_t> sendfd(const Request&, Id id, std::vector<Descriptor>& descriptors,
                                 std::uint64_t) override {
        Box& box = *RT_TRY(boxes_.find(id));
        const std::size_t count = descriptors.size();
        const auto next = std::exchange(box.next, BoxCall::kCount);
        if (next == BoxCall::kRefuseAll) return Errno::kENOSPC;
        const std::size_t taken = next == BoxCall::kRefuseHalf ? count / 2 : count;
        for (std::size_t i = 0; i < taken; ++i)
            box.kept.push_back(std::move(descriptors[i]));
        if (next != BoxCall::kRefuseHalf) return count;
        // What was taken is closed here, the rest by whoever serves us.
        box.kept.erase(box.kept.end() - static_cast<std::ptrdiff_t>(taken), box.kept.end());
        return Errno::kENOSPC;
    }

    Result<std::vector<Descriptor>> recvfd(const Request&, Id id, std::uint64_t count) override {
        Box& box = *RT_TRY(boxes_.find(id));
        const auto next = std::exchange(box.next, BoxCall::kCount);
        if (next == BoxCall::kRefuseAll) return Errno::kEIO;
        if (count > box.kept.size()) return Errno::kEAGAIN;
        const auto end = box.kept.begin() + static_cast<std::ptrdiff_t>(count);
        std::vector<Descriptor> given(std::make_move_iterator(box.kept.begin()),
                                      std::make_move_iterator(end));
        box.kept.erase(box.kept.begin(), end);
        // One fewer than was asked for is refused on the way.
        if (next == BoxCall::kRefuseHalf) given.pop_back();
        return given;
    }

    Result<std::uint64_t> call(const Request&, Id id, std::span<std::byte>,
                               std::span<const std::uint64_t, 3> metadata) override {
        Box& box = *RT_TRY(boxes_.find(id));
        const auto what = static_cast<BoxCall>(metadata[0]);
        if (what != BoxCall::kCount) {
            box.next = what;
            return 0;
        }
        std::uint64_t count = 0;
        boxes_.for_each([&](Id, const Box& one) { count += 1 + one.kept.size(); });
        return count;
    }

    Result<std::uint64_t> read(const Request&, Id id, std::span<std::byte> to, std::uint64_t) override {
        RT_TRY(boxes_.find(id));
        std::fill(to.begin(), to.end(), std::byte{'x'});
        return to.size();
    }
    Result<std::uint64_t> write(const Request&, Id id, std::span<const std::byte> from,
                                std::uint64_t) override {
        RT_TRY(boxes_.find(id));
        return from.size();
    }

    Result<Mapped> mmap(const Request&, Id, std::uint64_t offset, std::uint64_t size,
                        std::uint64_t) override {
        if (!pages_) pages_.emplace(RT_TRY(Pages::allocate(kShown)));
        if (offset > kShown || size > kShown - offset) return Errno::kEINVAL;
        return Mapped{&*pages_, offset};
    }
    Result<void> munmap(const Request&, Id, std::uint64_t, std::uint64_t, std::uint64_t) override {
        return {};
    }

    Result<void> fcntl(const Request&, Id, std::uint64_t, std::uint64_t) override { return {}; }
    void closed(Id id) override { boxes_.remove(id); }

  private:
    struct Box {
        std::vector<Descriptor> kept;
        BoxCall next = BoxCall::kCount;  // what happens to the next descriptors
    };
    static constexpr std::uint64_t kShown = std::uint64_t{64} << 10;
    Handles<Box> boxes_;
    std::optional<Pages> pages_;
};

}  // namespace

std::unique_ptr<Scheme> make_scheme(std::span<const std::string_view>) {
    return std::make_unique<Boxes>();
}

}  // namespace halfcell::server
