#include "kernel_shim/gdb/kernel_target.h"

#include <algorithm>

#include "abi/sigabi.h"
#include "kernel_shim/gdb/maps_file.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::gdb {

Result<std::unique_ptr<KernelTarget>> KernelTarget::create(task::Kernel& kernel, ProcessSignals& signals,
                                                           scheme::DescriptionRef names) {
    auto events = std::make_shared<host::UniqueFd>(TRY(host::create_event(host::Blocking::kNo)));
    return std::unique_ptr<KernelTarget>(
        new KernelTarget(kernel, signals, std::move(names), std::move(events)));
}

KernelTarget::KernelTarget(task::Kernel& kernel, ProcessSignals& signals, scheme::DescriptionRef names,
                           std::shared_ptr<host::UniqueFd> events)
    : kernel_(kernel), signals_(signals), files_(std::move(names)), events_(std::move(events)) {
    task::TraceSession::Options options;
    options.follow = task::TraceSession::Follow::kAll;
    options.on_event = [file = events_](const task::TraceEvent&) {
        (void)host::signal_event(file->get(), 1);
    };
    session_ = task::TraceSession::create(std::move(options));
}

KernelTarget::~KernelTarget() {
    session_->detach_all();
}

Result<void> KernelTarget::begin(const std::shared_ptr<task::Context>& context) {
    TRY(session_->attach(context, true));
    const std::uint64_t process = context->attributes().pid;
    processes_[process] = {.announced = true, .entry_stack = context->entry_stack()};
    threads_[context->id()] = {.context = context, .process = process};
    running_ = interrupted_ = true;
    return {};
}

Result<void> KernelTarget::attach(std::uint64_t process) {
    const auto give_up = [&](Errno error) {
        session_->detach_all();
        forget(process);
        return fail(error);
    };
    // Threads that others make meanwhile are found by the next look, and children of those that are attached
    // already announce themselves.
    for (bool found = true; found;) {
        found = false;
        for (const auto& context : kernel_.contexts.all()) {
            const ContextId id = context->id();
            if (context->attributes().pid != process || threads_.contains(id) ||
                session_->find(id) != nullptr)
                continue;
            const auto entered = session_->attach(context, true);
            if (!entered && entered.error() == Errno::kESRCH) continue;
            if (!entered) return give_up(entered.error());
            processes_.try_emplace(
                process, Process{.announced = true, .attached = true, .entry_stack = context->entry_stack()});
            threads_[id] = {.context = context, .process = process};
            found = true;
        }
    }
    if (!processes_.contains(process)) return fail(Errno::kESRCH);
    running_ = interrupted_ = true;
    return {};
}

bool KernelTarget::attached(std::uint64_t process) const {
    const auto found = processes_.find(process);
    return found != processes_.end() && found->second.attached;
}

std::vector<ThreadName> KernelTarget::threads() {
    std::vector<ThreadName> names;
    for (const auto& [id, thread] : threads_)
        if (thread.stop) names.push_back(name_of(thread));
    return names;
}

std::string KernelTarget::thread_title(const ThreadName& name) {
    const Thread* const thread = find(name);
    return thread == nullptr ? "" : thread->context->attributes().name;
}

// Redox's kernel does not know what file a program came from. It is what the program calls itself, looked up
// as whoever started it will have done.
Result<std::string> KernelTarget::program_path(std::uint64_t process) {
    const EntryWords words = TRY(entry_words(process));
    if (words.arguments.empty() || words.arguments[0].empty()) return fail(Errno::kENOENT);
    const std::string& name = words.arguments[0];
    if (name.starts_with('/')) return name;
    if (name.find('/') != std::string::npos) return fail(Errno::kENOENT);
    constexpr std::string_view kPath = "PATH=";
    for (const std::string& variable : words.environment) {
        if (!variable.starts_with(kPath)) continue;
        Reader directories(std::string_view(variable).substr(kPath.size()));
        while (!directories.at_end()) {
            const std::string path = std::string(directories.until(':')) + "/" + name;
            if (files_.exists(path)) return path;
        }
    }
    return fail(Errno::kENOENT);
}

Result<std::string> KernelTarget::auxiliary_vector(std::uint64_t process) {
    return TRY(entry_words(process)).auxiliary;
}

Vectors KernelTarget::vectors() const {
    return __builtin_cpu_supports("avx") != 0 ? Vectors::kAvx : Vectors::kSse;
}

Result<RegisterSet> KernelTarget::registers(const ThreadName& name) {
    const Thread* const thread = find(name);
    if (thread == nullptr) return fail(Errno::kESRCH);
    RegisterSet registers;
    Result<void> read;
    const auto look = [&](const task::ParkedThread& parked) {
        read = [&]() -> Result<void> {
            registers.general = TRY(parked.thread.registers());
            TRY(parked.thread.read_float(registers.floating));
            return parked.thread.read_upper_halves(registers.upper_halves);
        }();
    };
    TRY(session_->inspect(thread->context->id(), look));
    TRY(read);
    const bool at_call =
        thread->stop == task::StopKind::kPreSyscall || thread->stop == task::StopKind::kPostSyscall;
    if (at_call) registers.original_rax = thread->number;
    return registers;
}

Result<void> KernelTarget::set_registers(const ThreadName& name, const RegisterSet& registers) {
    const Thread* const thread = find(name);
    if (thread == nullptr) return fail(Errno::kESRCH);
    Result<void> written;
    const auto change = [&](const task::ParkedThread& parked) {
        written = [&]() -> Result<void> {
            TRY(parked.thread.set_registers(registers.general));
            TRY(parked.thread.write_float(registers.floating));
            if (vectors() == Vectors::kSse) return {};
            return parked.thread.write_upper_halves(registers.upper_halves);
        }();
    };
    TRY(session_->inspect(thread->context->id(), change));
    return written;
}

Result<std::size_t> KernelTarget::read_memory(std::uint64_t process, std::uint64_t address,
                                              std::span<std::byte> to) {
    const auto space = space_of(process);
    if (space == nullptr) return fail(Errno::kESRCH);
    // Page by page: one that is missing ends it.
    std::size_t done = 0;
    while (done < to.size()) {
        const std::uint64_t at = address + done;
        const std::uint64_t rest = abi::kPageSize - at % abi::kPageSize;
        const auto part = to.subspan(done, std::min<std::uint64_t>(rest, to.size() - done));
        if (const auto read = space->read(at, part); !read) {
            if (done == 0) return fail(read.error());
            break;
        }
        done += part.size();
    }
    return done;
}

Result<void> KernelTarget::write_memory(std::uint64_t process, std::uint64_t address,
                                        std::span<const std::byte> from) {
    const auto space = space_of(process);
    if (space == nullptr) return fail(Errno::kESRCH);
    return space->poke(address, from);
}

Result<void> KernelTarget::resume(std::span<const Resumption> resumptions) {
    interrupted_ = false;
    for (auto& [id, thread] : threads_)
        thread.order.reset();
    for (const Resumption& resumption : resumptions)
        if (Thread* const thread = find(resumption.name)) thread->order = resumption;
    running_ = true;
    for (auto& [id, thread] : threads_)
        if (thread.order && thread.stop) resume_thread(thread);
    return {};
}

void KernelTarget::interrupt() {
    interrupted_ = true;
    (void)host::signal_event(events_->get(), 1);
}

Result<void> KernelTarget::catch_calls(std::uint64_t process, CallFilter filter) {
    const auto found = processes_.find(process);
    if (found == processes_.end()) return fail(Errno::kESRCH);
    found->second.filter = std::move(filter);
    return {};
}

Result<void> KernelTarget::detach(std::uint64_t process) {
    if (!processes_.contains(process)) return fail(Errno::kESRCH);
    std::vector<ContextId> contexts;
    for (const auto& [id, thread] : threads_)
        if (thread.process == process) contexts.push_back(id);
    forget(process);
    for (const ContextId id : contexts)
        session_->detach(id);
    return {};
}

Result<void> KernelTarget::kill(std::uint64_t process) {
    constexpr std::chrono::seconds kLongestEnd{10};
    if (!processes_.contains(process)) return fail(Errno::kESRCH);
    TRY(signals_.send(process, abi::Signal::kKill));
    const auto deadline = std::chrono::steady_clock::now() + kLongestEnd;
    while (processes_.contains(process) && wait_for_events(deadline))
        take_events();
    forget(process);
    return {};
}

Result<std::unique_ptr<TargetFile>> KernelTarget::open_file(std::uint64_t, const std::string& path) {
    if (const auto process = process_of_maps(path)) {
        const auto space = space_of(*process);
        if (space == nullptr) return fail(Errno::kENOENT);
        return make_maps_file(*space);
    }
    return files_.open(path);
}

Result<std::string> KernelTarget::read_link(std::uint64_t, const std::string& path) {
    return files_.read_link(path);
}

KernelTarget::Thread* KernelTarget::find(const ThreadName& name) {
    const auto found = threads_.find(ContextId{name.thread});
    return found != threads_.end() && found->second.process == name.process ? &found->second : nullptr;
}

std::shared_ptr<mem::AddressSpace> KernelTarget::space_of(std::uint64_t process) const {
    for (const auto& [id, thread] : threads_)
        if (thread.process == process && thread.stop)
            if (auto space = thread.context->address_space()) return space;
    return nullptr;
}

Result<EntryWords> KernelTarget::entry_words(std::uint64_t process) const {
    const auto space = space_of(process);
    const auto found = processes_.find(process);
    if (space == nullptr || found == processes_.end()) return fail(Errno::kESRCH);
    return read_entry_words(*space, found->second.entry_stack);
}

void KernelTarget::forget(std::uint64_t process) {
    std::erase_if(threads_, [&](const auto& entry) { return entry.second.process == process; });
    std::erase_if(stops_, [&](const Stop& stop) { return stop.name.process == process; });
    std::erase_if(sent_, [&](const auto& sent) { return sent.first == process; });
    processes_.erase(process);
}

}  // namespace halfcell::gdb
