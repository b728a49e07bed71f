// Moving and aliasing mappings: mremap.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

using Remap = abi::MremapFlags;

constexpr Probe kProbes[] = {
    {"alignment", "kernel:src/syscall/fs.rs mremap",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         EXPECT(mremap(page + 1, kPage, 0, kPage, kRw), kEINVAL);
         EXPECT(mremap(page, kPage + 1, 0, kPage, kRw), kEINVAL);
         EXPECT(mremap(page, kPage, 1, kPage, kRw), kEINVAL);
         EXPECT(mremap(page, kPage, 0, kPage + 1, kRw), kEINVAL);
     }},
    {"empty", "kernel:src/syscall/fs.rs mremap",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         EXPECT(mremap(page, 0, 0, kPage, kRw), kEINVAL);
         EXPECT(mremap(page, kPage, 0, 0, kRw), kEINVAL);
     }},
    {"always-moves", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         store(page, 42);
         const uint64_t moved = OK(mremap(page, kPage, 0, kPage, kRw));
         EXPECT_TRUE(moved != page);
         EXPECT(load(moved), 42);
         EXPECT(anon(kPage, kR | kFixedNoreplace, page), page);
     }},
    {"grows-with-zeros", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         store(page, 42);
         const uint64_t moved = OK(mremap(page, kPage, 0, 3 * kPage, kRw));
         EXPECT(load(moved), 42);
         EXPECT(load(moved + 2 * kPage), 0);
         store(moved + 2 * kPage, 1);
     }},
    {"shrinks", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t pages = OK(anon(3 * kPage, kRw));
         store(pages, 1);
         const uint64_t moved = OK(mremap(pages, 3 * kPage, 0, kPage, kRw));
         EXPECT(load(moved), 1);
         EXPECT(anon(3 * kPage, kR | kFixedNoreplace, pages), pages);
     }},
    {"fixed", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         const uint64_t taken = OK(anon(kPage, kR));
         store(page, 5);
         EXPECT(mremap(page, kPage, taken, kPage, kRw | Remap::kFixed), kEEXIST);
         EXPECT(mremap(page, kPage, kNowhere, kPage, kRw | Remap::kFixed), kNowhere);
         EXPECT(load(kNowhere), 5);
     }},
    {"fixed-replace", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         const uint64_t taken = OK(anon(kPage, kR));
         store(page, 5);
         EXPECT(mremap(page, kPage, taken, kPage, kRw | Remap::kFixedReplace), taken);
         EXPECT(load(taken), 5);
     }},
    {"onto-itself", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t pages = OK(anon(2 * kPage, kRw));
         EXPECT(mremap(pages, 2 * kPage, pages + kPage, 2 * kPage, kRw | Remap::kFixedReplace), kEBUSY);
     }},
    {"of-nothing-gives-zeros", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t moved = OK(mremap(kNowhere, 2 * kPage, 0, 2 * kPage, kRw));
         EXPECT(load(moved + kPage), 0);
     }},
    {"shared-gains-no-right", "kernel:src/context/memory.rs Grant::can_have_flags",
     [] {
         const uint64_t page = OK(anon(kPage, kR | kShared));
         EXPECT(mremap(page, kPage, 0, kPage, kRw), kEPERM);
     }},
    {"beyond-the-end", "kernel:src/syscall/fs.rs mremap",
     [] {
         beware("keeps a mapping that nobody can remove");
         const uint64_t page = OK(anon(kPage, kRw));
         EXPECT_DEVIATION(mremap(page, kPage, kUserEnd, kPage, kRw | Remap::kFixed), kUserEnd, kEINVAL);
     },
     Deviation::kSafer},
    {"untouched-read-only-page", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         beware("lets the program write into the zero page of everybody");
         const uint64_t page = OK(anon(kPage, kR));
         const uint64_t moved = OK(mremap(page, kPage, 0, kPage, kRw));
         store(moved, 77);
         EXPECT_DEVIATION(load(OK(anon(kPage, kR))), 77, 0);
     },
     Deviation::kSafer},
    {"alias", "kernel:src/context/memory.rs AddrSpace::r#move",
     [] {
         const uint64_t page = OK(anon(kPage, kRw));
         store(page, 1);
         const uint64_t alias = OK(mremap(page, kPage, 0, kPage, kRw | Remap::kKeepOld));
         EXPECT(load(alias), 1);
         store(alias, 2);
         EXPECT(load(page), 2);
         store(page, 3);
         EXPECT(load(alias), 3);
     }},
    {"alias-of-two-pages", "kernel:src/syscall/fs.rs mremap",
     [] {
         const uint64_t pages = OK(anon(2 * kPage, kRw));
         EXPECT(mremap(pages, 2 * kPage, 0, 2 * kPage, kRw | Remap::kKeepOld), kEOPNOTSUPP);
     }},
    {"alias-of-what", "kernel:src/syscall/fs.rs mremap",
     [] {
         EXPECT(mremap(kNowhere, kPage, 0, kPage, kRw | Remap::kKeepOld), kEINVAL);
         const uint64_t shared = OK(anon(kPage, kRw | kShared));
         EXPECT(mremap(shared, kPage, 0, kPage, kRw | Remap::kKeepOld), kEPERM);
         const uint64_t read_only = OK(anon(kPage, kR));
         EXPECT(mremap(read_only, kPage, 0, kPage, kR | Remap::kKeepOld), kENOMEM);
         const uint64_t page = OK(anon(kPage, kRw));
         EXPECT(mremap(page, kPage, shared, kPage, kRw | Remap::kKeepOld | Remap::kFixed), kEEXIST);
     }},
    {"unknown-flags-dropped", "kernel:src/syscall/mod.rs syscall",
     [] { OK(mremap(OK(anon(kPage, kRw)), kPage, 0, kPage, kRw | 0x100)); }},
};

}  // namespace

Area remap_area() {
    return {"mremap", "moving mappings, and aliases of pages", kProbes};
}

}  // namespace halfcell::userland::conform
