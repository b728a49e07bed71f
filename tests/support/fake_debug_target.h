#pragma once

// Programs that exist only as what a debugger sees of them.

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "kernel_shim/gdb/target.h"

namespace halfcell::test {

// Threads with registers and processes with one stretch of memory; a test says what happens to them.
class FakeDebugTarget : public gdb::Target {
  public:
    static constexpr std::uint64_t kMemory = 0x1000;  // address
    static constexpr std::size_t kMemorySize = 0x1000;

    struct Process {
        std::vector<std::byte> memory = std::vector<std::byte>(kMemorySize);
        bool attached = false;
        gdb::CallFilter filter;
    };

    FakeDebugTarget() { add({1, 1}); }

    void add(gdb::ThreadName name) {
        names.push_back(name);
        all_registers[name] = {};
        processes[name.process];
    }
    void remove(std::uint64_t process) {
        std::erase_if(names, [&](const auto& name) { return name.process == process; });
        processes.erase(process);
    }
    // It happens at the next look.
    void happens(gdb::Stop stop) {
        stops.push_back(std::move(stop));
        runs = false;
    }
    std::byte& memory(std::uint64_t process, std::uint64_t address) {
        return processes.at(process).memory.at(address - kMemory);
    }

    std::vector<gdb::ThreadName> threads() override { return names; }
    std::string thread_title(const gdb::ThreadName& name) override {
        return "thread <" + std::to_string(name.thread) + ">";
    }
    [[nodiscard]] bool attached(std::uint64_t process) const override {
        const auto found = processes.find(process);
        return found != processes.end() && found->second.attached;
    }
    Result<std::string> program_path(std::uint64_t process) override {
        if (!processes.contains(process)) return fail(Errno::kESRCH);
        return "/bin/program";
    }
    Result<std::string> auxiliary_vector(std::uint64_t) override { return auxiliary; }

    [[nodiscard]] gdb::Vectors vectors() const override { return gdb::Vectors::kAvx; }
    Result<gdb::RegisterSet> registers(const gdb::ThreadName& name) override {
        const auto found = all_registers.find(name);
        if (found == all_registers.end()) return fail(Errno::kESRCH);
        return found->second;
    }
    Result<void> set_registers(const gdb::ThreadName& name, const gdb::RegisterSet& registers) override {
        if (!all_registers.contains(name)) return fail(Errno::kESRCH);
        all_registers[name] = registers;
        return {};
    }
    Result<std::size_t> read_memory(std::uint64_t process, std::uint64_t address,
                                    std::span<std::byte> to) override {
        const auto place = TRY(find(process, address));
        const std::size_t size = std::min(to.size(), place.size());
        std::copy_n(place.begin(), size, to.begin());
        return size;
    }
    Result<void> write_memory(std::uint64_t process, std::uint64_t address,
                              std::span<const std::byte> from) override {
        const auto place = TRY(find(process, address));
        if (from.size() > place.size()) return fail(Errno::kEFAULT);
        std::ranges::copy(from, place.begin());
        return {};
    }

    Result<void> resume(std::span<const gdb::Resumption> resumptions) override {
        resumed.assign(resumptions.begin(), resumptions.end());
        ++resumes;
        runs = true;
        return {};
    }
    void interrupt() override { ++interrupts; }
    [[nodiscard]] int event_file() const override { return -1; }
    std::vector<gdb::Stop> take_stops() override { return std::exchange(stops, {}); }
    [[nodiscard]] bool running() const override { return runs; }
    Result<void> catch_calls(std::uint64_t process, gdb::CallFilter filter) override {
        if (!processes.contains(process)) return fail(Errno::kESRCH);
        processes[process].filter = std::move(filter);
        return {};
    }
    void pass_signals(std::vector<std::uint32_t> signals) override { passed = std::move(signals); }
    Result<void> detach(std::uint64_t process) override {
        detached.push_back(process);
        remove(process);
        return {};
    }
    Result<void> kill(std::uint64_t process) override {
        killed.push_back(process);
        remove(process);
        return {};
    }

    class File : public gdb::TargetFile {
      public:
        Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> to) override {
            const std::string_view left = kContent.substr(std::min(offset, kContent.size()));
            const std::size_t size = std::min(left.size(), to.size());
            std::memcpy(to.data(), left.data(), size);
            return size;
        }
        Result<gdb::FileStatus> status() override {
            return gdb::FileStatus{.mode = 0100644, .size = kContent.size(), .modified = 0x12345678};
        }
        static constexpr std::string_view kContent = "the bytes #} of a file";
    };
    Result<std::unique_ptr<gdb::TargetFile>> open_file(std::uint64_t process,
                                                       const std::string& path) override {
        opened.emplace_back(process, path);
        if (path != "/lib/file") return fail(Errno::kENOENT);
        return std::make_unique<File>();
    }
    Result<std::string> read_link(std::uint64_t, const std::string& path) override {
        if (path != "/lib/link") return fail(Errno::kENOENT);
        return "file";
    }

    std::vector<gdb::ThreadName> names;
    std::map<gdb::ThreadName, gdb::RegisterSet> all_registers;
    std::map<std::uint64_t, Process> processes;
    std::vector<gdb::Stop> stops;
    std::vector<gdb::Resumption> resumed;
    std::vector<std::uint32_t> passed;
    std::vector<std::uint64_t> detached;
    std::vector<std::uint64_t> killed;
    std::vector<std::pair<std::uint64_t, std::string>> opened;
    std::string auxiliary = std::string(20, '#');
    bool runs = false;
    int resumes = 0;
    int interrupts = 0;

  private:
    Result<std::span<std::byte>> find(std::uint64_t process, std::uint64_t address) {
        const auto found = processes.find(process);
        if (found == processes.end()) return fail(Errno::kESRCH);
        if (address < kMemory || address >= kMemory + kMemorySize) return fail(Errno::kEFAULT);
        return std::span(found->second.memory).subspan(address - kMemory);
    }
};

}  // namespace halfcell::test
