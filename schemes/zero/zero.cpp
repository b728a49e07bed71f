#include "schemes/zero/zero.h"

#include <algorithm>
#include <array>

#include "schemes/common/character_device.h"

namespace halfcell::schemes {

namespace {

class ZeroScheme final : public CharacterDevice {
  public:
    ZeroScheme() : CharacterDevice("zero", "/scheme/zero", 0666) {}
    Result<std::uint64_t> read(const scheme::Caller&, HandleNumber, const mem::UserOut& to,
                               scheme::TransferFlags) override {
        static constexpr std::array<std::byte, 65536> kZeros{};
        for (std::uint64_t done = 0; done < to.size(); done += kZeros.size()) {
            const std::uint64_t size = std::min<std::uint64_t>(kZeros.size(), to.size() - done);
            TRY(to.write(done, std::span(kZeros).first(size)));
        }
        return to.size();
    }
};

}  // namespace

std::shared_ptr<scheme::Scheme> make_zero_scheme() {
    return std::make_shared<ZeroScheme>();
}

}  // namespace halfcell::schemes
