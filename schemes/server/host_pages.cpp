#include "schemes/server/pages.h"

#include <sys/mman.h>
#include <unistd.h>

namespace halfcell::server {

using abi::Errno;
using userland::Result;

Result<Pages> Pages::allocate(std::uint64_t size) {
    constexpr std::uint64_t kPage = 4096;
    if (size == 0 || size > INT64_MAX - kPage) return Errno::kEINVAL;
    const std::uint64_t whole = (size + kPage - 1) / kPage * kPage;
    const int file = ::memfd_create("scheme-pages", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return Errno::kENOMEM;
    void* const bytes = ::ftruncate(file, static_cast<off_t>(whole)) == 0
                            ? ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                            : MAP_FAILED;
    if (bytes == MAP_FAILED) {
        ::close(file);
        return Errno::kENOMEM;
    }
    return Pages({static_cast<std::byte*>(bytes), whole}, file);
}

Pages::~Pages() {
    if (bytes_.empty()) return;
    ::munmap(bytes_.data(), bytes_.size());
    ::close(file_);
}

}  // namespace halfcell::server
