// Address spaces by descriptor: what is in them, changes from outside, windows into them, copies.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;
using Op = abi::AddrspaceOp;
using Grants = abi::GrantFlags;

// A new space with nothing in it; it belongs to no context.
uint64_t empty_space() {
    return OK(dup(OK(dup(own_thread(), "addrspace")), "empty"));
}

template <typename... Words>
uint64_t operate(uint64_t space, Words... words) {
    const std::array<uint64_t, sizeof...(Words)> image{as_word(words)...};
    return write(space, image.data(), sizeof image);
}
uint64_t map_into(uint64_t space, uint64_t size, uint64_t flags, uint64_t address = 0) {
    return operate(space, Op::kMmap, kAll, 0, address, size, flags);
}

struct List {
    std::array<abi::GrantDesc, 16> grants;
    uint64_t count;
};
List list(uint64_t space) {
    List found{};
    EXPECT(lseek(space, 0, 0), 0);
    found.count = OK(read(space, &found.grants, sizeof found.grants)) / sizeof(abi::GrantDesc);
    return found;
}

void expect_grant(const List& found, std::size_t index, uint64_t base, uint64_t size, uint64_t flags) {
    EXPECT_TRUE(index < found.count);
    EXPECT(found.grants[index].base, base);
    EXPECT(found.grants[index].size, size);
    EXPECT(found.grants[index].flags, flags);
}

constexpr Probe kProbes[] = {
    {"placement", "kernel:src/context/memory.rs UserGrants::find_free_near",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, kPage, kRw), 0x1000);
         EXPECT(map_into(space, kPage, kR), 0x2000);
         EXPECT(operate(space, Op::kMunmap, 0x1000, kPage), 24);
         EXPECT(map_into(space, 2 * kPage, kRw), 0x3000);
         EXPECT(map_into(space, kPage, kRw), 0x1000);
     }},
    {"fixed-at-zero", "kernel:src/context/memory.rs AddrSpace::mmap",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, kPage, kRw | kFixed, 0), 0);
         EXPECT(map_into(space, kPage, kRw | kFixedNoreplace, 0), kEEXIST);
     }},
    {"short-and-unknown-writes", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t space = empty_space();
         EXPECT(write(space, "", 0), kEINVAL);
         EXPECT(operate(space, Op::kMmap, kAll, 0, 0, kPage), kEINVAL);
         EXPECT(operate(space, Op::kMunmap, 0x1000), kEINVAL);
         EXPECT(operate(space, Op::kMprotect, 0x1000, kPage), kEINVAL);
         EXPECT(operate(space, 4, 0, 0, 0, 0, 0), kEINVAL);
     }},
    {"unknown-flags", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] { EXPECT(map_into(empty_space(), kPage, kRw | 0x20), kEINVAL); }},
    {"ranges", "kernel:src/syscall/usercopy.rs validate_region",
     [] {
         const uint64_t space = empty_space();
         EXPECT(operate(space, Op::kMunmap, 0x1001, kPage), kEINVAL);
         EXPECT(operate(space, Op::kMunmap, 0x1000, 1), kEINVAL);
         EXPECT(operate(space, Op::kMunmap, 0x1000, 0), kEINVAL);
         EXPECT(operate(space, Op::kMunmap, kUserEnd - kPage, 2 * kPage), kEFAULT);
         EXPECT(operate(space, Op::kMprotect, 0x1000, kPage, 0x20), kEINVAL);
         EXPECT(map_into(space, 0, kRw), kEINVAL);
         EXPECT(map_into(space, kPage, kRw | kFixed, kUserEnd), kEFAULT);
     }},
    {"results", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t space = empty_space();
         EXPECT(operate(space, Op::kMunmap, 0x1000, kPage), 24);
         EXPECT(operate(space, Op::kMprotect, 0x1000, kPage, kR), 32);
     }},
    {"offset-moves-by-addresses", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, kPage, kRw), 0x1000);
         EXPECT(lseek(space, 0, 1), 0x1000);
         abi::GrantDesc grant{};
         EXPECT(read(space, &grant, sizeof grant), 0);
     }},
    {"grants-merge", "kernel:src/context/memory.rs UserGrants::insert",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, kPage, kRw), 0x1000);
         EXPECT(map_into(space, 2 * kPage, kRw), 0x2000);
         EXPECT(map_into(space, kPage, kR), 0x4000);
         EXPECT(map_into(space, kPage, 0), 0x5000);
         EXPECT(map_into(space, kPage, kRw | kShared), 0x6000);
         EXPECT(map_into(space, kPage, kRw | kShared), 0x7000);
         const List found = list(space);
         EXPECT(found.count, 4);
         expect_grant(found, 0, 0x1000, 3 * kPage, Grants::kGrantRead | Grants::kGrantWrite);
         expect_grant(found, 1, 0x4000, 2 * kPage, Grants::kGrantRead);
         expect_grant(found, 2, 0x6000, kPage,
                      Grants::kGrantRead | Grants::kGrantWrite | Grants::kGrantShared);
         EXPECT(found.grants[0].offset, kAll);
     }},
    {"protecting-splits", "kernel:src/context/memory.rs AddrSpace::mprotect",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, 3 * kPage, kRw), 0x1000);
         EXPECT(operate(space, Op::kMprotect, 0x2000, kPage, kR | kX), 32);
         const List found = list(space);
         EXPECT(found.count, 3);
         expect_grant(found, 1, 0x2000, kPage, Grants::kGrantRead | Grants::kGrantExec);
         EXPECT(operate(space, Op::kMunmap, 0x2000, kPage), 24);
         EXPECT(list(space).count, 2);
     }},
    {"short-reads", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, kPage, kRw), 0x1000);
         EXPECT(map_into(space, kPage, kR), 0x2000);
         EXPECT(lseek(space, 0, 0), 0);
         std::array<abi::GrantDesc, 2> grants{};
         EXPECT(read(space, &grants, sizeof grants[0]), 64);
         EXPECT(grants[0].base, 0x1000);
         EXPECT(grants[1].base, 0);
         EXPECT(lseek(space, 0, 1), 64);
         EXPECT(read(space, &grants, sizeof grants), 0);
     }},
    {"sixteen-a-read", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const uint64_t space = empty_space();
         for (int i = 0; i < 20; ++i)
             OK(map_into(space, kPage, kRw | kShared));
         EXPECT(lseek(space, 0, 0), 0);
         std::array<abi::GrantDesc, 32> grants{};
         EXPECT(read(space, &grants, sizeof grants), 512);
         EXPECT(read(space, &grants, sizeof grants), 128);
         EXPECT(grants[0].base, 0x11000);
         EXPECT(read(space, &grants, sizeof grants), 0);
     }},
    {"map-from-outside", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t own = OK(dup(own_thread(), "addrspace"));
         const uint64_t page = OK(map_into(own, kPage, kRw));
         store(page, 5);
         EXPECT(operate(own, Op::kMunmap, page, kPage), 24);
         EXPECT(anon(kPage, kR | kFixedNoreplace, page), page);
     }},
    {"window", "kernel:src/context/memory.rs Grant::borrow_grant",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, 2 * kPage, kR), 0x1000);
         const uint64_t window = OK(fmap(space, 0x1000, 2 * kPage, kRw));
         EXPECT(load(window), 0);
         store(window, 9);
         EXPECT(load(OK(fmap(space, 0x1000, kPage, kR))), 9);
         EXPECT(operate(space, Op::kMunmap, 0x1000, 2 * kPage), 24);
         EXPECT(load(window), 9);
     }},
    {"window-into-own-space", "kernel:src/scheme/proc.rs KernelScheme::kfmap",
     [] {
         const uint64_t own = OK(dup(own_thread(), "addrspace"));
         const uint64_t page = OK(anon(kPage, kRw));
         EXPECT(fmap(own, page, kPage, kRw), kEBUSY);
     }},
    {"window-on-a-hole", "kernel:src/context/memory.rs Grant::borrow_grant",
     [] {
         const uint64_t space = empty_space();
         EXPECT(fmap(space, 0x1000, kPage, kR), kEINVAL);
         EXPECT(map_into(space, kPage, kRw), 0x1000);
         EXPECT(fmap(space, 0x1000, 2 * kPage, kR), kEINVAL);
         EXPECT(fmap(space, 0x1001, kPage, kR), kEINVAL);
     }},
    {"window-gains-no-right-on-shared", "kernel:src/context/memory.rs Grant::can_have_flags",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, kPage, kR | kShared), 0x1000);
         EXPECT(fmap(space, 0x1000, kPage, kRw), kEPERM);
     }},
    {"window-is-listed-as-shared", "kernel:src/context/memory.rs GrantInfo::grant_flags",
     [] {
         const uint64_t space = empty_space();
         const uint64_t other = empty_space();
         EXPECT(map_into(space, kPage, kRw), 0x1000);
         EXPECT(operate(other, Op::kMmap, space, 0x1000, 0, kPage, kR), 0x1000);
         expect_grant(list(other), 0, 0x1000, kPage, Grants::kGrantRead | Grants::kGrantShared);
     }},
    {"transfer", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t from = empty_space();
         const uint64_t to = empty_space();
         EXPECT(map_into(from, kPage, kRw), 0x1000);
         store(OK(fmap(from, 0x1000, kPage, kRw)), 31);
         EXPECT(operate(to, Op::kTransfer, from, 0x1000, 0x8000, kPage, kRw | kFixedNoreplace), 0x8000);
         EXPECT(list(from).count, 0);
         EXPECT(load(OK(fmap(to, 0x8000, kPage, kR))), 31);
     }},
    {"transfer-to-the-same-numbers", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t from = empty_space();
         EXPECT(map_into(from, kPage, kRw), 0x1000);
         EXPECT(operate(empty_space(), Op::kTransfer, from, 0x1000, 0x1000, kPage, kRw | kFixed), kEBUSY);
     }},
    {"transfer-of-fresh-memory", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] { EXPECT(operate(empty_space(), Op::kTransfer, kAll, 0, 0, kPage, kRw), kEOPNOTSUPP); }},
    {"map-of-a-closed-descriptor", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] { EXPECT(operate(empty_space(), Op::kMmap, kClosed, 0, 0, kPage, kRw), kEBADF); }},
    {"copy-is-private", "kernel:src/context/memory.rs AddrSpace::try_clone",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         store(page, 1);
         const uint64_t copy = OK(dup(OK(dup(own_thread(), "addrspace")), "exclusive"));
         store(page, 2);
         const uint64_t window = OK(fmap(copy, page, kPage, kRw));
         EXPECT(load(window), 1);
         store(window, 3);
         EXPECT(load(page), 2);
     }},
    {"copy-shares-shared-memory", "kernel:src/context/memory.rs AddrSpace::try_clone",
     [] {
         const uint64_t page = OK(anon(2 * kPage, kRw | kShared));
         store(page, 1);
         const uint64_t copy = OK(dup(OK(dup(own_thread(), "addrspace")), "exclusive"));
         store(page, 2);
         store(page + kPage, 4);
         const uint64_t window = OK(fmap(copy, page, 2 * kPage, kRw));
         EXPECT(load(window), 2);
         EXPECT(load(window + kPage), 4);
     }},
    {"copy-separates-aliases", "kernel:src/context/memory.rs AddrSpace::try_clone",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         store(page, 1);
         const uint64_t alias = OK(mremap(page, kPage, 0, kPage, kRw | abi::MremapFlags::kKeepOld));
         const uint64_t copy = OK(dup(OK(dup(own_thread(), "addrspace")), "exclusive"));
         store(OK(fmap(copy, page, kPage, kRw)), 7);
         EXPECT(load(OK(fmap(copy, alias, kPage, kR))), 1);
         EXPECT(load(alias), 1);
     }},
    {"copy-drops-contiguous-memory", "kernel:src/context/memory.rs AddrSpace::try_clone",
     [] {
         const uint64_t memory = OK(open_kernel(abi::GlobalSchemes::kMemory, "zeroed@?phys_contiguous"));
         const uint64_t page = OK(fmap(memory, 0, kPage, kRw));
         const uint64_t copy = OK(dup(OK(dup(own_thread(), "addrspace")), "exclusive"));
         EXPECT(fmap(copy, page, kPage, kR), kEINVAL);
     }},
    {"copy-forgets-the-lowest-address", "kernel:src/context/memory.rs AddrSpace::try_clone",
     [] {
         const uint64_t space = empty_space();
         const uint64_t lowest = OK(dup(space, "mmap-min-addr"));
         uint64_t value = 0x40000;
         EXPECT(write(lowest, &value, 8), 8);
         EXPECT(map_into(space, kPage, kRw), 0x40000);
         EXPECT(map_into(OK(dup(space, "exclusive")), kPage, kRw), 0x1000);
     }},
    {"lowest-address", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t space = empty_space();
         const uint64_t lowest = OK(dup(space, "mmap-min-addr"));
         uint64_t value = 0;
         EXPECT(read2(lowest, &value, 8, 0, kAll), 8);
         EXPECT(value, kPage);
         EXPECT(read2(lowest, &value, 7, 0, kAll), kEINVAL);
         for (const uint64_t wrong : {uint64_t{0x1001}, kUserEnd + kPage})
             EXPECT(write(lowest, &wrong, 8), kEINVAL);
         value = kUserEnd;
         EXPECT(write(lowest, &value, 8), 8);
         EXPECT(map_into(space, kPage, kRw), kENOMEM);
         EXPECT(map_into(space, kPage, kRw | kFixed, 0x5000), 0x5000);
     }},
    {"file-of-a-grant", "kernel:src/scheme/proc.rs KernelScheme::kdup",
     [] {
         const uint64_t space = empty_space();
         EXPECT(map_into(space, kPage, kRw), 0x1000);
         EXPECT(dup(space, "grant-fd-1000"), kEBADF);
         EXPECT(dup(space, "grant-fd-5000"), kEINVAL);
         EXPECT(dup(space, "grant-fd-1001"), kEINVAL);
         EXPECT(dup(space, "grant-fd-xyz"), kEINVAL);
     }},
    {"other-names", "kernel:src/scheme/proc.rs KernelScheme::kdup",
     [] { EXPECT(dup(empty_space(), "bogus"), kEINVAL); }},
};

}  // namespace

Area space_area() {
    return {"addrspace", "address spaces by descriptor: lists, changes, windows, copies", kProbes};
}

}  // namespace halfcell::userland::conform
