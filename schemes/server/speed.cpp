// speedscheme: a scheme that does as little as a scheme can; the server half of what `halfcell bench`
// measures of schemes. Every name opens the same endless bytes.

#include <algorithm>
#include <cstring>

#include "schemes/server/scheme.h"

namespace halfcell::server {
namespace {

class Speed final : public Scheme {
  public:
    Result<Opened> openat(const Request&, Id, std::string_view, std::uint64_t) override {
        return Opened(kRoot + 1, Positioned::kNo);
    }

    Result<std::uint64_t> read(const Request&, Id, std::span<std::byte> to, std::uint64_t) override {
        const std::size_t count = std::min(to.size(), bytes_.size());
        std::memcpy(to.data(), bytes_.data(), count);
        return count;
    }

  private:
    std::vector<std::byte> bytes_ = std::vector<std::byte>(1 << 20, std::byte{'x'});
};

}  // namespace

std::unique_ptr<Scheme> make_scheme(std::span<const std::string_view>) {
    return std::make_unique<Speed>();
}

}  // namespace halfcell::server
