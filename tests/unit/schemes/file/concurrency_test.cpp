// Many guest threads in one tree: nothing is lost, no lock is taken out of order.

#include <atomic>
#include <thread>

#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

TEST_CASE_TEMPLATE("appends from many threads are all there", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f");
    constexpr int kThreads = 4;
    constexpr int kWrites = 200;
    constexpr std::string_view kRecord = "0123456789abcde\n";
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            const auto number = guest.open("f", OpenFlags::kWronly | OpenFlags::kAppend);
            for (int j = 0; number && j < kWrites; ++j) {
                const auto count = guest.write(*number, kRecord, 0, OpenFlags::kAppend);
                if (!count || *count != kRecord.size()) ++failures;
            }
            if (!number || !guest.scheme->close(*number)) ++failures;
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(failures == 0);
    const auto text = guest.read(guest.open("f", OpenFlags::kRdonly).value(), 1 << 16).value();
    REQUIRE(text.size() == kThreads * kWrites * kRecord.size());
    for (std::size_t at = 0; at < text.size(); at += kRecord.size())
        REQUIRE(text.compare(at, kRecord.size(), kRecord) == 0);
}

TEST_CASE_TEMPLATE("threads that make, move, list and remove the same names", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("a");
    guest.make_directory("b");
    constexpr int kThreads = 4;
    constexpr int kRounds = 150;
    std::atomic<int> renamed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round < kRounds; ++round) {
                const std::string from = (round + i) % 2 == 0 ? "a/x" : "b/x";
                const std::string to = (round + i) % 2 == 0 ? "b/x" : "a/x";
                if (const auto number = guest.open(from, OpenFlags::kRdwr | OpenFlags::kCreat | 0644)) {
                    (void)guest.write(*number, "text", static_cast<std::uint64_t>(round));
                    if (guest.scheme->frename(guest.caller, *number, to)) ++renamed;
                    (void)guest.scheme->close(*number);
                }
                if (const auto directory = guest.open("a", OpenFlags::kRdonly | OpenFlags::kDirectory)) {
                    std::array<std::byte, 256> buffer{};
                    (void)guest.scheme->getdents(guest.caller, *directory, mem::UserOut::local(buffer), 19,
                                                 0);
                    (void)guest.scheme->close(*directory);
                }
                (void)guest.scheme->unlinkat(guest.caller, guest.root, to, 0);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(renamed > 0);
    for (const char* directory : {"a", "b"})
        for (const auto& [name, kind_of_entry] : guest.list(directory))
            CHECK(name == "x");
}
