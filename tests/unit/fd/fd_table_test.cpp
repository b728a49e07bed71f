#include "kernel_shim/fd/fd_table.h"

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/fake_scheme.h"

using namespace halfcell;
using fd::Descriptor;
using fd::FdTable;

namespace {

constexpr std::uint64_t kTag = abi::kUpperFdtblTag;

struct Fixture : test::RegisteredScheme<> {
    FdTable table;

    Result<FdNumber> add(std::uint64_t number = 1) { return table.add({open(number), false}); }
    Result<FdNumber> add_from(std::uint64_t minimum) {
        return table.add_from(FdNumber{minimum}, {open(1), false});
    }
    Result<void> insert(std::uint64_t fd) { return table.insert(FdNumber{fd}, {open(1), false}); }
    // Fills the lower half up to `count` descriptors with references to one description.
    void fill(std::uint64_t count) {
        const auto description = open(1);
        while (table.count() < count)
            REQUIRE(table.add({description, false}));
    }
};

template <typename T>
Errno error_of(const Result<T>& result) {
    REQUIRE_FALSE(result);
    return result.error();
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "add takes the lowest free lower slot") {
    CHECK(add()->value() == 0);
    CHECK(add()->value() == 1);
    CHECK(add()->value() == 2);
    REQUIRE(table.remove(FdNumber{1}));
    REQUIRE(table.remove(FdNumber{0}));
    CHECK(add()->value() == 0);
    CHECK(add()->value() == 1);
    CHECK(add()->value() == 3);
}

TEST_CASE_FIXTURE(Fixture, "numbers that name nothing are EBADF") {
    for (const std::uint64_t fd :
         {std::uint64_t{0}, kTag, kTag | 12, UINT64_MAX, std::uint64_t{1} << 63, std::uint64_t{65536}}) {
        CAPTURE(fd);
        CHECK(error_of(table.find(FdNumber{fd})) == Errno::kEBADF);
        CHECK(error_of(table.find_descriptor(FdNumber{fd})) == Errno::kEBADF);
        CHECK(error_of(table.remove(FdNumber{fd})) == Errno::kEBADF);
        CHECK(error_of(table.set_cloexec(FdNumber{fd}, true)) == Errno::kEBADF);
    }
}

TEST_CASE_FIXTURE(Fixture, "insert goes where it is told or says EMFILE") {
    CHECK(insert(40));
    CHECK(error_of(insert(40)) == Errno::kEMFILE);
    CHECK(error_of(insert(70000)) == Errno::kEMFILE);
    CHECK(error_of(insert(65536)) == Errno::kEMFILE);
    CHECK(insert(65535));
    CHECK(insert(kTag | 20));
    CHECK(table.numbers() == std::vector<std::uint64_t>{40, 65535, kTag | 20});
    CHECK(add()->value() == 0);
}

// The numbers the real kernel gave (recording p1, "fcntl").
TEST_CASE_FIXTURE(Fixture, "add_from answers as F_DUPFD was recorded") {
    CHECK(add_from(100)->value() == 100);
    CHECK(add_from(100)->value() == 101);
    CHECK(add_from(65535)->value() == 65535);
    CHECK(add_from(65535)->value() == 65536);
    CHECK(add_from(65536)->value() == 0x10001);
    CHECK(add_from(kTag)->value() == kTag);
    CHECK(add_from(kTag | 300)->value() == (kTag | 300));
    CHECK(error_of(add_from(std::uint64_t{1} << 63)) == Errno::kEMFILE);
}

TEST_CASE_FIXTURE(Fixture, "a minimum past the limit needs a table that reaches it") {
    CHECK(error_of(add_from(65536)) == Errno::kEMFILE);
    CHECK(error_of(add_from(UINT64_MAX)) == Errno::kEMFILE);
    CHECK(table.count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "appending and closing for ever does not grow a table for ever") {
    REQUIRE(insert(65535));
    std::uint64_t next = 65536;
    for (;;) {
        const auto added = add_from(next);
        if (!added) {
            CHECK(added.error() == Errno::kEMFILE);
            break;
        }
        REQUIRE(table.remove(*added));
        REQUIRE(++next <= fd::kMaxIndex);
    }
    CHECK(next == fd::kMaxIndex);
}

TEST_CASE_FIXTURE(Fixture, "both halves together hold at most 65536 descriptors") {
    REQUIRE(insert(kTag | 5));
    fill(fd::kMaxDescriptors);
    CHECK(error_of(add()) == Errno::kEMFILE);
    CHECK(error_of(add_from(0)) == Errno::kEMFILE);
    CHECK(error_of(insert(kTag | 6)) == Errno::kEMFILE);
    std::vector<Descriptor> one;
    one.push_back({open(7), false});
    CHECK(error_of(table.add_all_lower(one)) == Errno::kEMFILE);
    CHECK(error_of(table.add_all_upper(one)) == Errno::kEMFILE);
    const std::uint64_t nine = 9;
    CHECK(error_of(table.insert_all_upper({&nine, 1}, one)) == Errno::kEMFILE);
    CHECK(one[0].description);
    REQUIRE(table.remove(FdNumber{kTag | 5}));
    CHECK(add()->value() == 65535);
}

TEST_CASE_FIXTURE(Fixture, "a descriptor that found no place is closed after the lock is free") {
    fill(fd::kMaxDescriptors);
    CHECK_FALSE(add(77));
    CHECK(scheme->closed() == std::vector<std::uint64_t>{77});
}

TEST_CASE_FIXTURE(Fixture, "cloexec belongs to the slot") {
    const auto description = open(1);
    REQUIRE(table.add({description, true}));
    REQUIRE(table.add({description, false}));
    CHECK(table.find_descriptor(FdNumber{0})->cloexec);
    CHECK_FALSE(table.find_descriptor(FdNumber{1})->cloexec);
    REQUIRE(table.set_cloexec(FdNumber{1}, true));
    REQUIRE(table.set_cloexec(FdNumber{0}, false));
    CHECK_FALSE(table.find_descriptor(FdNumber{0})->cloexec);
    CHECK(table.find_descriptor(FdNumber{1})->cloexec);
}

TEST_CASE_FIXTURE(Fixture, "removing several is all or none, and the first bad number decides") {
    for (int i = 0; i < 4; ++i)
        REQUIRE(add(10 + i));
    const auto remove = [&](std::vector<std::uint64_t> fds) { return table.remove_all(fds); };
    CHECK(error_of(remove({0, 0})) == Errno::kEBADF);
    CHECK(error_of(remove({0, 9999})) == Errno::kEBADF);
    CHECK(error_of(remove({0, 65536})) == Errno::kEMFILE);
    CHECK(error_of(remove({9999, 65536})) == Errno::kEBADF);
    CHECK(error_of(remove({kTag | 65536})) == Errno::kEMFILE);
    CHECK(error_of(remove({std::uint64_t{1} << 63})) == Errno::kEMFILE);
    CHECK(error_of(remove({0, kTag})) == Errno::kEBADF);
    CHECK(table.count() == 4);
    const auto removed = remove({2, 0});
    REQUIRE(removed);
    CHECK((*removed)[0].description->number().value() == 12);
    CHECK((*removed)[1].description->number().value() == 10);
    CHECK(table.numbers() == std::vector<std::uint64_t>{1, 3});
    CHECK(remove({})->empty());
}

TEST_CASE_FIXTURE(Fixture, "finding several leaves them where they are") {
    REQUIRE(add(10));
    REQUIRE(add(11));
    const std::vector<std::uint64_t> both{1, 0};
    const auto found = table.find_all(both);
    REQUIRE(found);
    CHECK((*found)[0]->number().value() == 11);
    CHECK(table.count() == 2);
}

TEST_CASE_FIXTURE(Fixture, "upper runs are contiguous, the last one may be extended") {
    REQUIRE(insert(kTag | 1));
    REQUIRE(insert(kTag | 4));
    const auto place = [&](std::size_t count) {
        std::vector<Descriptor> descriptors;
        for (std::size_t i = 0; i < count; ++i)
            descriptors.push_back({open(i), false});
        return table.add_all_upper(descriptors)->front().value();
    };
    CHECK(place(2) == (kTag | 2));
    CHECK(place(2) == (kTag | 5));
    CHECK(place(1) == kTag);
    REQUIRE(table.remove(FdNumber{kTag | 6}));
    CHECK(place(3) == (kTag | 6));
}

TEST_CASE_FIXTURE(Fixture, "named upper slots are checked word by word") {
    REQUIRE(insert(kTag | 9));
    const auto place = [&](std::vector<std::uint64_t> fds) {
        std::vector<Descriptor> descriptors;
        for (std::size_t i = 0; i < fds.size(); ++i)
            descriptors.push_back({open(i), false});
        return table.insert_all_upper(fds, descriptors);
    };
    CHECK(error_of(place({9, 9})) == Errno::kEEXIST);
    CHECK(error_of(place({30, 30})) == Errno::kEINVAL);
    CHECK(error_of(place({30, kTag | 30})) == Errno::kEINVAL);
    CHECK(error_of(place({30, 65536})) == Errno::kEMFILE);
    CHECK(error_of(place({30, 9})) == Errno::kEEXIST);
    CHECK(table.count() == 1);
    CHECK(place({30, kTag | 2}));
    CHECK(table.numbers() == std::vector<std::uint64_t>{kTag | 2, kTag | 9, kTag | 30});
}

TEST_CASE_FIXTURE(Fixture, "a clone has the same numbers and shares the descriptions") {
    REQUIRE(add(1));
    REQUIRE(add(2));
    REQUIRE(insert(kTag | 3));
    REQUIRE(table.set_cloexec(FdNumber{1}, true));
    REQUIRE(table.remove(FdNumber{0}));
    const auto copy = table.clone();
    CHECK(copy->numbers() == table.numbers());
    CHECK(copy->find_descriptor(FdNumber{1})->cloexec);
    CHECK(*copy->find(FdNumber{1}) == *table.find(FdNumber{1}));
    REQUIRE(copy->remove(FdNumber{1}));
    CHECK(table.find(FdNumber{1}));
    CHECK(copy->add({open(5), false})->value() == 0);
}

TEST_CASE_FIXTURE(Fixture, "take_all empties the table in enumeration order") {
    REQUIRE(insert(kTag | 3));
    REQUIRE(table.insert(FdNumber{4}, {open(44), false}));
    REQUIRE(table.insert(FdNumber{2}, {open(22), false}));
    const auto all = table.take_all();
    REQUIRE(all.size() == 3);
    CHECK(all[0].description->number().value() == 22);
    CHECK(all[1].description->number().value() == 44);
    CHECK(table.count() == 0);
    CHECK(add()->value() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the last one who leaves gets what is in the table") {
    table.join();
    table.join();
    REQUIRE(insert(4));
    CHECK(table.leave().empty());
    CHECK(table.count() == 1);
    CHECK(table.leave().size() == 1);
    CHECK(table.count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "closing the last descriptor closes the handle and passes its answer on") {
    auto description = open(5);
    REQUIRE(fd::close_descriptor({description, false}, 1));
    CHECK(scheme->closed().empty());
    scheme->close_answer = fail(Errno::kEIO);
    CHECK(error_of(fd::close_descriptor({std::move(description), false}, 1)) == Errno::kEIO);
    CHECK(scheme->closed() == std::vector<std::uint64_t>{5});
}

TEST_CASE_FIXTURE(Fixture, "a marked description tells its scheme of every detach") {
    auto description = open(6);
    description->set_notify_on_detach(true);
    REQUIRE(fd::close_descriptor({description, false}, 42));
    REQUIRE(fd::close_descriptor({std::move(description), false}, 43));
    CHECK(scheme->detached() == std::vector<std::pair<std::uint64_t, std::uint32_t>>{{6, 42}, {6, 43}});
    CHECK(scheme->closed() == std::vector<std::uint64_t>{6});
}

TEST_CASE_FIXTURE(Fixture, "closing a handle of a scheme that is gone is ENODEV") {
    auto description = open(6);
    registry.remove(id);
    CHECK(error_of(fd::close_descriptor({std::move(description), false}, 1)) == Errno::kENODEV);
}

TEST_CASE_FIXTURE(Fixture, "threads that share a table never get the same number") {
    constexpr int kThreads = 4;
    constexpr int kEach = 500;
    const auto description = open(1);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < kEach; ++n) {
                const auto kept = table.add({description, false});
                const auto gone = table.add({description, false});
                if (kept && gone) (void)table.remove(*gone);
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    CHECK(table.count() == kThreads * kEach);
    CHECK(table.numbers().size() == kThreads * kEach);
}
