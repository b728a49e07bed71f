#include "schemes/rand/rand.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "schemes/common/character_device.h"

namespace halfcell::schemes {

namespace {

class RandScheme final : public CharacterDevice {
  public:
    RandScheme() : CharacterDevice("rand", "/scheme/rand", 0644) {}

    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override {
        if (!path.empty() && path != "/urandom") return fail(Errno::kENOENT);
        return CharacterDevice::openat(caller, base, path, flags, fcntl_flags);
    }

    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber, const mem::UserOut& to,
                               scheme::TransferFlags) override {
        std::array<std::byte, 4096> bytes;
        std::uint64_t done = 0;
        // A gigabyte takes seconds: a thread that is to end does not wait for them.
        while (done < to.size() && !caller.waiter.killed()) {
            const std::uint64_t wanted = std::min<std::uint64_t>(bytes.size(), to.size() - done);
            const ssize_t got = host::retry_interrupted([&] { return ::getrandom(bytes.data(), wanted, 0); });
            if (got < 0) return fail(host::last_error());
            const auto count = static_cast<std::size_t>(got);
            TRY(to.write(done, std::span(bytes).first(count)));
            done += count;
        }
        return done;
    }
};

}  // namespace

std::shared_ptr<scheme::Scheme> make_rand_scheme() {
    return std::make_shared<RandScheme>();
}

}  // namespace halfcell::schemes
