// Mapping, unmapping and protecting memory, and what touching it then does.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

// Page faults: their number, and what the error code says.
constexpr uint64_t kPageFault = 14;
constexpr uint64_t kGeneralProtection = 13;
constexpr uint64_t kPresent = 1;
constexpr uint64_t kWriting = 2;
constexpr uint64_t kByUser = 4;
constexpr uint64_t kFetching = 16;

constexpr uint8_t kReturn = 0xc3;  // the instruction

void read_at(uint64_t address) {
    (void)*reinterpret_cast<const volatile char*>(address);
}
void write_at(uint64_t address) {
    *reinterpret_cast<volatile char*>(address) = 1;
}
void run_at(uint64_t address) {
    reinterpret_cast<void (*)()>(address)();
}
uint64_t code_page(uint64_t flags) {
    const uint64_t page = OK(anon(kPage, kRw));
    *reinterpret_cast<volatile uint8_t*>(page) = kReturn;
    EXPECT(mprotect(page, kPage, flags), 0);
    return page;
}

constexpr Probe kMapProbes[] = {
    {"zeroed", "kernel:src/scheme/memory.rs fmap_anonymous",
     [] {
         const uint64_t page = OK(anon(3 * kPage, kRw));
         for (uint64_t at = 0; at < 3 * kPage; at += 8)
             EXPECT(load(page + at), 0);
     }},
    {"sizes", "kernel:src/context/memory.rs PageSpan::validate_nonempty",
     [] {
         EXPECT(anon(0, kR), kEINVAL);
         EXPECT(anon(4095, kR), kEINVAL);
         EXPECT(anon(4097, kR), kEINVAL);
         EXPECT(anon(kUserEnd, kR), kENOMEM);
         EXPECT(anon(kAll & ~uint64_t{4095}, kR), kEINVAL);
     }},
    {"addresses", "kernel:src/context/memory.rs PageSpan::validate_nonempty",
     [] {
         EXPECT(anon(kPage, kR, 0x1001), kEINVAL);
         EXPECT(anon(kPage, kR | kFixed, kUserEnd), kEINVAL);
         EXPECT(anon(2 * kPage, kR | kFixed, kUserEnd - kPage), kEINVAL);
         EXPECT(anon(kPage, kR | kFixed, 0xffff'8000'0000'0000), kEINVAL);
     }},
    {"hint-ignored", "kernel:src/context/memory.rs UserGrants::find_free_at",
     [] { EXPECT_TRUE(OK(anon(kPage, kR, 0x5'0000'0000)) != 0x5'0000'0000); }},
    {"bit-8-is-no-placement", "kernel:src/context/memory.rs UserGrants::find_free_at",
     [] { EXPECT_TRUE(OK(anon(kPage, kR | 8, 0x6'0000'0000)) != 0x6'0000'0000); }},
    {"best-fit", "kernel:src/context/memory.rs UserGrants::find_free_near",
     [] {
         const uint64_t base = 0x5'5500'0000;
         EXPECT(anon(6 * kPage, kR | kFixed, base), base);
         EXPECT(funmap(base + kPage, kPage), 0);
         EXPECT(funmap(base + 3 * kPage, 2 * kPage), 0);
         // Of two holes the smaller that is large enough.
         EXPECT(anon(2 * kPage, kR), base + 3 * kPage);
         EXPECT(anon(kPage, kR), base + kPage);
     }},
    {"fixed-replaces", "kernel:src/context/memory.rs AddrSpace::mmap",
     [] {
         const uint64_t page = OK(anon(2 * kPage, kRw));
         store(page, 7);
         store(page + kPage, 8);
         EXPECT(anon(kPage, kRw | kFixed, page), page);
         EXPECT(load(page), 0);
         EXPECT(load(page + kPage), 8);
     }},
    {"fixed-noreplace", "kernel:src/context/memory.rs AddrSpace::mmap",
     [] {
         const uint64_t page = OK(anon(kPage, kR));
         EXPECT(anon(kPage, kR | kFixedNoreplace, page), kEEXIST);
         EXPECT(anon(3 * kPage, kR | kFixedNoreplace, page - 2 * kPage), kEEXIST);
         EXPECT(funmap(page, kPage), 0);
         EXPECT(anon(kPage, kR | kFixedNoreplace, page), page);
     }},
    {"page-zero", "kernel:src/context/memory.rs AddrSpace::mmap",
     [] {
         const uint64_t answer = anon(kPage, kRw | kFixed, 0);
         EXPECT_DEVIATION(answer, 0, kENOMEM);
         if (answer != 0) return;
         store(0, 7);
         EXPECT(load(0), 7);
         EXPECT(funmap(0, kPage), 0);
     },
     Deviation::kHost},
    {"unknown-flags-ignored", "kernel:src/syscall/mod.rs syscall",
     [] {
         const uint64_t page = OK(anon(kPage, 0xf000'0020 | kRw));
         store(page, 1);
     }},
    {"shared-and-private", "kernel:src/scheme/memory.rs fmap_anonymous",
     [] { OK(anon(kPage, kRw | kShared | abi::MapFlags::kMapPrivate)); }},
    {"neither-shared-nor-private", "kernel:src/scheme/memory.rs fmap_anonymous", [] { OK(anon(kPage, 0)); }},
    {"offset-ignored", "kernel:src/scheme/memory.rs fmap_anonymous", [] { OK(fmap(kAll, 123, kPage, kRw)); }},
    {"longer-argument", "kernel:src/syscall/usercopy.rs read_exact",
     [] {
         const std::array<uint64_t, 8> map{0, kPage, kR, 0, kAll, kAll, kAll, kAll};
         OK(sc(abi::SYS_FMAP, kAll, map.data(), sizeof map));
     }},
    {"not-mappable", "kernel:src/scheme/mod.rs KernelScheme::kfmap",
     [] {
         EXPECT(fmap(open_pipe().reader, 0, kPage, kR), kEOPNOTSUPP);
         EXPECT(fmap(open_sys("uname"), 0, kPage, kR), kEOPNOTSUPP);
     }},
    {"unmap-in-the-middle", "kernel:src/context/memory.rs AddrSpace::munmap",
     [] {
         const uint64_t pages = OK(anon(3 * kPage, kRw));
         store(pages, 1);
         store(pages + 2 * kPage, 3);
         EXPECT(funmap(pages + kPage, kPage), 0);
         EXPECT(load(pages), 1);
         EXPECT(load(pages + 2 * kPage), 3);
         expect_fault("a read in the hole", write_at, pages + kPage,
                      {kPageFault, kWriting | kByUser, pages + kPage});
     }},
    {"unmap-rounds-up", "kernel:src/syscall/fs.rs funmap",
     [] {
         EXPECT(anon(4 * kPage, kRw | kFixed, kNowhere), kNowhere);
         EXPECT(funmap(kNowhere + kPage, 1), 0);
         EXPECT(anon(kPage, kR | kFixedNoreplace, kNowhere + kPage), kNowhere + kPage);
         EXPECT(funmap(kNowhere, 3 * kPage + 1), 0);
         expect_fault("a read", read_at, kNowhere + 3 * kPage, {kPageFault, kByUser, kNowhere + 3 * kPage});
     }},
    {"unmap-holes", "kernel:src/syscall/fs.rs funmap",
     [] {
         EXPECT(funmap(kNowhere, 16 * kPage), 0);
         const uint64_t pages = OK(anon(3 * kPage, kRw));
         EXPECT(funmap(pages + kPage, kPage), 0);
         EXPECT(funmap(pages, 3 * kPage), 0);
     }},
    {"unmap-wrong-ranges", "kernel:src/syscall/fs.rs funmap",
     [] {
         const uint64_t page = OK(anon(kPage, kR));
         EXPECT(funmap(page, 0), kEINVAL);
         EXPECT(funmap(page + 1, kPage), kEINVAL);
         EXPECT(funmap(kUserEnd - kPage, 2 * kPage), kEINVAL);
         EXPECT(funmap(page, kAll), kEINVAL);
         EXPECT(funmap(0xffff'8000'0000'0000, kPage), kEINVAL);
     }},
};

constexpr Probe kProtectProbes[] = {
    {"no-right-is-readable", "kernel:src/context/memory.rs page_flags",
     [] {
         const uint64_t page = OK(anon(kPage, 0));
         expect_no_fault("a read", read_at, page);
         expect_fault("a write", write_at, page, {kPageFault, kPresent | kWriting | kByUser, page});
         expect_fault("a fetch", run_at, page, {kPageFault, kPresent | kByUser | kFetching, page});
     }},
    {"read-only", "kernel:src/memory/mod.rs page_fault_handler",
     [] {
         const uint64_t page = OK(anon(kPage, kR));
         expect_no_fault("a read", read_at, page);
         expect_fault("a write", write_at, page, {kPageFault, kPresent | kWriting | kByUser, page});
     }},
    {"write-only-is-readable", "kernel:src/context/memory.rs page_flags",
     [] { expect_no_fault("a read", read_at, OK(anon(kPage, kW))); }},
    {"unmapped", "kernel:src/memory/mod.rs page_fault_handler",
     [] {
         expect_fault("a read", read_at, kNowhere, {kPageFault, kByUser, kNowhere});
         expect_fault("a write", write_at, kNowhere, {kPageFault, kWriting | kByUser, kNowhere});
         expect_fault("a fetch", run_at, kNowhere, {kPageFault, kByUser | kFetching, kNowhere});
     }},
    {"the-kernel-s-half", "kernel:src/memory/mod.rs page_fault_handler",
     [] {
         constexpr uint64_t kKernel = 0xffff'ffff'8000'0000;
         expect_fault("a read", read_at, kKernel, {kPageFault, kPresent | kByUser, kKernel});
     }},
    {"not-canonical", "kernel:src/arch/x86_shared/interrupt/exception.rs protection",
     [] { expect_fault("a read", read_at, kUserEnd, {kGeneralProtection}); }},
    {"execute", "kernel:src/syscall/fs.rs mprotect",
     [] {
         const uint64_t page = code_page(kR | kX);
         expect_no_fault("a call", run_at, page);
         expect_fault("a write", write_at, page, {kPageFault, kPresent | kWriting | kByUser, page});
     }},
    {"not-executable", "kernel:src/syscall/fs.rs mprotect",
     [] {
         const uint64_t page = code_page(kRw);
         expect_fault("a call", run_at, page, {kPageFault, kPresent | kByUser | kFetching, page});
     }},
    {"write-and-execute", "kernel:src/context/memory.rs AddrSpace::mprotect",
     [] {
         const uint64_t page = code_page(kRw | kX);
         expect_no_fault("a call", run_at, page);
         expect_no_fault("a write", write_at, page + 64);
     }},
    {"taking-execute-away-is-late", "kernel:src/context/memory.rs AddrSpace::mprotect",
     [] {
         const uint64_t page = code_page(kR | kX);
         EXPECT(mprotect(page, kPage, kRw), 0);
         const Context caller = Context::started(run_at, page);
         EXPECT_DEVIATION(static_cast<uint64_t>(caller.wait_for_end()), static_cast<uint64_t>(Status::kDead),
                          static_cast<uint64_t>(Status::kUnhandledExcp));
     },
     Deviation::kHost},
    {"private-may-gain", "kernel:src/context/memory.rs Provider",
     [] {
         const uint64_t page = OK(anon(kPage, kR));
         EXPECT(mprotect(page, kPage, kRw), 0);
         store(page, 9);
         EXPECT(mprotect(page, kPage, kR), 0);
         EXPECT(mprotect(page, kPage, kRw | kX), 0);
         EXPECT(load(page), 9);
     }},
    {"shared-cannot-regain", "kernel:src/context/memory.rs Grant::can_have_flags",
     [] {
         const uint64_t pages = OK(anon(3 * kPage, kRw | kShared));
         EXPECT(mprotect(pages, kPage, kR), 0);
         EXPECT(mprotect(pages, kPage, kRw), kEACCES);
         EXPECT(mprotect(pages, 3 * kPage, kRw | kX), kEACCES);
         EXPECT(mprotect(pages + kPage, kPage, kRw), 0);
         EXPECT(mprotect(pages + kPage, kPage, kR | kX), kEACCES);
     }},
    {"holes", "kernel:src/context/memory.rs AddrSpace::mprotect",
     [] {
         EXPECT(mprotect(kNowhere, 16 * kPage, kR), 0);
         const uint64_t pages = OK(anon(3 * kPage, kRw));
         EXPECT(funmap(pages + kPage, kPage), 0);
         EXPECT(mprotect(pages, 3 * kPage, kR), 0);
         expect_fault("a write behind the hole", write_at, pages + 2 * kPage,
                      {kPageFault, kWriting | kByUser | kPresent, pages + 2 * kPage});
     }},
    {"ranges", "kernel:src/syscall/fs.rs mprotect",
     [] {
         EXPECT(mprotect(kNowhere, kPage + 1, kR), kEINVAL);
         EXPECT(mprotect(kNowhere + 1, kPage, kR), kEINVAL);
         EXPECT(mprotect(kNowhere, 0, kR), kEINVAL);
         EXPECT(mprotect(kUserEnd - kPage, 2 * kPage, kR), kEINVAL);
     }},
    {"unknown-flags-dropped", "kernel:src/syscall/mod.rs syscall",
     [] { EXPECT(mprotect(kNowhere, kPage, kAll), 0); }},
    {"calls-heed-rights", "kernel:src/syscall/usercopy.rs UserSlice",
     [] {
         const PipeEnds pipe = open_pipe();
         const uint64_t unreadable = OK(anon(kPage, 0));
         const uint64_t read_only = OK(anon(kPage, kR));
         EXPECT(write(pipe.writer, unreadable, 5), 5);
         EXPECT(read(pipe.reader, read_only, 5), kEFAULT);
         EXPECT(read(pipe.reader, unreadable, 5), kEFAULT);
     }},
    {"calls-provide-pages", "kernel:src/syscall/usercopy.rs UserSlice",
     [] {
         const PipeEnds pipe = open_pipe();
         const uint64_t untouched = OK(anon(0x1000'0000, kRw));
         EXPECT(write(pipe.writer, untouched + 0x800'0000, 5), 5);
         EXPECT(read(pipe.reader, untouched + 0x900'0000, 5), 5);
     }},
};

}  // namespace

Area map_area() {
    return {"fmap", "mapping fresh memory, and unmapping it", kMapProbes};
}

Area protect_area() {
    return {"mprotect", "rights, and faults where they are missing", kProtectProbes};
}

}  // namespace halfcell::userland::conform
