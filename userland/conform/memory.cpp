// The memory scheme.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

uint64_t open_memory(std::string_view path) {
    return open_kernel(abi::GlobalSchemes::kMemory, path);
}

constexpr Probe kProbes[] = {
    {"names", "kernel:src/scheme/memory.rs kopenat",
     [] {
         for (const std::string_view name :
              {"zeroed", "", "zeroed@wb", "zeroed@wc", "zeroed@uc", "zeroed@dev", "physical", "physical@uc",
               "translation", "scheme-root"})
             OK(open_memory(name));
     }},
    {"wrong-names", "kernel:src/scheme/memory.rs kopenat",
     [] {
         for (const std::string_view name :
              {"foo", "zeroed@xx", "zeroed?phys_contiguous", "zeroed@?other", "zeroedx", "Zeroed"})
             EXPECT(open_memory(name), kENOENT);
     }},
    {"contiguous-name", "kernel:src/scheme/memory.rs kopenat",
     [] {
         OK(open_memory("zeroed@?phys_contiguous"));
         OK(open_memory("zeroed@wc?phys_contiguous"));
         OK(open_memory("zeroed@wc?,phys_contiguous,"));
     }},
    {"long-name", "kernel:src/scheme/memory.rs kopenat",
     [] {
         EXPECT(open_memory("zeroed@?,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"),
                kENOENT);
     }},
    {"openat-on-a-file", "kernel:src/scheme/memory.rs kopenat",
     [] { EXPECT(openat(OK(open_memory("zeroed")), "zeroed"), kEACCES); }},
    {"openat-on-the-root", "kernel:src/scheme/memory.rs kopenat",
     [] {
         const uint64_t root = OK(open_memory("scheme-root"));
         OK(openat(root, "zeroed"));
         OK(openat(root, "/zeroed"));
         EXPECT(fmap(root, 0, kPage, kRw), kEBADF);
     }},
    {"map-zeroed", "kernel:src/scheme/memory.rs kfmap",
     [] {
         const uint64_t memory = OK(open_memory("zeroed"));
         const uint64_t first = OK(fmap(memory, 77, kPage, kRw | kShared));
         const uint64_t second = OK(fmap(memory, 77, kPage, kRw | kShared));
         store(first, 5);
         EXPECT(load(second), 0);
         EXPECT(fmap(memory, 0, 4095, kRw), kEINVAL);
         OK(fmap(memory, 0, kPage, 0xf000'0020 | kR));
     }},
    {"map-contiguous", "kernel:src/scheme/memory.rs kfmap",
     [] {
         const uint64_t memory = OK(open_memory("zeroed@?phys_contiguous"));
         const uint64_t pages = OK(fmap(memory, 0, 3 * kPage, kRw));
         store(pages + 2 * kPage, 1);
         EXPECT(fmap(memory, 0, 3 * kPage, kRw | kShared), kEOPNOTSUPP);
         EXPECT(fmap(memory, 0, 1025 * kPage, kRw), kENOMEM);
     }},
    {"map-physical", "kernel:src/scheme/memory.rs physmap",
     [] {
         const uint64_t memory = OK(open_memory("physical"));
         OK(fmap(memory, 0xfee0'0000, kPage, kR));
         EXPECT(fmap(memory, 0xb8000, kPage + 1, kR), kEINVAL);
         EXPECT(fmap(memory, 0xb8001, kPage, kR), kEINVAL);
         EXPECT(fmap(memory, uint64_t{1} << 52, kPage, kR), kEINVAL);
         EXPECT(fmap(memory, 0xb8000, 0, kR), kEINVAL);
     }},
    {"physical-ram", "kernel:src/scheme/memory.rs physmap",
     [] { EXPECT(fmap(OK(open_memory("physical")), 0x200'0000, kPage, kR), kEPERM); }},
    {"physical-zero", "kernel:src/scheme/memory.rs physmap",
     [] {
         beware("panics");
         EXPECT(fmap(OK(open_memory("physical")), 0, kPage, kR), kEINVAL);
     }},
    {"physical-ignores-the-address", "kernel:src/scheme/memory.rs physmap",
     [] {
         const uint64_t memory = OK(open_memory("physical"));
         EXPECT_TRUE(OK(fmap(memory, 0xb8000, kPage, kRw | kFixed, kNowhere)) != kNowhere);
     }},
    {"translation", "kernel:src/scheme/memory.rs kcall",
     [] {
         const uint64_t memory = OK(open_memory("translation"));
         const uint64_t page = OK(anon(kPage, kRw));
         store(page, 1);
         uint64_t address = page + 8;
         EXPECT(call(memory, &address, 8, 0), 0);
         EXPECT(address % kPage, 0);
         address = kNowhere;
         EXPECT(call(memory, &address, 8, 0), kENOENT);
         EXPECT(call(memory, &address, 7, 0), kEINVAL);
         EXPECT(fmap(memory, 0, kPage, kR), kEOPNOTSUPP);
     }},
    {"call-on-other-files", "kernel:src/scheme/memory.rs kcall",
     [] {
         uint64_t address = 0x1000;
         EXPECT(call(OK(open_memory("zeroed")), &address, 8, 0), kEOPNOTSUPP);
     }},
    {"statistics", "kernel:src/scheme/memory.rs kfstatvfs",
     [] {
         abi::StatVfs stat{};
         const uint64_t memory = OK(open_memory("zeroed"));
         EXPECT(sc(abi::SYS_FSTATVFS, memory, &stat, sizeof stat), 0);
         EXPECT(stat.f_bsize, kPage);
         EXPECT_TRUE(stat.f_bfree <= stat.f_blocks);
         EXPECT(stat.f_bavail, stat.f_bfree);
         EXPECT(sc(abi::SYS_FSTATVFS, memory, &stat, sizeof stat - 1), kEINVAL);
     }},
    {"no-file-operations", "kernel:src/scheme/mod.rs KernelScheme",
     [] {
         const uint64_t memory = OK(open_memory("zeroed"));
         abi::Stat stat{};
         EXPECT(sc(abi::SYS_FSTAT, memory, &stat, sizeof stat), kEBADF);
         EXPECT(lseek(memory, 0, 2), kESPIPE);
         EXPECT(dup(memory, "x"), kEOPNOTSUPP);
         EXPECT(fevent(memory, 3), 0);
     }},
};

}  // namespace

Area memory_area() {
    return {"memory", "the memory scheme", kProbes};
}

}  // namespace halfcell::userland::conform
