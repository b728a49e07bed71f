#include "schemes/kernel/proc/switch_handles.h"

#include <utility>

#include "kernel_shim/mem/stack_top.h"
#include "schemes/kernel/proc/address_space_handle.h"
#include "schemes/kernel/proc/file_table_handle.h"
#include "schemes/kernel/proc/proc_scheme.h"
#include "schemes/kernel/proc/word_reader.h"

namespace halfcell::schemes::proc {

Result<std::uint64_t> CurrentAddressSpaceHandle::write(const scheme::Caller& caller,
                                                       const mem::UserIn& from) {
    const auto written = [this] {
        return chosen_.with([](const auto& chosen) { return chosen.has_value(); });
    };
    if (written()) return fail(Errno::kEBADF);
    WordReader words(from);
    const std::uint64_t fd = TRY(words.next());
    task::SpaceSwitch order;
    order.stack_pointer = TRY(words.next());
    order.instruction_pointer = TRY(words.next());
    if (!words.at_end()) order.argument = TRY(words.next());
    const auto handle = std::dynamic_pointer_cast<AddressSpaceHandle>(TRY(scheme_.handle_of_fd(caller, fd)));
    if (handle == nullptr) return fail(Errno::kEBADF);
    order.space = handle->space();
    const bool first = chosen_.with([&](auto& chosen) {
        if (chosen.has_value()) return false;
        chosen = std::move(order);
        return true;
    });
    if (!first) return fail(Errno::kEBADF);
    return words.consumed();
}

Result<void> CurrentAddressSpaceHandle::closed() {
    auto order = chosen_.with([](auto& chosen) { return std::exchange(chosen, std::nullopt); });
    if (!order) return {};
    order->stack_pointer = TRY(mem::stack_below_host_end(*order->space, order->stack_pointer));
    return target_.context->switch_space(std::move(*order));
}

Result<std::uint64_t> CurrentFileTableHandle::write(const scheme::Caller& caller, const mem::UserIn& from) {
    if (chosen_.with([](const auto& chosen) { return chosen != nullptr; })) return fail(Errno::kEBADF);
    const auto fd = TRY(from.read_exact<std::uint64_t>());
    const auto handle = std::dynamic_pointer_cast<FileTableHandle>(TRY(scheme_.handle_of_fd(caller, fd)));
    if (handle == nullptr) return fail(Errno::kEBADF);
    auto table = TRY(handle->choose());
    const bool first = chosen_.with([&](auto& chosen) {
        if (chosen != nullptr) return false;
        chosen.swap(table);
        return true;
    });
    if (!first) return fail(Errno::kEBADF);
    return sizeof fd;
}

Result<void> CurrentFileTableHandle::closed() {
    auto table = chosen_.with([](auto& chosen) { return std::exchange(chosen, nullptr); });
    if (table == nullptr) return {};
    task::Context& context = *target_.context;
    for (fd::Descriptor& descriptor : TRY(context.replace_files(std::move(table))))
        (void)fd::close_descriptor(std::move(descriptor), context.attributes().pid);
    return {};
}

}  // namespace halfcell::schemes::proc
