#include "schemes/server/scheme.h"

namespace halfcell::server {

Result<Opened> Scheme::openat(const Request&, Id, std::string_view, std::uint64_t) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::unlinkat(const Request&, Id, std::string_view, std::uint64_t) {
    return Errno::kENOENT;
}
Result<void> Scheme::flink(const Request&, Id, std::string_view) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::frename(const Request&, Id, std::string_view) {
    return Errno::kEOPNOTSUPP;
}
Result<Opened> Scheme::dup(const Request&, Id, std::string_view) {
    return Errno::kEOPNOTSUPP;
}
Result<std::uint64_t> Scheme::read(const Request&, Id, std::span<std::byte>, std::uint64_t) {
    return Errno::kEBADF;
}
Result<std::uint64_t> Scheme::write(const Request&, Id, std::span<const std::byte>, std::uint64_t) {
    return Errno::kEBADF;
}
Result<std::uint64_t> Scheme::fsize(const Request&, Id) {
    return Errno::kESPIPE;
}
Result<void> Scheme::getdents(const Request&, Id, std::uint64_t, abi::DirentWriter&) {
    return Errno::kENOTDIR;
}
Result<abi::Stat> Scheme::fstat(const Request&, Id) {
    return Errno::kEOPNOTSUPP;
}
Result<abi::StatVfs> Scheme::fstatvfs(const Request&, Id) {
    return Errno::kEOPNOTSUPP;
}
Result<std::string> Scheme::fpath(const Request&, Id) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::fsync(const Request&, Id) {
    return {};
}
Result<void> Scheme::ftruncate(const Request&, Id, std::uint64_t) {
    return Errno::kEBADF;
}
Result<void> Scheme::futimens(const Request&, Id, const abi::TimeSpec&, const abi::TimeSpec&) {
    return Errno::kEBADF;
}
Result<void> Scheme::fchmod(const Request&, Id, std::uint16_t) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::fchown(const Request&, Id, std::uint32_t, std::uint32_t) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::fcntl(const Request&, Id, std::uint64_t, std::uint64_t) {
    return Errno::kEOPNOTSUPP;
}
Result<std::uint64_t> Scheme::call(const Request&, Id, std::span<std::byte>,
                                   std::span<const std::uint64_t, 3>) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::lock(const Request&, Id, const RecordLock&) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::unlock(const Request&, Id, const RecordLock&) {
    return Errno::kEOPNOTSUPP;
}
Result<RecordLock> Scheme::get_lock(const Request&, Id, const RecordLock&) {
    return Errno::kEOPNOTSUPP;
}
Result<std::uint64_t> Scheme::fevent(const Request&, Id, std::uint64_t) {
    return 0;
}
Result<Mapped> Scheme::mmap(const Request&, Id, std::uint64_t, std::uint64_t, std::uint64_t) {
    return Errno::kEOPNOTSUPP;
}
Result<void> Scheme::munmap(const Request&, Id, std::uint64_t, std::uint64_t, std::uint64_t) {
    return Errno::kEOPNOTSUPP;
}
Result<std::uint64_t> Scheme::sendfd(const Request&, Id, std::vector<Descriptor>&, std::uint64_t) {
    return Errno::kEOPNOTSUPP;
}
Result<std::vector<Descriptor>> Scheme::recvfd(const Request&, Id, std::uint64_t) {
    return Errno::kEOPNOTSUPP;
}
void Scheme::closed(Id) {}
void Scheme::detached(Id, std::uint32_t) {}
void Scheme::cancelled(const Request&) {}

}  // namespace halfcell::server
