// World::boot: one context, the metadata area and the capability descriptors, nothing else.
// Source: kernel:src/syscall/process.rs usermode_bootstrap.

#include <cstdio>

#include "kernel_shim/boot/bootstrap_image.h"
#include "kernel_shim/boot/elf.h"
#include "kernel_shim/boot/load_image.h"
#include "kernel_shim/supervisor/confinement.h"
#include "kernel_shim/supervisor/exception_text.h"
#include "kernel_shim/supervisor/parts.h"
#include "kernel_shim/supervisor/program_file.h"
#include "kernel_shim/task/exception_signal.h"

namespace halfcell::supervisor {

namespace {

constexpr std::uint32_t kLastKernelScheme = static_cast<std::uint32_t>(abi::GlobalSchemes::kDtb);

int report(int status, const std::string& message) {
    std::fprintf(stderr, "halfcell: %s\n", message.c_str());
    return status;
}

std::uint64_t capability_fd(std::uint32_t scheme) {
    return abi::kUpperFdtblTag | scheme;
}

// The root of a scheme, or a description that answers ENODEV where this kernel has no such scheme. Its number
// is what upstream's scheme gives its root although nobody registered it.
scheme::DescriptionRef root_or_nothing(const scheme::SchemeRegistry& schemes, SchemeId id) {
    constexpr std::uint64_t kRootFlags = abi::OpenFlags::kCreat | abi::OpenFlags::kRdwr;
    auto root = schemes.open_root(id);
    if (root) return std::move(*root);
    return scheme::DescriptionRef::create({.scheme = nullptr,
                                           .scheme_id = id,
                                           .number = HandleNumber{1},
                                           .flags = static_cast<std::uint32_t>(kRootFlags)});
}

Result<void> give_capabilities(const scheme::SchemeRegistry& schemes, fd::FdTable& files) {
    const auto give = [&](std::uint32_t id, bool cloexec) {
        return files.insert(FdNumber{capability_fd(id)}, {root_or_nothing(schemes, SchemeId{id}), cloexec});
    };
    for (std::uint32_t id = 1; id <= kLastKernelScheme; ++id)
        TRY(give(id, id == static_cast<std::uint32_t>(abi::GlobalSchemes::kProc)));
    return give(scheme::kSchemeManagerId.value(), false);
}

Result<std::uint64_t> load(mem::AddressSpace& space, machine::Pool& pool, std::span<const std::byte> file,
                           std::uint64_t base) {
    if (const auto image = boot::parse_elf(file)) {
        const boot::LoadedImage loaded = TRY(boot::load_image(space, pool, *image, file));
        return loaded.entry;
    }
    return boot::load_flat_image(space, file, base);
}

Result<void> add_metadata(mem::AddressSpace& space, machine::Pool& pool) {
    std::vector<boot::BootCapability> capabilities;
    for (std::uint32_t id = 1; id <= kLastKernelScheme; ++id)
        capabilities.push_back({static_cast<std::uint8_t>(id), capability_fd(id)});
    return boot::map_metadata(space, pool, capabilities, capability_fd(scheme::kSchemeManagerId.value()));
}

}  // namespace

int World::boot(const std::string& image_path, std::uint64_t base) {
    const auto image = read_host_program(image_path);
    if (!image) return report(image.error().status, image.error().message);
    if (const auto confined = confine_calls(parts_->options, nullptr); !confined)
        return report(kExitOwnFailure, confined.error());

    // The kernel's warnings go to the console, as on a serial line; they are part of what recordings show.
    schemes::ConsoleSink& console = *parts_->console;
    parts_->log->set_echo([&console](std::string_view line) { console.write(line, nullptr); });

    task::Kernel& kernel = parts_->kernel;
    // The kernel's own lines appear on its console, as they do on a real one.
    parts_->log->set_echo(
        [&console = *parts_->console](std::string_view line) { console.write(line, nullptr); });
    const auto space = mem::AddressSpace::create(kernel.pool, kernel.machines);
    const auto entry = load(*space, kernel.pool, image->bytes, base);
    if (!entry)
        return report(kExitCannotRun, image_path + ": cannot be loaded: " + abi::errno_text(entry.error()) +
                                          " (an ELF program, or a flat image with its entry at offset 0x1a)");
    const auto files = std::make_shared<fd::FdTable>();
    auto started = [&]() -> Result<std::shared_ptr<task::Context>> {
        TRY(add_metadata(*space, kernel.pool));
        TRY(give_capabilities(kernel.schemes, *files));
        auto context = TRY(kernel.contexts.create(space, files));
        context->set_attributes({.name = "[bootstrap]"});
        context->set_initial_registers(boot::bootstrap_registers(*entry));
        TRY(context->mark_started());
        TRY(kernel.workers.start(context));
        return context;
    }();
    if (!started)
        return report(kExitOwnFailure,
                      image_path + ": cannot be started: " + abi::errno_text(started.error()) +
                          (base < 0x10000 ? " (mapping low addresses needs root or vm.mmap_min_addr <= the "
                                            "base; relink the image and give --base otherwise)"
                                          : ""));
    kernel.workers.wait_all();
    const auto [status, exception] = (*started)->status();
    if (status != abi::ContextStatus::kUnhandledExcp) return 0;
    std::fprintf(stderr, "halfcell: %s: %s\n", image_path.c_str(), describe_exception(exception).c_str());
    return 128 + static_cast<int>(task::signal_of_exception(exception.kind));
}

}  // namespace halfcell::supervisor
