#include "userland/lib/tracer.h"

#include "userland/rt/file.h"
#include "userland/rt/output.h"

namespace halfcell::userland {

namespace {

Result<UniqueFd> open_part(std::uint32_t pid, std::string_view name, std::uint64_t flags) {
    return open_file(concat("/scheme/proc/", pid, "/", name), abi::OpenFlags::kRdwr | flags);
}

template <typename T>
std::span<std::byte> bytes_of(T& value) {
    return std::as_writable_bytes(std::span(&value, 1));
}

}  // namespace

Result<Tracer> Tracer::attach(std::uint32_t pid, std::uint64_t open_flags) {
    UniqueFd trace = RT_TRY(open_part(pid, "trace", open_flags));
    UniqueFd registers = RT_TRY(open_part(pid, "regs/int", 0));
    UniqueFd memory = RT_TRY(open_part(pid, "mem", 0));
    return Tracer(std::move(trace), std::move(registers), std::move(memory));
}

Result<void> Tracer::resume(std::uint64_t flags) const {
    RT_TRY(sys_write(trace_.fd(), std::as_bytes(std::span(&flags, 1))));
    return {};
}

Result<std::optional<abi::PtraceEvent>> Tracer::event() const {
    abi::PtraceEvent event{};
    const std::size_t size = RT_TRY(sys_read(trace_.fd(), bytes_of(event)));
    if (size == 0) return std::optional<abi::PtraceEvent>();
    return std::optional(event);
}

Result<std::uint64_t> Tracer::run_to_stop(std::uint64_t flags) const {
    RT_TRY(resume(flags));
    const auto event = RT_TRY(this->event());
    return event ? event->cause : 0;
}

Result<abi::IntRegisters> Tracer::registers() const {
    abi::IntRegisters registers{};
    RT_TRY(sys_read(registers_.fd(), bytes_of(registers)));
    return registers;
}

Result<void> Tracer::set_registers(const abi::IntRegisters& registers) const {
    RT_TRY(sys_write(registers_.fd(), std::as_bytes(std::span(&registers, 1))));
    return {};
}

Result<void> Tracer::read_memory(std::uint64_t address, std::span<std::byte> to) const {
    RT_TRY(sys_lseek(memory_.fd(), static_cast<std::int64_t>(address), abi::SeekWhence::kSet));
    const std::size_t size = RT_TRY(sys_read(memory_.fd(), to));
    if (size != to.size()) return Errno::kEFAULT;
    return {};
}

Result<void> Tracer::write_memory(std::uint64_t address, std::span<const std::byte> from) const {
    RT_TRY(sys_lseek(memory_.fd(), static_cast<std::int64_t>(address), abi::SeekWhence::kSet));
    const std::size_t size = RT_TRY(sys_write(memory_.fd(), from));
    if (size != from.size()) return Errno::kEFAULT;
    return {};
}

}  // namespace halfcell::userland
